//! `completions`: scripts for shells, and the candidates that they request from the binary.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Command, CommandFactory, FromArgMatches};
use clap_complete::Shell;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Shells, Zsh};

use super::args::{Cli, Global};
use super::console::Console;
use super::context::variable;
use super::exit::{Exit, Stopped};
use super::{session, state};
use crate::config::is_standard_input;
use crate::model::{Address, Recorded};

/// The variable with which a script requests candidates; its value names the shell.
const VARIABLE: &str = "ROOMCTL_COMPLETE";
const NAME: &str = "roomctl";
/// The value name of arguments that take a room's address.
const ADDRESS: &str = "ADDRESS";

/// Prints the script of a shell.
pub(super) fn script(shell: Shell, console: &Console) -> Result<Exit, Stopped> {
    let name = shell.to_string();
    let completer = SHELLS.completer(&name);
    let completer =
        completer.ok_or_else(|| Stopped::usage(format!("no completions for {name}")))?;
    console.print(|mut out| completer.write_registration(VARIABLE, NAME, NAME, NAME, &mut out))?;
    Ok(Exit::Done)
}

/// Answers a script that requests candidates; `None` if this is an ordinary run.
///
/// Nothing is written to stderr: it would land in the line that the user types.
pub(super) fn answer(arguments: &[OsString], console: &Console) -> Option<Exit> {
    let shell = variable(VARIABLE)?;
    let words = arguments.iter().skip_while(|word| *word != "--").skip(1).cloned();
    let words: Vec<OsString> = words.collect();
    if words.is_empty() {
        return None;
    }
    Some(offer(&shell, words, console).map_or(Exit::Failed, |()| Exit::Done))
}

/// Prints the candidates for the last word as a shell takes them; `None` if that cannot be done.
fn offer(shell: &str, words: Vec<OsString>, console: &Console) -> Option<()> {
    let shell = SHELLS.completer(shell)?;
    let mut command = with_addresses(Cli::command(), &words.clone().into(), console);
    let (folder, mut candidates) = (std::env::current_dir().ok(), Vec::new());
    shell.write_complete(&mut command, words, folder.as_deref(), &mut candidates).ok()?;
    console.print(|out| out.write_all(&candidates)).ok()
}

const SHELLS: Shells<'static> = Shells(&[&JoiningBash, &Elvish, &Fish, &Powershell, &Zsh]);

/// Bash, whose split words are joined again, and whose candidates are quoted.
struct JoiningBash;

impl EnvCompleter for JoiningBash {
    fn name(&self) -> &'static str {
        Bash.name()
    }

    fn is(&self, name: &str) -> bool {
        Bash.is(name)
    }

    fn write_registration(
        &self,
        variable: &str,
        name: &str,
        binary: &str,
        completer: &str,
        out: &mut dyn io::Write,
    ) -> io::Result<()> {
        let script = include_str!("completions/roomctl.bash");
        let script = script.replace("VARIABLE", variable).replace("FUNCTION", name);
        out.write_all(script.replace("COMPLETER", completer).replace("BINARY", binary).as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut Command,
        words: Vec<OsString>,
        folder: Option<&Path>,
        out: &mut dyn io::Write,
    ) -> io::Result<()> {
        Bash.write_complete(command, words, folder, out)
    }
}

/// The command line, whose addresses are completed from the state and the files of the typed options.
fn with_addresses(command: Command, words: &Arc<[OsString]>, console: &Console) -> Command {
    let importing = command.get_name() == "import";
    command
        .mut_args(|argument| {
            let names = argument.get_value_names().unwrap_or_default();
            if !names.iter().any(|name| name == ADDRESS) {
                return argument;
            }
            let (words, console) = (words.clone(), console.clone());
            let offer = move || candidates(&words, importing, &console);
            argument.add(ArgValueCandidates::new(offer))
        })
        .mut_subcommands(|subcommand| with_addresses(subcommand, words, console))
}

/// The recorded rooms, or none if they cannot be read; to import, first those that are declared and
/// not recorded.
fn candidates(words: &[OsString], importing: bool, console: &Console) -> Vec<CompletionCandidate> {
    let Some(global) = global(words) else { return Vec::new() };
    let recorded = recorded(&global, console).unwrap_or_default();
    let recorded: BTreeSet<&Address> = recorded.rooms.keys().collect();
    let declared = if importing { declared(&global, console) } else { Vec::new() };
    let new = declared.iter().filter(|address| !recorded.contains(address));
    let texts = new.chain(recorded.iter().copied()).map(ToString::to_string);
    // No shell accepts candidates with line breaks or control characters.
    let plain = texts.filter(|text| !text.contains(char::is_control));
    plain.map(CompletionCandidate::new).collect()
}

/// Returns the options of files and state in the words; `None` if reading the files would wait for input.
fn global(words: &[OsString]) -> Option<Global> {
    let matches = Cli::command().ignore_errors(true).try_get_matches_from(words).ok()?;
    let global = Global::from_arg_matches(&matches).ok()?;
    let waits = |path: &PathBuf| {
        is_standard_input(path) || path.exists() && !path.is_file() && !path.is_dir()
    };
    (!global.files.iter().any(waits)).then_some(global)
}

fn recorded(global: &Global, console: &Console) -> Option<Arc<Recorded>> {
    let store = session::store(&state::path(global, console).ok()?).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    Some(runtime.block_on(store.read()).ok()?.recorded)
}

fn declared(global: &Global, console: &Console) -> Vec<Address> {
    let rooms = session::files(global, console).map(|files| files.desired.rooms);
    rooms.unwrap_or_default().into_iter().map(|room| room.address).collect()
}
