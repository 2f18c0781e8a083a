//! The command line: every command, flag and example.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::model::{Address, Delay, Kind, Refresh};

/// The `roomctl` command line.
#[derive(Debug, Parser)]
#[command(
    name = "roomctl",
    version,
    about = "Keeps a fleet of chat and live rooms as a YAML file says",
    long_about = "Keeps a fleet of chat and live rooms as a YAML file says.\n\n\
        `rooms.yaml` declares the rooms, `plan` shows what would change, `apply` carries it out in \
        order, inside the service's rate limits, and never loses track of a room.",
    after_help = EXAMPLES,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(super) struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub(super) global: Global,
    /// The command.
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  roomctl init                       write a starter rooms.yaml, on the built-in emulator
  roomctl plan                       show what would change
  roomctl apply                      show it, ask, and carry it out
  roomctl apply --auto-approve       the same in a pipeline
  roomctl plan --detailed-exitcode   exit 2 if changes are wanted

Exit codes:
  0 done, or nothing to do   1 failed, nothing was changed   2 changes are wanted
  3 refused, or blocked      4 the state is locked           5 partly done
  64 wrong usage             130 a second Ctrl-C or SIGTERM: aborted";

/// What holds for every command.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// The file that declares the rooms, a folder of such files, or `-` for standard input; may be
    /// given several times
    #[arg(short, long = "file", value_name = "PATH", global = true, default_value = "rooms.yaml")]
    pub(super) files: Vec<PathBuf>,
    /// Read the files in subfolders of a folder given by -f too, but for hidden ones
    #[arg(short = 'R', long, global = true)]
    pub(super) recursive: bool,
    /// Where the state is kept, instead of what the file says
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath, global = true)]
    pub(super) state: Option<String>,
    /// Send credentials to this host too; vendors' hosts and loopback need no word
    #[arg(long = "allow-endpoint", value_name = "HOST", global = true)]
    pub(super) allow_endpoints: Vec<String>,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN", global = true)]
    pub(super) color: Color,
    /// Say nothing but the result and errors
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// How the log (level by ROOMCTL_LOG, such as `debug`) is written to stderr
    #[arg(long, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT", global = true)]
    pub(super) log_format: LogFormat,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// A command.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write a commented starter rooms.yaml, and what git and editors need; never overwrites
    #[command(after_help = INIT_EXAMPLES)]
    Init(InitArgs),
    /// Check the files: no state, no network, no credentials
    Validate(ValidateArgs),
    /// Show what would change; changes nothing
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(PlanArgs),
    /// Compare what is recorded with what the service has; changes nothing
    Drift(DriftArgs),
    /// Plan, show, ask, and carry out
    #[command(after_help = APPLY_EXAMPLES)]
    Apply(ApplyArgs),
    /// Destroy every recorded room: as apply, with nothing desired
    #[command(after_help = DESTROY_EXAMPLES)]
    Destroy(DestroyArgs),
    /// Record rooms that exist already and that the file declares
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(ImportArgs),
    /// Ask each provider one harmless question: credentials, clock, limits
    Check(CheckArgs),
    /// Look at the record, or mend it
    #[command(subcommand, after_help = STATE_EXAMPLES)]
    State(StateCommand),
    /// Serve the services' APIs on loopback, for trying and for tests
    #[command(after_help = EMULATOR_EXAMPLES)]
    Emulator(Box<EmulatorArgs>),
    /// Print the JSON Schema (draft-07) of rooms.yaml
    Schema,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one for each command
    Man(ManArgs),
}

/// `man`.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write roomctl.1, roomctl-plan.1 and so on into this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) out: Option<PathBuf>,
}

const INIT_EXAMPLES: &str = "\
Examples:
  roomctl init                        chat rooms, on the built-in emulator
  roomctl init --kind rtc             video rooms
  roomctl init -f live/rooms.yaml --kind tencent-live";

const PLAN_EXAMPLES: &str = "\
Examples:
  roomctl plan                           what would change, asking after rooms that may have gone
  roomctl plan --refresh all             ask after every room first
  roomctl plan --refresh never --diff    offline, whole rooms as unified diffs
  roomctl plan --format json             one JSON document";

const APPLY_EXAMPLES: &str = "\
Examples:
  roomctl apply                                      show the plan, ask, carry it out
  roomctl apply --auto-approve                       without asking, in a pipeline
  roomctl apply --auto-approve --allow-destroy 12    also where 12 rooms have to go
  roomctl apply --auto-approve --allow-recreate 40   also where 40 rooms are gone before their time
  roomctl apply --evict chat/lobby                   throw the people in chat/lobby out";

