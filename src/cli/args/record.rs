//! The arguments of commands on the record, the services and the emulator.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueHint};

use super::formats::Format;
use super::planning::ScopeArgs;
use super::values::{fine_span, span};
use crate::model::{Address, Lineage};

/// `import`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArgs {
    /// The rooms
    #[arg(value_name = "ADDRESS", required_unless_present_any = ["all_declared", "generate"])]
    pub(in crate::cli) addresses: Vec<Address>,
    /// Look up every declared room that is not recorded. With an ownership attribute, record only rooms of
    /// this state, or of the lost state that a new one takes over
    #[arg(long, conflicts_with = "addresses")]
    pub(in crate::cli) all_declared: bool,
    /// With --all-declared: also take over rooms whose ownership attribute contains this lineage of another
    /// state, without asking
    #[arg(long, value_name = "UUID", conflicts_with_all = ["addresses", "generate"])]
    pub(in crate::cli) lineage: Option<Lineage>,
    /// Which of the rooms to look up.
    #[command(flatten)]
    pub(in crate::cli) scope: ScopeArgs,
    /// Look up the given ids and write a file of the rooms that exist; records nothing and never overwrites
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        requires = "provider",
        conflicts_with_all = ["addresses", "all_declared"]
    )]
    pub(in crate::cli) generate: Option<PathBuf>,
    /// The declared provider of the rooms of --generate
    #[arg(long, value_name = "NAME", requires = "generate")]
    pub(in crate::cli) provider: Option<String>,
    /// The ids for --generate, one per line (`# ` starts a comment line): a file, or `-` for standard
    /// input, which is the default
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "generate")]
    pub(in crate::cli) ids: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(in crate::cli) format: Format,
    /// Accept an endpoint on another host than the recorded one: it must serve the same rooms
    #[arg(long)]
    pub(in crate::cli) allow_endpoint_change: bool,
    /// How long to wait for another run to release the state
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
    pub(in crate::cli) lock_timeout: Duration,
}

/// `check`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CheckArgs {
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(in crate::cli) format: Format,
}

/// `state …`.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum StateCommand {
    /// List the recorded rooms, or those that match
    List {
        /// Addresses or globs, such as `chat/table-*`; the default is all rooms
        #[arg(value_name = "ADDRESS")]
        patterns: Vec<String>,
        /// Output format
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Show the records of rooms
    Show {
        /// Addresses or globs, such as `chat/table-*`
        #[arg(value_name = "ADDRESS", required = true)]
        patterns: Vec<String>,
        /// Output format
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Remove rooms from the state without destroying them: they become unmanaged
    Rm {
        /// Addresses or globs, such as `chat/table-*`
        #[arg(value_name = "ADDRESS", required = true)]
        patterns: Vec<String>,
        /// Do not ask for confirmation
        #[arg(short = 'y', long, visible_alias = "yes")]
        auto_approve: bool,
        /// How long to wait for another run to release the state
        #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
        lock_timeout: Duration,
    },
    /// Write the journal of an interrupted run into the state; calls no service
    Fold {
        /// How long to wait for another run to release the state
        #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
        lock_timeout: Duration,
    },
    /// Show what a damaged or hand-edited state would become, ask, and write it
    Repair {
        /// Do not ask for confirmation
        #[arg(short = 'y', long, visible_alias = "yes")]
        auto_approve: bool,
        /// How long to wait for another run to release the state
        #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
        lock_timeout: Duration,
    },
    /// Move the record of a room, or of all rooms of a provider, to another provider name
    Mv {
        /// The old address, or the old provider name with a `/`
        #[arg(value_name = "ADDRESS")]
        from: String,
        /// The new address or provider name: only the provider name may differ
        #[arg(value_name = "ADDRESS")]
        to: String,
        /// How long to wait for another run to release the state
        #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
        lock_timeout: Duration,
    },
    /// Print the state as one JSON document, with the journal of an interrupted run
    Pull {
        /// Write it to this new file instead of stdout
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        out: Option<PathBuf>,
    },
    /// Replace the state by a JSON document that `state pull` printed; shows the changes and asks
    Push {
        /// The document, or `-` for standard input (needs --auto-approve)
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Write it even if it has another lineage, is older than the state, was edited by hand, or lacks rooms
        /// with a call pending
        #[arg(long)]
        force: bool,
        /// Do not ask for confirmation
        #[arg(short = 'y', long, visible_alias = "yes")]
        auto_approve: bool,
        /// How long to wait for another run to release the state
        #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
        lock_timeout: Duration,
    },
    /// End the lease of a run that is gone, so that the next run need not wait; asks
    Unlock {
        /// Do not ask for confirmation
        #[arg(short = 'y', long, visible_alias = "yes")]
        auto_approve: bool,
    },
    /// Copy the state to another place, verify the copy, and mark the old state as moved
    Migrate {
        /// Where the state is: a path or a URL
        #[arg(value_hint = ValueHint::FilePath)]
        from: String,
        /// Where to keep it from now on: a path or a URL without a state
        #[arg(value_hint = ValueHint::FilePath)]
        to: String,
        /// How long to wait for another run to release the state
        #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
        lock_timeout: Duration,
    },
}

/// `emulator`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct EmulatorArgs {
    /// Change the rooms of an emulator instead of serving one
    #[command(subcommand)]
    pub(in crate::cli) command: Option<EmulatorCommand>,
    /// Address to listen on; loopback only
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8787")]
    pub(in crate::cli) listen: SocketAddr,
    /// Id of the emulated applications, one of each kind
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(in crate::cli) app_id: u32,
    /// Environment variable with the secret of all applications; the default is ZEGO_SERVER_SECRET for
    /// zim and rtc, TENCENT_SECRET_KEY for tencent-live
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) secret_env: Option<String>,
    /// Keep the rooms in this file; the default is in memory
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) data: Option<PathBuf>,
    /// Maximum number of ZIM rooms
    #[arg(long, value_name = "N")]
    pub(in crate::cli) max_rooms: Option<u64>,
    /// Latency of each answer
    #[arg(long, value_name = "SPAN", value_parser = fine_span, default_value = "0ms")]
    pub(in crate::cli) latency: Duration,
    /// Maximum random addition to the latency
    #[arg(long, value_name = "SPAN", value_parser = fine_span, default_value = "0ms")]
    pub(in crate::cli) jitter: Duration,
    /// A user who may call Tencent's server API; may be given several times; the default is every user
    #[arg(long = "administrator", value_name = "USER")]
    pub(in crate::cli) administrators: Vec<String>,
    /// Fault to inject: 500, busy, reset-before, reset-after, hang or garbage, with its share of the calls,
    /// such as `busy=10%`; may be given several times
    #[arg(long = "fault", value_name = "KIND=SHARE")]
    pub(in crate::cli) faults: Vec<String>,
}

/// `emulator enter|leave|advance`.
#[derive(Clone, Debug, Subcommand)]
pub(in crate::cli) enum EmulatorCommand {
    /// Add people to a room
    Enter {
        /// The room
        address: Address,
        /// Number of people
        #[arg(long, default_value_t = 1)]
        users: u64,
    },
    /// Remove people from a room
    Leave {
        /// The room
        address: Address,
        /// Number of people; the default is all
        #[arg(long)]
        users: Option<u64>,
    },
    /// Advance the clock
    Advance {
        /// By how much, such as 90s, 15m or 3h
        #[arg(value_parser = span)]
        span: Duration,
    },
}
