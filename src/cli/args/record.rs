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
    /// Ask after every declared room that is not recorded; where rooms have an ownership attribute, record
    /// only those of this state, or of the lost one that a new state takes over
    #[arg(long, conflicts_with = "addresses")]
    pub(in crate::cli) all_declared: bool,
    /// With --all-declared: take over the rooms whose ownership attribute holds this lineage of another
    /// state too, without asking
    #[arg(long, value_name = "UUID", conflicts_with_all = ["addresses", "generate"])]
    pub(in crate::cli) lineage: Option<Lineage>,
    /// Which of the rooms to ask after.
    #[command(flatten)]
    pub(in crate::cli) scope: ScopeArgs,
    /// Record nothing: ask after given ids, and write a file of the rooms that exist; never overwrites
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        requires = "provider",
        conflicts_with_all = ["addresses", "all_declared"]
    )]
    pub(in crate::cli) generate: Option<PathBuf>,
    /// The declared provider that holds the rooms of --generate
    #[arg(long, value_name = "NAME", requires = "generate")]
    pub(in crate::cli) provider: Option<String>,
    /// The ids for --generate, one a line (`# ` begins a comment): a file, or `-` for standard input,
    /// which is the default
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "generate")]
    pub(in crate::cli) ids: Option<PathBuf>,
    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(in crate::cli) format: Format,
    /// Accept that an endpoint is another host than the recorded rooms were made at: it serves the
    /// same rooms
    #[arg(long)]
    pub(in crate::cli) allow_endpoint_change: bool,
    /// How long to wait for another run to release the state
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
    pub(in crate::cli) lock_timeout: Duration,
}

/// `check`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CheckArgs {
    /// How the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(in crate::cli) format: Format,
}

/// `state …`.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum StateCommand {
    /// List the recorded rooms, or those that match
    List {
        /// Addresses or globs, such as `chat/table-*`; all rooms if left out
        #[arg(value_name = "ADDRESS")]
        patterns: Vec<String>,
        /// How the result is written
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Show what is recorded of rooms, and what waits for their next life
    Show {
        /// Addresses or globs, such as `chat/table-*`
        #[arg(value_name = "ADDRESS", required = true)]
        patterns: Vec<String>,
        /// How the result is written
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Take rooms out of the record: a living room becomes unmanaged
    Rm {
        /// Addresses or globs, such as `chat/table-*`
        #[arg(value_name = "ADDRESS", required = true)]
        patterns: Vec<String>,
        /// Do not ask
        #[arg(short = 'y', long, visible_alias = "yes")]
        auto_approve: bool,
        /// How long to wait for another run to release the state
        #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
        lock_timeout: Duration,
    },
    /// Write what an interrupted run left in the journal into the state; calls no service
    Fold {
        /// How long to wait for another run to release the state
        #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
        lock_timeout: Duration,
    },
    /// Show what a damaged or hand-edited state would become with what lies beside it, and write it
    Repair {
        /// Do not ask
        #[arg(short = 'y', long, visible_alias = "yes")]
        auto_approve: bool,
        /// How long to wait for another run to release the state
        #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
        lock_timeout: Duration,
    },
    /// Move the record of a room, or of all rooms of a provider, to the new name of the provider
    Mv {
        /// The old address, or the provider's old name and a `/`
        #[arg(value_name = "ADDRESS")]
        from: String,
        /// The new one: only the provider's name may differ
        #[arg(value_name = "ADDRESS")]
        to: String,
        /// How long to wait for another run to release the state
        #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
        lock_timeout: Duration,
    },
    /// Print the state as one JSON document, with what an interrupted run left
    Pull {
        /// Write it to this new file instead of stdout
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        out: Option<PathBuf>,
    },
    /// Replace the record by that of a JSON document, as `state pull` prints it; shows what changes and asks
    Push {
        /// The document, or `-` for standard input (then with --auto-approve)
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Write it also if it is of another lineage, older than the state or edited by hand, or lacks rooms
        /// that have a call pending
        #[arg(long)]
        force: bool,
        /// Do not ask
        #[arg(short = 'y', long, visible_alias = "yes")]
        auto_approve: bool,
        /// How long to wait for another run to release the state
        #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
        lock_timeout: Duration,
    },
    /// End the lease of a run that is gone, so that the next one need not wait for it; asks
    Unlock {
        /// Do not ask
        #[arg(short = 'y', long, visible_alias = "yes")]
        auto_approve: bool,
    },
    /// Copy the state to another place, compare it there, and mark the old one as moved
    Migrate {
        /// Where the state is: a path or a URL
        #[arg(value_hint = ValueHint::FilePath)]
        from: String,
        /// Where to keep it from now on: a path or a URL at which there is no state yet
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
    /// What to do to a world, instead of serving one
    #[command(subcommand)]
    pub(in crate::cli) command: Option<EmulatorCommand>,
    /// Where to listen; only loopback
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8787")]
    pub(in crate::cli) listen: SocketAddr,
    /// The id of the applications that it serves, one of each kind
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(in crate::cli) app_id: u32,
    /// The environment variable that holds the secret of them all; where left out, ZEGO_SERVER_SECRET for
    /// zim and rtc, TENCENT_SECRET_KEY for tencent-live
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) secret_env: Option<String>,
    /// Keep the world in this file; in memory where left out
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) data: Option<PathBuf>,
    /// How many ZIM rooms may live at once
    #[arg(long, value_name = "N")]
    pub(in crate::cli) max_rooms: Option<u64>,
    /// How long an answer takes
    #[arg(long, value_name = "SPAN", value_parser = fine_span, default_value = "0ms")]
    pub(in crate::cli) latency: Duration,
    /// By how much the latency varies, up and down
    #[arg(long, value_name = "SPAN", value_parser = fine_span, default_value = "0ms")]
    pub(in crate::cli) jitter: Duration,
    /// A user who may call Tencent's server API; may be given several times, everybody where left out
    #[arg(long = "administrator", value_name = "USER")]
    pub(in crate::cli) administrators: Vec<String>,
    /// A fault to inject: 500, busy, reset-before, reset-after, hang or garbage, and its share of the calls,
    /// such as `busy=10%`; may be given several times
    #[arg(long = "fault", value_name = "KIND=SHARE")]
    pub(in crate::cli) faults: Vec<String>,
}

/// `emulator enter|leave|advance`.
#[derive(Clone, Debug, Subcommand)]
pub(in crate::cli) enum EmulatorCommand {
    /// Put people into a room
    Enter {
        /// The room
        address: Address,
        /// How many
        #[arg(long, default_value_t = 1)]
        users: u64,
    },
    /// Let people leave a room
    Leave {
        /// The room
        address: Address,
        /// How many; all where left out
        #[arg(long)]
        users: Option<u64>,
    },
    /// Let time pass
    Advance {
        /// How much, such as 90s, 15m or 3h
        #[arg(value_parser = span)]
        span: Duration,
    },
}