const DESTROY_EXAMPLES: &str = "\
Examples:
  roomctl destroy                                      show what would go, ask, destroy it
  roomctl destroy --auto-approve --allow-destroy 12    off a terminal: the number is the consent";

const IMPORT_EXAMPLES: &str = "\
Examples:
  roomctl import chat/lobby        record one room that exists
  roomctl import --all-declared    the way back after a lost state";

const STATE_EXAMPLES: &str = "\
Examples:
  roomctl state list                 the addresses of all recorded rooms
  roomctl state show chat/lobby      what is recorded of one
  roomctl state rm 'chat/table-*'    let many go without destroying them
  roomctl state fold                 write an interrupted run's journal into the state
  roomctl state repair               what a damaged state would become, and write it";

const EMULATOR_EXAMPLES: &str = "\
Examples:
  roomctl emulator --listen 127.0.0.1:8787               serve until Ctrl-C
  roomctl emulator --fault busy=10% --latency 50ms       inject faults
  roomctl emulator enter chat/lobby --users 300          put people into a room
  roomctl emulator advance 3h                            let time pass";

/// `init`.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The kind of rooms: which service holds them
    #[arg(long, value_name = "KIND", default_value = "zim", value_parser = kinds())]
    pub(super) kind: Kind,
}

/// `validate`.
#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// How the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

/// What `plan`, `apply` and `destroy` have in common.
#[derive(Debug, Args)]
pub(super) struct PlanningArgs {
    /// Whom to ask first: nobody, rooms that may have gone, or all; the policy's where left out
    #[arg(long, value_name = "WHEN", value_parser = refresh_modes())]
    pub(super) refresh: Option<Refresh>,
    /// How the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// How steps are laid out.
    #[command(flatten)]
    pub(super) layout: LayoutArgs,
    /// plan: exit 2 if steps are planned or rooms are blocked or wait; apply: exit 5 also if rooms wait
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
    /// Accept that an endpoint is another host than the recorded rooms were made at: it serves the
    /// same rooms
    #[arg(long)]
    pub(super) allow_endpoint_change: bool,
}

/// How steps are laid out.
#[derive(Debug, Args)]
pub(super) struct LayoutArgs {
    /// Show whole rooms as unified diffs
    #[arg(long)]
    pub(super) diff: bool,
    /// Show each room by itself, also if several have the same change or the same error
    #[arg(long)]
    pub(super) full: bool,
}

/// `plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// How to plan.
    #[command(flatten)]
    pub(super) planning: PlanningArgs,
}

/// `drift`.
#[derive(Debug, Args)]
pub(super) struct DriftArgs {
    /// Which recorded rooms to ask after; the default is all
    #[arg(long, value_name = "WHEN", value_parser = refresh_modes())]
    pub(super) refresh: Option<Refresh>,
    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(super) format: Format,
    /// Take the recorded rooms to be at the endpoint that the file names now
    #[arg(long)]
    pub(super) allow_endpoint_change: bool,
}

/// What `apply` and `destroy` have in common.
#[derive(Debug, Args)]
pub(super) struct ApplyingArgs {
    /// Do not ask
    #[arg(short = 'y', long, visible_alias = "yes")]
    pub(super) auto_approve: bool,
    /// Consent to at most N rooms being destroyed, replaced or forgotten in this run
    #[arg(long, value_name = "N")]
    pub(super) allow_destroy: Option<u64>,
    /// Steps under way at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(super) concurrency: Option<u16>,
    /// Disconnect the people in this room, at each of its sides, if it is to be destroyed; may be given
    /// several times
    #[arg(long, value_name = "ADDRESS")]
    pub(super) evict: Vec<Address>,
    /// Wait so long for another run to let the state go
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
    pub(super) lock_timeout: Duration,
}

/// `apply`.
#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// How to plan.
    #[command(flatten)]
    pub(super) planning: PlanningArgs,
    /// How to apply.
    #[command(flatten)]
    pub(super) applying: ApplyingArgs,
    /// Consent to at most N rooms that are gone before their time being created again in this run
    #[arg(long, value_name = "N")]
    pub(super) allow_recreate: Option<u64>,
    /// Leave every destroy, replace and forget for another run
    #[arg(long, conflicts_with = "allow_destroy")]
    pub(super) no_destroy: bool,
}

/// `destroy`.
#[derive(Debug, Args)]
pub(super) struct DestroyArgs {
    /// How to plan.
    #[command(flatten)]
    pub(super) planning: PlanningArgs,
    /// How to apply.
    #[command(flatten)]
    pub(super) applying: ApplyingArgs,
}

