//! The wiring: arguments, environment, and one short file for each command.

mod apply;
mod args;
mod check;
mod completions;
mod connect;
mod console;
mod context;
mod drift;
mod emulator;
mod exit;
mod explain;
mod generate;
mod github;
mod import;
mod init;
mod manual;
mod metrics;
mod output;
mod panics;
mod plan;
mod planning;
mod progress;
mod reconcile;
mod redact;
mod saved;
mod schema;
mod secrets;
mod selection;
mod session;
mod signals;
mod state;
mod user;
mod validate;

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::sync::Arc;

use clap::{CommandFactory, Parser};

use args::{Cli, Color, Command, Format, Global, PlanFormat, StateCommand, ValidateFormat};
use console::Console;
use context::Context;
pub use exit::Exit;
use exit::Stopped;
use metrics::MetricsFile;
use output::{Delivery, Output, Target};
use redact::Secrets;

use crate::model::Finding;
use crate::provider::http::SystemClock;
use crate::render;

/// Runs the command line and returns how it ended.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let output = match Output::open() {
        Ok(output) => output,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "error: stdout and stderr cannot be opened: {error}"));
            return Exit::Failed;
        }
    };
    let secrets = Secrets::default();
    secrets::learn_defaults(&secrets);
    let exit = panics::guard(&output, &secrets, || {
        let console =
            |context| Console::new(context, output.clone(), secrets.clone(), Arc::new(SystemClock));
        let quiet = console(Context::look(Color::Never, true, &[]));
        if let Some(exit) = completions::answer(&arguments, &quiet.delivering(Delivery::Awaited)) {
            return exit;
        }
        match Cli::try_parse_from(&arguments) {
            Ok(cli) => {
                let Global { color, quiet, files, .. } = &cli.global;
                let console = console(Context::look(*color, *quiet, files));
                run(cli, &console)
            }
            Err(error) => {
                let console = console(Context::look(Color::Auto, false, &[]));
                usage(&error, &arguments, &console)
            }
        }
    });
    drop(output.drain(Target::Stderr));
    exit
}

/// Runs a command, and waits until what it printed is written.
fn run(cli: Cli, console: &Console) -> Exit {
    let (shape, delivery) = (Shape::of(&cli.command), delivery(&cli.command));
    let console = &console.delivering(delivery);
    let metrics = MetricsFile::open(&cli.command, console);
    let run = || -> Result<Exit, Stopped> {
        context::start_log(cli.global.log_format, console)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(anyhow::Error::from)?;
        let ended = runtime.block_on(async {
            signals::survive_file_size_limit()?;
            dispatch(cli.command, &cli.global, console).await
        });
        runtime.shutdown_background();
        ended
    };
    let (ended, metrics) = match metrics {
        Ok(metrics) => (run(), metrics),
        Err(stopped) => (Err(stopped), None),
    };
    let exit = ended.unwrap_or_else(|stopped| report(&stopped, shape, console));
    let exit = if console.has_refused() { exit.or(Exit::Partly) } else { exit };
    let exit = metrics.map_or(exit, |metrics| metrics.write(exit, console));
    end(shape, exit, console);
    exit.or(delivered(delivery, console))
}

/// Writes the last event of a run. If it cannot be written, that is reported with the lost output.
fn end(shape: Shape, exit: Exit, console: &Console) {
    match shape {
        Shape::Events => drop(console.summary(exit)),
        Shape::Annotations => {
            if let Err(Stopped { error, .. }) = github::exit_code(exit, console) {
                console.say(&render::plain(format_args!("error: {error:#}")));
            }
        }
        Shape::Text | Shape::Document => {}
    }
}

/// Waits for the output, and returns the exit code: lost output of a run that may have changed something
/// is partly done.
fn delivered(delivery: Delivery, console: &Console) -> Exit {
    match (console.output().drain(Target::Stdout), delivery) {
        (Err(error), Delivery::Queued) if error.kind() != ErrorKind::BrokenPipe => {
            console.say(&format!("error: {}", console::unwritten(&error)));
            Exit::Partly
        }
        _ => Exit::Done,
    }
}

