//! `validate`: the files alone.

use super::args::{Global, ValidateArgs, ValidateFormat};
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
    let warnings = &files.warnings;
    let rooms = files.desired.rooms.len();
    let rooms = if rooms == 1 { "1 room".to_owned() } else { format!("{rooms} rooms") };
    if args.format != ValidateFormat::Github {
        console.findings(warnings);
    }
    match args.format {
        ValidateFormat::Text => console.print(|out| writeln!(out, "Valid: {rooms}."))?,
        ValidateFormat::Github => console.print(|out| {
            render::findings_github(out, warnings)?;
            writeln!(out, "Valid: {rooms}.")
        })?,
        ValidateFormat::Json => console.document(|out| render::findings_json(out, warnings))?,
    }
    session::leave_to_exit(files);
    Ok(Exit::Done)
}
