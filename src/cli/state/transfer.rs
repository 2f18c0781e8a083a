//! `state pull` and `state push`: the whole record as one JSON document.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{approve, read};
use crate::applier::Stop;
use crate::cli::console::Console;
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Stopped};
use crate::cli::{saved, session, signals};
use crate::config::{Size, is_standard_input, read_regular, read_stream};
use crate::engine;
use crate::model::{Recorded, RepairPlan, StateLocation};
use crate::render;
use crate::state::{self, Found, ParseError, Store, WriteStore};

/// The largest document that is read.
const LARGEST: Size = Size(1 << 30);

/// Prints the record, or writes it to a new file.
pub(super) async fn pull(
    store: &dyn Store,
    location: &StateLocation,
    out: Option<&Path>,
    console: &Console,
) -> Result<Exit, Stopped> {
    let snapshot = read(store, console).await?;
    if snapshot.found == Found::New {
        let path = render::plain(location);
        return Err(Stopped::failed("no_state", format!("there is no state at {path}")));
    }
    let text = state::state_text(&snapshot.recorded)?;
    match out {
        None => console.document(|out| out.write_all(&text))?,
        Some(path) => write_new(path, &text, console)?,
    }
    Ok(Exit::Done)
}

fn write_new(path: &Path, text: &[u8], console: &Console) -> Result<(), Stopped> {
    session::named_without_secret(path.to_owned(), "the document", console)?;
    keep_secrets_out(text, console)?;
    let failed = |error: std::io::Error| {
        Stopped::failed("io", format!("{} could not be written: {error}", path.display()))
    };
    let mut file = saved::create(path).map_err(failed)?;
    let written = file.write_all(text).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // The first error is the one to report.
        drop(std::fs::remove_file(path));
        return Err(failed(error));
    }
    console.note(&format!("wrote the state to {}", path.display()));
    Ok(())
}

fn keep_secrets_out(text: &[u8], console: &Console) -> Result<(), Stopped> {
    if console.secrets().are_in(|out| out.write_all(text))? {
        let message = "the state would contain a secret: nothing was written";
        return Err(Stopped::failed("secret_in_output", message));
    }
    Ok(())
}

/// A document that is to replace the state.
pub(super) struct Push {
    pub(super) file: PathBuf,
    pub(super) force: bool,
    pub(super) auto_approve: bool,
    pub(super) lock_timeout: Duration,
}

impl Push {
    pub(super) async fn run(
        &self,
        store: &dyn Store,
        location: &StateLocation,
        context: &Context,
        console: &Console,
    ) -> Result<Exit, Stopped> {
        let (document, edited) = self.document()?;
        let stop = signals::listen(console.output())?;
        let lock = session::lock("state push", self.lock_timeout, context);
        engine::under_lock(store, lock, &stop, async |locked| {
            self.push(&**locked, location, (&document, edited), &stop, console).await
        })
        .await
    }

    /// Reads the document, and reports if it was edited by hand.
    fn document(&self) -> Result<(Recorded, Option<String>), Stopped> {
        let name = render::plain(self.file.display());
        let text = if is_standard_input(&self.file) {
            read_stream(std::io::stdin().lock(), LARGEST)
        } else {
            read_regular(&self.file, LARGEST)
        };
        let text = text
            .map_err(|error| Stopped::failed("io", format!("{name} could not be read: {error}")))?;
        let unreadable = |error: ParseError| {
            Stopped::failed("state", format!("{name}: {error}; nothing was written"))
        };
        match state::parse_state(&text) {
            Ok(document) => Ok((document, None)),
            Err(ParseError::Checksum(what)) => {
                let document = state::parse_edited_state(&text).map_err(unreadable)?;
                Ok((document, Some(format!("{name}: {what}, so it was damaged or edited by hand"))))
            }
            Err(error) => Err(unreadable(error)),
        }
    }

    async fn push(
        &self,
        locked: &dyn WriteStore,
        location: &StateLocation,
        (document, edited): (&Recorded, Option<String>),
        stop: &Stop,
        console: &Console,
    ) -> Result<Exit, Stopped> {
        let before = &*locked.snapshot().recorded;
        let objections: Vec<String> =
            edited.into_iter().chain(objections(before, document)).collect();
        if !objections.is_empty() && !self.force {
            let message = format!(
                "{}; nothing was written. `--force` writes it anyway",
                objections.join("; ")
            );
            return Err(Stopped::refused("push", render::plain(message)));
        }
        let serial = before.serial.max(document.serial) + 1;
        let after = Recorded { serial, moved_to: None, ..document.clone() };
        if is_same(before, &after) {
            let path = render::plain(location);
            console.print(|out| {
                writeln!(
                    out,
                    "No changes: {path} contains the same record, serial {}.",
                    before.serial
                )
            })?;
            return Ok(Exit::Done);
        }
        keep_secrets_out(&state::state_text(&after)?, console)?;
        let compared_with = format!("{location}, serial {}", before.serial);
        let found = objections.into_iter().chain(others(before, &after)).collect();
        let plan = RepairPlan::between(found, compared_with, before, &after);
        console.print(|out| render::push_text(out, &plan))?;
        if !self.auto_approve {
            let question = "Replace the state by this document?";
            approve(question, "nothing was written", stop, console).await?;
        }
        locked.check().await.map_err(session::state_error)?;
        locked.replace(after).await.map_err(session::state_error)?;
        console.print(|out| writeln!(out, "Pushed: serial {serial}."))?;
        Ok(Exit::Done)
    }
}

/// Returns why a document cannot replace the state without `--force`.
fn objections(before: &Recorded, document: &Recorded) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(to) = &document.moved_to {
        all.push(format!("it is the document of a state that was moved to {to}"));
    }
    if let (Some(ours), Some(theirs)) = (&before.lineage, &document.lineage)
        && ours != theirs
    {
        all.push(format!(
            "its lineage is {theirs}, and the state's is {ours}: it is another state"
        ));
    } else if document.serial < before.serial {
        all.push(format!(
            "its serial is {}, and the state's is {}: it is older",
            document.serial, before.serial
        ));
    }
    let is_open =
        |address: &_| document.rooms.get(address).is_some_and(|record| record.pending.is_some());
    let pending = before.rooms.iter().filter(|(_, record)| record.pending.is_some());
    let dropped: Vec<_> = pending.map(|(address, _)| address).filter(|it| !is_open(it)).collect();
    if let Some(first) = dropped.first() {
        all.push(format!(
            "{} of the state with a call pending, {first} first, would no longer be looked up",
            super::rooms(dropped.len())
        ));
    }
    all
}

/// Returns the differences besides the rooms.
fn others(before: &Recorded, after: &Recorded) -> Vec<String> {
    let mut all = Vec::new();
    if before.providers != after.providers {
        all.push("the providers of the record differ".to_owned());
    }
    if before.plans != after.plans {
        all.push("the list of applied plans differs".to_owned());
    }
    all
}

fn is_same(before: &Recorded, after: &Recorded) -> bool {
    let Recorded { lineage, serial: _, providers, rooms, plans, moved_to } = before;
    (lineage, providers, rooms, plans, moved_to)
        == (&after.lineage, &after.providers, &after.rooms, &after.plans, &after.moved_to)
}
