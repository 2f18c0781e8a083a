//! The arguments of commands that plan, compare or apply.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use super::formats::{DriftFormat, Format, PlanFormat};
use super::values::{not_built, refresh_modes, span, time_limit};
use crate::model::{Address, Digest, Refresh};

/// What `plan`, `apply` and `destroy` have in common.
#[derive(Debug, Args)]
pub(in crate::cli) struct PlanningArgs {
    /// Rooms to look up before planning; the default is `policy.refresh`
    #[arg(long, value_name = "WHEN", value_parser = refresh_modes())]
    pub(in crate::cli) refresh: Option<Refresh>,
    /// Which rooms to plan for.
    #[command(flatten)]
    pub(in crate::cli) scope: ScopeArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t = PlanFormat::Text)]
    pub(in crate::cli) format: PlanFormat,
    /// How long Markdown may get
    #[command(flatten)]
    pub(in crate::cli) page: PageArgs,
    /// How steps are laid out.
    #[command(flatten)]
    pub(in crate::cli) layout: LayoutArgs,
    /// plan: exit 2 if steps are planned or rooms are blocked or waiting; apply: exit 5 also if rooms wait
    #[arg(long)]
    pub(in crate::cli) detailed_exitcode: bool,
    /// Accept an endpoint on another host than the recorded one: it must serve the same rooms
    #[arg(long)]
    pub(in crate::cli) allow_endpoint_change: bool,
}

/// Which rooms a command is about.
#[derive(Debug, Args)]
pub(in crate::cli) struct ScopeArgs {
    /// Only these rooms: an address, or a glob such as `chat/table-*`; may be given several times. An
    /// exact address takes precedence over a glob
    #[arg(long, value_name = "GLOB")]
    pub(in crate::cli) target: Vec<String>,
    /// Exclude these rooms; may be given several times
    #[arg(long, value_name = "GLOB")]
    pub(in crate::cli) exclude: Vec<String>,
}

/// How long Markdown may get.
#[derive(Debug, Args)]
pub(in crate::cli) struct PageArgs {
    /// Maximum size of Markdown in bytes; what does not fit is counted
    #[arg(long, value_name = "N", default_value_t = 60_000,
        value_parser = clap::value_parser!(u32).range(i64::from(SMALLEST)..))]
    pub(in crate::cli) max_bytes: u32,
}

/// The least `--max-bytes`: an apply writes two pages.
const SMALLEST: u32 = 4_000;

/// How steps are laid out.
#[derive(Debug, Args)]
pub(in crate::cli) struct LayoutArgs {
    /// Show whole rooms as unified diffs
    #[arg(long)]
    pub(in crate::cli) diff: bool,
    /// Show every room separately, without grouping equal changes and errors
    #[arg(long)]
    pub(in crate::cli) full: bool,
}

/// How long a run may take, and where its metrics go.
#[derive(Debug, Args)]
pub(in crate::cli) struct RunArgs {
    /// Stop after this time, such as 30m, as after a first Ctrl-C
    #[arg(long, value_name = "SPAN", value_parser = time_limit)]
    pub(in crate::cli) timeout: Option<Duration>,
    /// Write metrics of the run to this file, as Prometheus text; overwrites only metrics files
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) metrics_file: Option<PathBuf>,
}

/// `plan`.
#[derive(Debug, Args)]
pub(in crate::cli) struct PlanArgs {
    /// Save the plan to this file, for `apply FILE`; overwrites only saved plans
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) out: Option<PathBuf>,
    /// How to plan.
    #[command(flatten)]
    pub(in crate::cli) planning: PlanningArgs,
    /// How to run.
    #[command(flatten)]
    pub(in crate::cli) run: RunArgs,
}

/// `drift`.
#[derive(Debug, Args)]
pub(in crate::cli) struct DriftArgs {
    /// Recorded rooms to look up; the default is all
    #[arg(long, value_name = "WHEN", value_parser = refresh_modes())]
    pub(in crate::cli) refresh: Option<Refresh>,
    /// Which rooms to compare.
    #[command(flatten)]
    pub(in crate::cli) scope: ScopeArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t = DriftFormat::Text, value_name = "FORMAT")]
    pub(in crate::cli) format: DriftFormat,
    /// How long Markdown may get
    #[command(flatten)]
    pub(in crate::cli) page: PageArgs,
    /// Accept an endpoint on another host than the recorded one: it must serve the same rooms
    #[arg(long)]
    pub(in crate::cli) allow_endpoint_change: bool,
    /// How to run.
    #[command(flatten)]
    pub(in crate::cli) run: RunArgs,
}

