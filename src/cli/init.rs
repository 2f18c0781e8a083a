//! `init`: a starter rooms.yaml and a .gitignore for what lies beside it.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::args::{Global, InitArgs};
use super::console::Console;
use super::exit::{Exit, Stopped};
use super::session;
use crate::desired;

const GITIGNORE: &str = "\
# roomctl: what lies beside the state while it is used, and the built-in emulator's world
*.state.json.*
rooms.emulator.json*
";

/// Writes the starter files; overwrites nothing.
pub(super) fn run(args: &InitArgs, global: &Global, console: &Console) -> Result<Exit, Stopped> {
    let [path] = global.files.as_slice() else {
        return Err(Stopped::usage("`init` writes one file: give -f once"));
    };
    if desired::is_standard_input(path) {
        return Err(Stopped::usage("`init` writes a file, and -f - is none: give its path"));
    }
    session::named_without_secret(path.clone(), "the file", console)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| unwritten(folder, &error))?;
    create(path, desired::starter(args.kind).as_bytes())?;
    console.note(&format!("wrote {}", path.display()));
    let ignore = folder.join(".gitignore");
    if ignore.exists() {
        console.note(&format!("{} is there already: it was left as it is", ignore.display()));
    } else {
        create(&ignore, GITIGNORE.as_bytes())?;
        console.note(&format!("wrote {}", ignore.display()));
    }
    console.note(&format!("next: `{}`", next(path)));
    Ok(Exit::Done)
}

fn create(path: &Path, text: &[u8]) -> Result<(), Stopped> {
    let written = File::create_new(path).and_then(|mut file| {
        file.write_all(text)?;
        file.sync_all()
    });
    written.map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists {
            let words = format!("{} is there already: `init` never overwrites", path.display());
            return Stopped::failed("exists", words);
        }
        unwritten(path, &error)
    })
}

fn unwritten(path: &Path, error: &std::io::Error) -> Stopped {
    Stopped::failed("io", format!("{} could not be written: {error}", path.display()))
}

/// The command that reads what was written.
fn next(path: &Path) -> String {
    if path == Path::new("rooms.yaml") {
        return "roomctl plan".to_owned();
    }
    format!("roomctl -f {} plan", path.display())
}
