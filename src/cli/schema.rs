//! `schema`: for editors.

use super::console::Console;
use super::exit::{Exit, Stopped};
use crate::config;

/// Prints the JSON Schema of rooms.yaml.
pub(super) fn run(console: &Console) -> Result<Exit, Stopped> {
    let schema = config::schema();
    console.print(|out| {
        serde_json::to_writer_pretty(&mut *out, &schema)?;
        writeln!(out)
    })?;
    Ok(Exit::Done)
}
