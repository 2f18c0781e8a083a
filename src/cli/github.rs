//! `--format github`: the files that GitHub Actions reads beside the annotations on stdout.

use std::fs::OpenOptions;
use std::io::{self, Write};

use super::console::Console;
use super::context;
use super::exit::{Exit, Stopped};
use crate::model::Outcome;
use crate::render::{self, PageView};

/// The variable with the file of the job summary.
const SUMMARY: &str = "GITHUB_STEP_SUMMARY";
/// The variable with the file of the step outputs.
const OUTPUT: &str = "GITHUB_OUTPUT";

/// Appends Markdown to the job's summary.
///
/// # Errors
/// Returns a failure to write.
pub(super) fn summary(
    console: &Console,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Stopped> {
    if let Some(path) = context::variable(SUMMARY) {
        return append(SUMMARY, &path, console, write);
    }
    console.note("warning: GITHUB_STEP_SUMMARY is not set: no summary was written");
    Ok(())
}

/// Appends `name=value` lines to the step's outputs.
///
/// # Errors
/// Returns a failure to write.
pub(super) fn outputs(
    console: &Console,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Stopped> {
    if let Some(path) = context::variable(OUTPUT) {
        return append(OUTPUT, &path, console, write);
    }
    console.note("warning: GITHUB_OUTPUT is not set: no outputs were written");
    Ok(())
}

/// Writes the outcome of a run: annotations, the summary, and the outputs.
///
/// # Errors
/// Returns a failure to write.
pub(super) fn outcome(
    console: &Console,
    outcome: &Outcome,
    page: &PageView<'_>,
) -> Result<(), Stopped> {
    console.print(|out| render::outcome_github(out, outcome))?;
    summary(console, |out| render::outcome_markdown(out, outcome, page))?;
    outputs(console, |out| render::outcome_outputs(out, outcome))
}

/// Writes the exit code as an output of the step, if it has any.
///
/// # Errors
/// Returns a failure to write.
pub(super) fn exit_code(exit: Exit, console: &Console) -> Result<(), Stopped> {
    match context::variable(OUTPUT) {
        Some(path) => {
            append(OUTPUT, &path, console, |out| writeln!(out, "exit_code={}", exit as u8))
        }
        None => Ok(()),
    }
}

fn append(
    variable: &str,
    path: &str,
    console: &Console,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Stopped> {
    let text = console.redacted(write)?;
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| file.write_all(&text)).map_err(|error| {
        Stopped::failed("io", format!("{variable} names {path}, which cannot be written: {error}"))
    })
}