async fn dispatch(command: Command, global: &Global, console: &Console) -> Result<Exit, Stopped> {
    let context = console.context();
    match command {
        Command::Init(args) => init::run(&args, global, console),
        Command::Validate(args) => validate::run(&args, global, console),
        Command::Plan(args) => plan::run(&args, global, console).await,
        Command::Drift(args) => drift::run(&args, global, console).await,
        Command::Explain(args) => explain::run(&args, global, console).await,
        Command::Apply(args) => apply::apply(&args, global, context, console).await,
        Command::Reconcile(args) => reconcile::run(&args, global, context, console).await,
        Command::Destroy(args) => apply::destroy(&args, global, context, console).await,
        Command::Import(args) => import::run(&args, global, context, console).await,
        Command::Check(args) => check::run(&args, global, console).await,
        Command::State(command) => state::run(command, global, context, console).await,
        Command::Emulator(args) => emulator::run(*args, global, console).await,
        Command::Schema { name } => schema::run(name, console),
        Command::Completions { shell } => completions::script(shell, console),
        Command::Man(args) => manual::run(&args, console),
    }
}

/// What a command writes to stdout.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Text.
    Text,
    /// One JSON document.
    Document,
    /// One JSON object per line, the last of them a summary.
    Events,
    /// Annotations of GitHub Actions.
    Annotations,
}

impl Shape {
    fn of(command: &Command) -> Self {
        if is_github(command) {
            return Self::Annotations;
        }
        match (format(command), command) {
            (Format::Text, _) => Self::Text,
            (Format::Json, Command::Apply(_) | Command::Reconcile(_) | Command::Destroy(_)) => {
                Self::Events
            }
            (
                Format::Json,
                Command::Validate(_)
                | Command::Plan(_)
                | Command::Drift(_)
                | Command::Explain(_)
                | Command::Check(_)
                | Command::State(_)
                | Command::Init(_)
                | Command::Import(_)
                | Command::Emulator(_)
                | Command::Schema { .. }
                | Command::Completions { .. }
                | Command::Man(_),
            ) => Self::Document,
        }
    }

    /// Returns the output format that invalid arguments request.
    fn of_arguments(arguments: &[OsString]) -> Self {
        let is_json = arguments.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json")
            || arguments.iter().any(|argument| argument == "--format=json");
        let parsed = Cli::command().ignore_errors(true).try_get_matches_from(arguments);
        let command = parsed.ok().and_then(|it| it.subcommand_name().map(str::to_owned));
        match (is_json, command.as_deref()) {
            (false, _) => Self::Text,
            (true, Some("apply" | "reconcile" | "destroy")) => Self::Events,
            (true, Some(_) | None) => Self::Document,
        }
    }
}

/// Returns how a command writes its result.
fn format(command: &Command) -> Format {
    match command {
        Command::Validate(args) => args.format.progress(),
        Command::Plan(args) => args.planning.format.progress(),
        Command::Drift(args) => args.format.progress(),
        Command::Explain(args) => args.format,
        Command::Import(args) => args.format,
        Command::Reconcile(args) => args.format,
        Command::Apply(args) => args.planning.format.progress(),
        Command::Destroy(args) => args.planning.format.progress(),
        Command::Check(args) => args.format,
        Command::State(
            StateCommand::List { format, patterns: _ } | StateCommand::Show { format, patterns: _ },
        ) => *format,
        Command::State(
            StateCommand::Rm { .. }
            | StateCommand::Fold { .. }
            | StateCommand::Repair { .. }
            | StateCommand::Mv { .. }
            | StateCommand::Pull { .. }
            | StateCommand::Push { .. }
            | StateCommand::Unlock { .. }
            | StateCommand::Migrate { .. },
        )
        | Command::Init(_)
        | Command::Emulator(_)
        | Command::Schema { .. }
        | Command::Completions { .. }
        | Command::Man(_) => Format::Text,
    }
}