/// `import`.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The rooms
    #[arg(value_name = "ADDRESS", required_unless_present = "all_declared")]
    pub(super) addresses: Vec<Address>,
    /// Ask after every declared room that is not recorded
    #[arg(long, conflicts_with = "addresses")]
    pub(super) all_declared: bool,
    /// Accept that an endpoint is another host than the recorded rooms were made at: it serves the
    /// same rooms
    #[arg(long)]
    pub(super) allow_endpoint_change: bool,
    /// Wait so long for another run to let the state go
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
    pub(super) lock_timeout: Duration,
}

/// `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// How the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

/// `state …`.
#[derive(Debug, Subcommand)]
pub(super) enum StateCommand {
    /// List the recorded rooms, or those that match
    List {
        /// Addresses or globs, such as `chat/table-*`; all rooms if left out
        #[arg(value_name = "ADDRESS")]
        patterns: Vec<String>,
        /// How the result is written
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Show what is recorded of rooms
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
        /// Wait so long for another run to let the state go
        #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
        lock_timeout: Duration,
    },
    /// Write what an interrupted run left in the journal into the state; no network
    Fold {
        /// Wait so long for another run to let the state go
        #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
        lock_timeout: Duration,
    },
    /// Show what a damaged or hand-edited state would become with what lies beside it, and write it
    Repair {
        /// Do not ask
        #[arg(short = 'y', long, visible_alias = "yes")]
        auto_approve: bool,
        /// Wait so long for another run to let the state go
        #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
        lock_timeout: Duration,
    },
}

/// `emulator`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct EmulatorArgs {
    /// What to do to a world, instead of serving one
    #[command(subcommand)]
    pub(super) command: Option<EmulatorCommand>,
    /// Where to listen; only loopback
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8787")]
    pub(super) listen: SocketAddr,
    /// The id of the applications that it serves, one of each kind
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) app_id: u32,
    /// The environment variable that holds the secret of them all; where left out, ZEGO_SERVER_SECRET for
    /// zim and rtc, TENCENT_SECRET_KEY for tencent-live
    #[arg(long, value_name = "NAME")]
    pub(super) secret_env: Option<String>,
    /// Keep the world in this file; in memory where left out
    #[arg(long, value_name = "FILE")]
    pub(super) data: Option<PathBuf>,
    /// How many ZIM rooms may live at once
    #[arg(long, value_name = "N")]
    pub(super) max_rooms: Option<u64>,
    /// How long an answer takes
    #[arg(long, value_name = "SPAN", value_parser = fine_span, default_value = "0ms")]
    pub(super) latency: Duration,
    /// By how much the latency varies, up and down
    #[arg(long, value_name = "SPAN", value_parser = fine_span, default_value = "0ms")]
    pub(super) jitter: Duration,
    /// A user who may call Tencent's server API; may be given several times, everybody where left out
    #[arg(long = "administrator", value_name = "USER")]
    pub(super) administrators: Vec<String>,
    /// A fault to inject: 500, busy, reset-before, reset-after, hang or garbage, and its share of the calls,
    /// such as `busy=10%`; may be given several times
    #[arg(long = "fault", value_name = "KIND=SHARE")]
    pub(super) faults: Vec<String>,
}

/// `emulator enter|leave|advance`.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum EmulatorCommand {
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

/// The refresh modes by name, each with what it looks up.
fn refresh_modes() -> impl TypedValueParser<Value = Refresh> {
    let about = |mode| match mode {
        Refresh::Never => "No room: offline",
        Refresh::Due => "The rooms whose time may have passed",
        Refresh::All => "Every room",
    };
    let value = |mode: &Refresh| PossibleValue::new(mode.as_str()).help(about(*mode));
    let named = |name: String| Refresh::ALL.iter().copied().find(|mode| mode.as_str() == name);
    PossibleValuesParser::new(Refresh::ALL.iter().map(value))
        .try_map(move |name| named(name).ok_or("unknown refresh mode"))
}

/// The kinds by name, each with a word on what it is.
fn kinds() -> impl TypedValueParser<Value = Kind> {
    let value = |kind: &Kind| PossibleValue::new(kind.as_str()).help(kind.spec().about);
    let named = |name: String| Kind::ALL.iter().copied().find(|kind| kind.as_str() == name);
    PossibleValuesParser::new(Kind::ALL.iter().map(value))
        .try_map(move |name| named(name).ok_or("it is none of the kinds"))
}

fn span(text: &str) -> Result<Duration, String> {
    text.parse::<Delay>().map(Delay::as_duration).map_err(|error| error.to_string())
}

fn fine_span(text: &str) -> Result<Duration, String> {
    if let Some(digits) = text.strip_suffix("ms") {
        let millis = digits.parse().map_err(|_| "write milliseconds as `50ms`".to_owned())?;
        return Ok(Duration::from_millis(millis));
    }
    span(text)
}
