//! The command line: every command, flag and example.

mod formats;
mod planning;
mod record;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::model::Kind;

pub(super) use formats::{DriftFormat, Format, PlanFormat, ValidateFormat};
pub(super) use planning::{
    ApplyArgs, ApplyingArgs, DestroyArgs, DriftArgs, ExplainArgs, LayoutArgs, PageArgs, PlanArgs,
    PlanningArgs, ReconcileArgs, RunArgs, SchemaName, ScopeArgs,
};
pub(super) use record::{CheckArgs, EmulatorArgs, EmulatorCommand, ImportArgs, StateCommand};
use values::kinds;

/// The `roomctl` command line.
#[derive(Debug, Parser)]
#[command(
    name = "roomctl",
    version,
    about = "Manages chat and live rooms as declared in YAML",
    long_about = "Manages chat and live rooms as declared in YAML.\n\n`rooms.yaml` declares the rooms, \
                  `plan` shows what would change, and `apply` makes the changes in order, within the \
                  service's rate limits. No crash or unknown outcome loses track of a room.",
    after_help = EXAMPLES,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(super) struct Cli {
    /// The global options.
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
  roomctl apply                      show the plan, ask, and apply it
  roomctl apply --auto-approve       the same in a pipeline
  roomctl plan --detailed-exitcode   exit 2 if changes are wanted

Exit codes:
  0 done, or nothing to do   1 failed, nothing was changed   2 changes are wanted
  3 refused, or blocked      4 the state is locked           5 partly done
  64 wrong usage             130 a second Ctrl-C or SIGTERM: aborted";

/// The global options.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// The file that declares the rooms, a folder of such files, or `-` for standard input; may be
    /// given several times
    #[arg(short, long = "file", value_name = "PATH", global = true, default_value = "rooms.yaml")]
    pub(super) files: Vec<PathBuf>,
    /// Also read the files in subfolders of a folder given by -f, except hidden ones
    #[arg(short = 'R', long, global = true)]
    pub(super) recursive: bool,
    /// Where the state is kept, overriding `state:` in the file: a path, or an s3://, gs://, az:// or
    /// postgres:// URL
    #[arg(long, value_name = "URL", value_hint = ValueHint::FilePath, global = true)]
    pub(super) state: Option<String>,
    /// Also send credentials to this host; the vendors' hosts and loopback are always allowed
    #[arg(long = "allow-endpoint", value_name = "HOST", global = true)]
    pub(super) allow_endpoints: Vec<String>,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN", global = true)]
    pub(super) color: Color,
    /// Print only the result and errors
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Format of the log on stderr; ROOMCTL_LOG sets its level, such as `debug`
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
    /// Text.
    Text,
    /// One JSON object per line.
    Json,
}

/// A command.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write a commented starter rooms.yaml, .gitignore and .gitattributes; never overwrites
    #[command(after_help = INIT_EXAMPLES)]
    Init(InitArgs),
    /// Check the files: no state, no network, no credentials
    Validate(ValidateArgs),
    /// Show what would change; changes nothing
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(PlanArgs),
    /// Compare what is recorded with what the service has; changes nothing
    Drift(DriftArgs),
    /// Show one room as desired, recorded and observed, and the decision; changes nothing
    Explain(ExplainArgs),
    /// Plan, show the plan, ask, and apply it
    #[command(after_help = APPLY_EXAMPLES)]
    Apply(ApplyArgs),
    /// Restore the recorded rooms as they were last applied, for a scheduled job
    #[command(after_help = RECONCILE_EXAMPLES)]
    Reconcile(ReconcileArgs),
    /// Destroy every recorded room: like apply, with nothing desired
    #[command(after_help = DESTROY_EXAMPLES)]
    Destroy(DestroyArgs),
    /// Record rooms that exist already and that the file declares
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(ImportArgs),
    /// Check credentials, clock and limits by one read-only call to each provider
    Check(CheckArgs),
    /// Read or correct the state
    #[command(subcommand, after_help = STATE_EXAMPLES)]
    State(StateCommand),
    /// Serve emulated server APIs on loopback, for trying out and for tests
    #[command(after_help = EMULATOR_EXAMPLES)]
    Emulator(Box<EmulatorArgs>),
    /// Print the JSON Schema (draft-07) of rooms.yaml, or of a document that roomctl writes
    Schema {
        /// The document
        #[arg(value_enum, default_value_t = SchemaName::Rooms)]
        name: SchemaName,
    },
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
  roomctl plan                           what would change, after looking up rooms that may be gone
  roomctl plan --refresh all             look up every room first
  roomctl plan --refresh never --diff    offline, whole rooms as unified diffs
  roomctl plan --format json             one JSON document
  roomctl plan --out plan.json           save it for `roomctl apply plan.json`";

const APPLY_EXAMPLES: &str = "\
Examples:
  roomctl apply                                      show the plan, ask, and apply it
  roomctl apply --auto-approve                       without asking, in a pipeline
  roomctl apply --auto-approve --allow-destroy 12    also if 12 rooms have to be destroyed
  roomctl apply --auto-approve --allow-recreate 40   also if 40 rooms are gone before their time
  roomctl apply plan.json                            only the steps that the saved plan contains
  roomctl apply --evict chat/lobby                   disconnect the people in chat/lobby";

const RECONCILE_EXAMPLES: &str = "\
Examples:
  roomctl reconcile --quiet                in a scheduled job: silent if there is nothing to do
  roomctl reconcile --refresh all          look up every recorded room first
  roomctl reconcile --allow-recreate 40    also if 40 rooms are gone before their time";

const DESTROY_EXAMPLES: &str = "\
Examples:
  roomctl destroy                                      show what would be destroyed, ask, and destroy it
  roomctl destroy --auto-approve --allow-destroy 12    off a terminal: the number is the consent";

const IMPORT_EXAMPLES: &str = "\
Examples:
  roomctl import chat/lobby        record one room that exists
  roomctl import --all-declared    recover from a lost state
  roomctl import --all-declared --lineage 7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44
                                   the rooms of that state too, by their ownership attribute
  roomctl import --generate existing.yaml --provider chat --ids ids.txt
                                   write a file of existing rooms, to import";

const STATE_EXAMPLES: &str = "\
Examples:
  roomctl state list                 the addresses of all recorded rooms
  roomctl state show chat/lobby      what is recorded of one
  roomctl state rm 'chat/table-*'    remove many from the record, without destroying them
  roomctl state fold                 write an interrupted run's journal into the state
  roomctl state repair               show what a damaged state would become, and write it
  roomctl state mv talk/ chat/       the provider `talk` is named `chat` now
  roomctl state pull > backup.json   the whole record as one document
  roomctl state unlock               end the lease of a run that is gone
  roomctl state migrate rooms.state.json s3://bucket/rooms.json
                                     keep it in an object store from now on";

const EMULATOR_EXAMPLES: &str = "\
Examples:
  roomctl emulator --listen 127.0.0.1:8787               serve until Ctrl-C
  roomctl emulator --fault busy=10% --latency 50ms       inject faults
  roomctl emulator enter chat/lobby --users 300          add people to a room
  roomctl emulator advance 3h                            advance the emulator's clock";

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
    /// Output format
    #[arg(long, value_enum, default_value_t = ValidateFormat::Text)]
    pub(super) format: ValidateFormat,
}