/// `explain`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ExplainArgs {
    /// The room
    #[arg(value_name = "ADDRESS")]
    pub(in crate::cli) address: Address,
    /// Whether to look up this room at the service; the default is yes if there are credentials
    #[arg(long, value_name = "WHEN", value_parser = refresh_modes())]
    pub(in crate::cli) refresh: Option<Refresh>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(in crate::cli) format: Format,
    /// Accept an endpoint on another host than the recorded one: it must serve the same rooms
    #[arg(long)]
    pub(in crate::cli) allow_endpoint_change: bool,
}

/// Which JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SchemaName {
    /// rooms.yaml.
    Rooms,
    /// The plan, as `--format json` writes it.
    Plan,
    /// One line of `apply --format json`.
    Events,
    /// The state file.
    State,
}

/// What `apply` and `destroy` have in common.
#[derive(Debug, Args)]
pub(in crate::cli) struct ApplyingArgs {
    /// Do not ask for confirmation
    #[arg(short = 'y', long, visible_alias = "yes")]
    pub(in crate::cli) auto_approve: bool,
    /// Consent to at most N rooms being destroyed, replaced or forgotten in this run
    #[arg(long, value_name = "N")]
    pub(in crate::cli) allow_destroy: Option<u64>,
    /// Maximum steps in flight for each provider; the default is enough to reach the rate limit
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(in crate::cli) concurrency: Option<u16>,
    /// Disconnect the people in this room, on all its sides, if it is to be destroyed; may be given several
    /// times
    #[arg(long, value_name = "ADDRESS")]
    pub(in crate::cli) evict: Vec<Address>,
    /// How long to wait for another run to release the state
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
    pub(in crate::cli) lock_timeout: Duration,
}

/// `apply`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ApplyArgs {
    /// Apply only the steps of this plan, which `plan --out` saved
    #[arg(value_name = "PLAN", value_hint = ValueHint::FilePath, conflicts_with_all = ["target", "exclude"])]
    pub(in crate::cli) plan: Option<PathBuf>,
    /// Refuse a saved plan older than this, such as 15m or 24h
    #[arg(long, value_name = "SPAN", value_parser = span, requires = "plan")]
    pub(in crate::cli) max_plan_age: Option<Duration>,
    /// Apply the plan only if it has this digest, or no steps
    #[arg(long, value_name = "sha256:…")]
    pub(in crate::cli) expect: Option<Digest>,
    /// How to plan.
    #[command(flatten)]
    pub(in crate::cli) planning: PlanningArgs,
    /// How to apply.
    #[command(flatten)]
    pub(in crate::cli) applying: ApplyingArgs,
    /// Consent to at most N rooms that are gone before their time being recreated in this run
    #[arg(long, value_name = "N")]
    pub(in crate::cli) allow_recreate: Option<u64>,
    /// Skip every destroy, replace and forget in this run
    #[arg(long, conflicts_with = "allow_destroy")]
    pub(in crate::cli) no_destroy: bool,
    /// How to run.
    #[command(flatten)]
    pub(in crate::cli) run: RunArgs,
}

/// `reconcile`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ReconcileArgs {
    /// Recorded rooms to look up before planning; the default is `policy.refresh`
    #[arg(long, value_name = "WHEN", value_parser = refresh_modes())]
    pub(in crate::cli) refresh: Option<Refresh>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(in crate::cli) format: Format,
    /// Consent to at most N rooms that are gone before their time being recreated in this run
    #[arg(long, value_name = "N")]
    pub(in crate::cli) allow_recreate: Option<u64>,
    /// The controller, which is not built yet.
    #[arg(long, value_name = "SPAN", value_parser = not_built, hide = true)]
    pub(in crate::cli) every: Option<Infallible>,
    /// How long to wait for another run to release the state
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "0s")]
    pub(in crate::cli) lock_timeout: Duration,
    /// Which rooms.
    #[command(flatten)]
    pub(in crate::cli) scope: ScopeArgs,
    /// How to run.
    #[command(flatten)]
    pub(in crate::cli) run: RunArgs,
}

/// `destroy`.
#[derive(Debug, Args)]
pub(in crate::cli) struct DestroyArgs {
    /// How to plan.
    #[command(flatten)]
    pub(in crate::cli) planning: PlanningArgs,
    /// How to apply.
    #[command(flatten)]
    pub(in crate::cli) applying: ApplyingArgs,
}
