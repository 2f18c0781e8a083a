//! `schema`: for editors and for programs.

use super::args::SchemaName;
use super::console::Console;
use super::exit::{Exit, Stopped};
use crate::config;

/// The schema of the plan, as `render` writes it.
const PLAN: &str = include_str!("schema/plan.json");
/// The schema of one event of a run, as `render` writes it.
const EVENTS: &str = include_str!("schema/events.json");
/// The schema of the state, as `state` writes it.
const STATE: &str = include_str!("schema/state.json");

/// Prints a JSON Schema.
pub(super) fn run(name: SchemaName, console: &Console) -> Result<Exit, Stopped> {
    let schema = match name {
        SchemaName::Rooms => format!("{:#}\n", config::schema()),
        SchemaName::Plan => PLAN.to_owned(),
        SchemaName::Events => EVENTS.to_owned(),
        SchemaName::State => STATE.to_owned(),
    };
    console.print(|out| out.write_all(schema.as_bytes()))?;
    Ok(Exit::Done)
}
