//! `init`: a starter rooms.yaml, and files beside it for git and editors.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::args::{Global, InitArgs};
use super::console::Console;
use super::exit::{Exit, Stopped};
use super::session;
use crate::config;

/// The patterns for `.gitignore`. They do not match the state and its journal: if the state is kept in
/// git, both belong there.
const IGNORED: &[&str] = &["*.state.json.lock", "rooms.emulator.json*"];
/// The lines for `.gitattributes`: git must not merge the state or its journal, or convert their line ends.
const ATTRIBUTES: &[&str] = &["rooms.state.json* -text -merge"];

/// Writes the starter files; overwrites nothing.
pub(super) fn run(args: &InitArgs, global: &Global, console: &Console) -> Result<Exit, Stopped> {
    let [path] = global.files.as_slice() else {
        return Err(Stopped::usage("`init` writes one file: give -f once"));
    };
    if config::is_standard_input(path) {
        return Err(Stopped::usage("`init` writes a file: give a path instead of `-f -`"));
    }
    session::named_without_secret(path.clone(), "the file", console)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(|error| unwritten(folder, &error))?;
    create(path, config::starter(args.kind).as_bytes())?;
    console.note(&format!("wrote {}", path.display()));
    let schema = format!("{:#}\n", config::schema());
    beside(folder, "rooms.schema.json", &schema, &[], console)?;
    beside(
        folder,
        ".gitignore",
        &lines("the lock, and the emulator's rooms", IGNORED),
        IGNORED,
        console,
    )?;
    let attributes = lines("git must not merge or convert the state and its journal", ATTRIBUTES);
    beside(folder, ".gitattributes", &attributes, ATTRIBUTES, console)?;
    console.note(&format!("next: `{}`", next(path)));
    Ok(Exit::Done)
}

fn lines(about: &str, lines: &[&str]) -> String {
    format!("# roomctl: {about}\n{}\n", lines.join("\n"))
}

/// Writes a file beside rooms.yaml. An existing file is not changed, and its missing lines are reported.
fn beside(
    folder: &Path,
    name: &str,
    text: &str,
    lines: &[&str],
    console: &Console,
) -> Result<(), Stopped> {
    let path = folder.join(name);
    if !path.exists() {
        create(&path, text.as_bytes())?;
        console.note(&format!("wrote {}", path.display()));
        return Ok(());
    }
    let there = fs::read_to_string(&path).map_err(|error| unread(&path, &error))?;
    let lacks = |line: &&&str| !there.lines().any(|it| it.trim() == **line);
    let lacking: Vec<&str> = lines.iter().filter(lacks).copied().collect();
    let add = match lacking.as_slice() {
        [] => String::new(),
        lines => format!("; add to it: {}", lines.join(", ")),
    };
    console.note(&format!("{} exists already and was not changed{add}", path.display()));
    Ok(())
}

fn create(path: &Path, text: &[u8]) -> Result<(), Stopped> {
    let written = File::create_new(path).and_then(|mut file| {
        file.write_all(text)?;
        file.sync_all()
    });
    written.map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists {
            let words = format!("{} exists already: `init` never overwrites", path.display());
            return Stopped::failed("exists", words);
        }
        unwritten(path, &error)
    })
}

fn unread(path: &Path, error: &std::io::Error) -> Stopped {
    Stopped::failed("io", format!("{} could not be read: {error}", path.display()))
}

fn unwritten(path: &Path, error: &std::io::Error) -> Stopped {
    Stopped::failed("io", format!("{} could not be written: {error}", path.display()))
}

/// Returns the command to run next.
fn next(path: &Path) -> String {
    if path == Path::new("rooms.yaml") {
        return "roomctl plan".to_owned();
    }
    format!("roomctl -f {} plan", path.display())
}
