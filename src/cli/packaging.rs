//! `schema`, `completions` and `man`: for editors and packagers.

use clap::CommandFactory;

use super::args::Cli;
use super::console::Console;
use super::exit::{Exit, Stopped};
use crate::desired;

/// Prints the JSON Schema of rooms.yaml.
pub(super) fn schema(console: &Console) -> Result<Exit, Stopped> {
    let schema = desired::schema();
    console.print(|out| {
        serde_json::to_writer_pretty(&mut *out, &schema)?;
        writeln!(out)
    })?;
    Ok(Exit::Done)
}

/// Prints a completion script.
pub(super) fn completions(shell: clap_complete::Shell, console: &Console) -> Result<Exit, Stopped> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "roomctl", &mut script);
    console.print(|out| out.write_all(&script))?;
    Ok(Exit::Done)
}

/// Prints the manual page.
pub(super) fn man(console: &Console) -> Result<Exit, Stopped> {
    let page = clap_mangen::Man::new(Cli::command());
    console.print(|mut out| page.render(&mut out))?;
    Ok(Exit::Done)
}