/// Returns whether a command writes its result as annotations.
fn is_github(command: &Command) -> bool {
    match command {
        Command::Validate(args) => args.format == ValidateFormat::Github,
        Command::Plan(args) => args.planning.format == PlanFormat::Github,
        Command::Apply(args) => args.planning.format == PlanFormat::Github,
        Command::Destroy(args) => args.planning.format == PlanFormat::Github,
        Command::Drift(_)
        | Command::Explain(_)
        | Command::Reconcile(_)
        | Command::Check(_)
        | Command::State(_)
        | Command::Init(_)
        | Command::Import(_)
        | Command::Emulator(_)
        | Command::Schema { .. }
        | Command::Completions { .. }
        | Command::Man(_) => false,
    }
}

/// Returns whether a command waits for the reader of its output: not if it has work to do meanwhile.
fn delivery(command: &Command) -> Delivery {
    match command {
        Command::Validate(_)
        | Command::Plan(_)
        | Command::Drift(_)
        | Command::Explain(_)
        | Command::Check(_)
        | Command::State(
            StateCommand::List { .. } | StateCommand::Show { .. } | StateCommand::Pull { .. },
        )
        | Command::Schema { .. }
        | Command::Completions { .. }
        | Command::Man(_) => Delivery::Awaited,
        Command::Init(_)
        | Command::Apply(_)
        | Command::Reconcile(_)
        | Command::Destroy(_)
        | Command::Import(_)
        | Command::State(
            StateCommand::Rm { .. }
            | StateCommand::Fold { .. }
            | StateCommand::Repair { .. }
            | StateCommand::Mv { .. }
            | StateCommand::Push { .. }
            | StateCommand::Unlock { .. }
            | StateCommand::Migrate { .. },
        )
        | Command::Emulator(_) => Delivery::Queued,
    }
}

/// Prints help, or the error of the arguments.
fn usage(error: &clap::Error, arguments: &[OsString], console: &Console) -> Exit {
    let text = error.render();
    if !error.use_stderr() {
        let console = console.delivering(Delivery::Awaited);
        let printed = console.print(|out| write!(out, "{}", text.ansi()));
        return printed.map_or(Exit::Failed, |()| Exit::Done);
    }
    let (shape, message) = (Shape::of_arguments(arguments), text.to_string());
    drop(write_error(shape, "usage", message.trim(), &[], console));
    end(shape, Exit::Usage, console);
    drop(console.output().drain(Target::Stdout));
    console.say(text.ansi().to_string().trim_end());
    Exit::Usage
}

/// Reports why a command failed.
fn report(stopped: &Stopped, shape: Shape, console: &Console) -> Exit {
    let Stopped { exit, code, error, findings } = stopped;
    let message = format!("{error:#}");
    if shape != Shape::Annotations {
        console.findings(findings);
        console.say(&render::plain(format_args!("error: {message}")));
    }
    match write_error(shape, code, &message, findings, console) {
        Ok(()) => *exit,
        Err(Stopped { exit, code, error, findings }) => {
            drop(write_error(shape, code, &error.to_string(), &findings, console));
            exit
        }
    }
}

/// Writes an error to stdout, for programs.
fn write_error(
    shape: Shape,
    code: &str,
    message: &str,
    findings: &[Finding],
    console: &Console,
) -> Result<(), Stopped> {
    match shape {
        Shape::Text => Ok(()),
        Shape::Annotations => console.print(|out| {
            render::findings_github(out, findings)?;
            render::error_github(out, message)
        }),
        Shape::Document => console.document(|out| render::error_json(out, code, message, findings)),
        Shape::Events => {
            console.event(|out, time| render::error_event_json(out, code, message, findings, time))
        }
    }
}
