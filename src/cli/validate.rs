//! `validate`: the files alone.

use super::args::{Format, Global, ValidateArgs};
use super::console::Console;
use super::exit::{Exit, Stopped};
use super::session;
use crate::render;

/// Checks the files: no state, no network, no credentials.
pub(super) fn run(
    args: &ValidateArgs,
    global: &Global,
    console: &Console,
) -> Result<Exit, Stopped> {
    let files = session::files(global, console)?;
    console.findings(&files.warnings);
    let rooms = files.desired.rooms.len();
    match args.format {
        Format::Text => console.print(|out| {
            let rooms = if rooms == 1 { "1 room".to_owned() } else { format!("{rooms} rooms") };
            writeln!(out, "Valid: {rooms}.")
        })?,
        Format::Json => console.document(|out| render::findings_json(out, &files.warnings))?,
    }
    session::leave_to_exit(files);
    Ok(Exit::Done)
}
