//! The wiring: arguments, environment, and one short file for each command.

mod apply;
mod args;
mod check;
mod completions;
mod connect;
mod console;
mod context;
mod emulator;
mod exit;
mod import;
mod init;
mod manual;
mod not_built;
mod plan;
mod planning;
mod schema;
mod selection;
mod session;
mod signals;
mod state;
mod user;
mod validate;

use std::ffi::OsString;
use std::io::Write;

use clap::Parser;

use args::{Cli, Command, Format, Global, StateCommand};
use console::Console;
use context::Context;
pub use exit::Exit;
use exit::Stopped;

use crate::render;

/// Runs the command line and says how it ended.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(exit) = completions::answer(&arguments) {
        return exit;
    }
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&not_built::explain(error), &arguments),
    };
    let context = Context::look(&cli.global);
    let console = Console::new(context.clone());
    let format = format(&cli.command);
    let run = || -> Result<Exit, Stopped> {
        context::start_log(cli.global.log_format)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(anyhow::Error::from)?;
        let ended = runtime.block_on(dispatch(cli.command, &cli.global, &context, &console));
        runtime.shutdown_background();
        ended
    };
    match run() {
        Ok(exit) => exit,
        Err(stopped) => report(&stopped, format, &console),
    }
}

async fn dispatch(
    command: Command,
    global: &Global,
    context: &Context,
    console: &Console,
) -> Result<Exit, Stopped> {
    match command {
        Command::Init(args) => init::run(&args, global, console),
        Command::Validate(args) => validate::run(&args, global, console),
        Command::Plan(args) => plan::run(&args, global, console).await,
        Command::Apply(args) => apply::apply(&args, global, context, console).await,
        Command::Destroy(args) => apply::destroy(&args, global, context, console).await,
        Command::Import(args) => import::run(&args, global, context, console).await,
        Command::Check(args) => check::run(&args, global, console).await,
        Command::State(command) => state::run(command, global, context, console).await,
        Command::Emulator(args) => emulator::run(*args, global, console).await,
        Command::Schema => schema::run(console),
        Command::Completions { shell } => completions::script(shell, console),
        Command::Man(args) => manual::run(&args, console),
    }
}

/// How a command writes its result.
fn format(command: &Command) -> Format {
    match command {
        Command::Validate(args) => args.format,
        Command::Plan(args) => args.planning.format,
        Command::Apply(args) => args.planning.format,
        Command::Destroy(args) => args.planning.format,
        Command::Check(args) => args.format,
        Command::State(
            StateCommand::List { format, patterns: _ } | StateCommand::Show { format, patterns: _ },
        ) => *format,
        Command::State(StateCommand::Rm { .. } | StateCommand::Fold { .. })
        | Command::Init(_)
        | Command::Import(_)
        | Command::Emulator(_)
        | Command::Schema
        | Command::Completions { .. }
        | Command::Man(_) => Format::Text,
    }
}

/// Shows help, or what is wrong with the arguments.
fn usage(error: &clap::Error, arguments: &[OsString]) -> Exit {
    let wanted = error.use_stderr();
    let json = arguments.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json")
        || arguments.iter().any(|argument| argument == "--format=json");
    if wanted && json {
        let text = error.render().to_string();
        let document = |out: &mut dyn Write| render::error_json(out, "usage", text.trim(), &[]);
        drop(document(&mut std::io::stdout().lock()));
    }
    drop(error.print());
    if wanted { Exit::Usage } else { Exit::Done }
}

/// Tells why a command could not be carried out.
fn report(stopped: &Stopped, format: Format, console: &Console) -> Exit {
    let Stopped { exit, code, error, findings } = stopped;
    let message = format!("{error:#}");
    console.findings(findings);
    console.say(&format!("error: {message}"));
    if format == Format::Json {
        let written = console.print(|out| render::error_json(out, code, &message, findings));
        return written.map_or(Exit::Failed, |()| *exit);
    }
    *exit
}
