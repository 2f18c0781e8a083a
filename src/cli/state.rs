//! `state list`, `show`, `rm` and `repair`: looks at the record, or corrects it.

use std::path::PathBuf;
use std::time::Duration;

use super::args::{Format, Global, StateCommand};
use super::console::Console;
use super::context::Context;
use super::exit::{Exit, Stopped};
use super::{secrets, session, signals};
use crate::apply::Stop;
use crate::model::{Address, Kind, Recorded, RecordedRoom};
use crate::render;
use crate::state::{Entry, FileStore, LastCalls, Locked, ReadStore, Snapshot, WriteStore};

/// Runs a `state` command.
pub(super) async fn run(
    command: StateCommand,
    global: &Global,
    context: &Context,
    console: &Console,
) -> Result<Exit, Stopped> {
    let store = FileStore::new(&path(global, console)?);
    match command {
        StateCommand::List { format } => list(&store, format, console).await,
        StateCommand::Show { address, format } => show(&store, &address, format, console).await,
        StateCommand::Rm { address, auto_approve, lock_timeout } => {
            let remove = Removal { address, auto_approve, lock_timeout };
            remove.run(&store, context, console).await
        }
        StateCommand::Repair { auto_approve, lock_timeout } => {
            repair(&store, auto_approve, lock_timeout, context, console).await
        }
    }
}

/// Where the state is; with `--state` the files need not be readable.
fn path(global: &Global, console: &Console) -> Result<PathBuf, Stopped> {
    match &global.state {
        Some(text) => {
            secrets::learn_named(&global.files, console.secrets());
            session::named_state(text, console)
        }
        None => session::state_path(global, &session::files(global, console)?.desired, console),
    }
}

/// Reads the record, and says where another run is changing it.
async fn read(store: &FileStore, console: &Console) -> Result<Snapshot, Stopped> {
    let snapshot = store.read().await.map_err(session::state_error)?;
    if let Some(holder) = &snapshot.under_way {
        console.note(&format!("rooms with a call pending are being changed by {holder}"));
    }
    Ok(snapshot)
}

async fn list(store: &FileStore, format: Format, console: &Console) -> Result<Exit, Stopped> {
    let snapshot = read(store, console).await?;
    match format {
        Format::Text => console.print(|out| render::state_list_text(out, &snapshot.recorded))?,
        Format::Json => console.document(|out| render::state_list_json(out, &snapshot.recorded))?,
    }
    Ok(Exit::Done)
}

async fn show(
    store: &FileStore,
    address: &Address,
    format: Format,
    console: &Console,
) -> Result<Exit, Stopped> {
    let snapshot = read(store, console).await?;
    let room = recorded(&snapshot.recorded, address)?;
    let kind = kind(&snapshot.recorded, address);
    match format {
        Format::Text => console.print(|out| render::state_show_text(out, address, room, kind))?,
        Format::Json => {
            console.document(|out| render::state_show_json(out, address, room, kind))?;
        }
    }
    Ok(Exit::Done)
}

struct Removal {
    address: Address,
    auto_approve: bool,
    lock_timeout: Duration,
}

impl Removal {
    async fn run(
        &self,
        store: &FileStore,
        context: &Context,
        console: &Console,
    ) -> Result<Exit, Stopped> {
        let stop = signals::listen(console.output())?;
        session::under_lock(store, "state rm", self.lock_timeout, context, &stop, async |locked| {
            (self.remove(&locked, &stop, console).await, LastCalls::new())
        })
        .await
    }

    async fn remove(
        &self,
        locked: &Locked,
        stop: &Stop,
        console: &Console,
    ) -> Result<Exit, Stopped> {
        let room = recorded(&locked.snapshot().recorded, &self.address)?;
        let kind = kind(&locked.snapshot().recorded, &self.address);
        console.say(&render::plain(format_args!(
            "{}: if the room lives, it will be nobody's: roomctl will neither keep it nor destroy \
             it, and it counts against the quota until it goes by itself",
            self.address
        )));
        if !self.auto_approve {
            approve("Take it out of the record?", "nothing was removed", stop, console).await?;
        }
        locked.check().await.map_err(session::state_error)?;
        let removed = vec![Entry::Removed(self.address.clone())];
        locked.append(removed).await.map_err(session::state_error)?;
        console.print(|out| {
            writeln!(out, "Removed:")?;
            render::state_show_text(out, &self.address, room, kind)
        })?;
        Ok(Exit::Done)
    }
}

/// Shows what a state that is not as it was written would become, and writes it.
async fn repair(
    store: &FileStore,
    auto_approve: bool,
    wait: Duration,
    context: &Context,
    console: &Console,
) -> Result<Exit, Stopped> {
    let stop = signals::listen(console.output())?;
    let holder = session::holder("state repair", context);
    let Some(found) = stop.or(store.repair(holder, wait)).await else {
        let error = anyhow::anyhow!("interrupted before the lock was free: nothing was written");
        return Err(Stopped::new(Exit::Partly, "interrupted", error));
    };
    let Some(repair) = found.map_err(session::state_error)? else {
        console.print(|out| writeln!(out, "Nothing to repair."))?;
        return Ok(Exit::Done);
    };
    console.print(|out| render::repair_text(out, repair.plan()))?;
    if !auto_approve {
        approve("Write this state?", "nothing was written", &stop, console).await?;
    }
    let written = repair.write().await.map_err(session::state_error)?;
    console.print(|out| {
        writeln!(out, "Repaired: serial {}. What was there is kept beside it.", written.serial)
    })?;
    Ok(Exit::Done)
}

/// Asks for consent; `nothing` says what was not done without it.
async fn approve(
    question: &str,
    nothing: &str,
    stop: &Stop,
    console: &Console,
) -> Result<(), Stopped> {
    if let Err(why) = console.can_ask() {
        let words = format!("{nothing}: {why}; say --auto-approve");
        return Err(Stopped::refused("not_approved", words));
    }
    if !console.ask(question, stop).await? {
        return Err(Stopped::refused("not_approved", format!("{nothing}: not approved")));
    }
    Ok(())
}

/// The kind of a recorded room, where the state says what its provider is.
fn kind(recorded: &Recorded, address: &Address) -> Option<Kind> {
    recorded.providers.get(&address.provider).map(|identity| identity.kind)
}

fn recorded<'a>(recorded: &'a Recorded, address: &Address) -> Result<&'a RecordedRoom, Stopped> {
    recorded.rooms.get(address).ok_or_else(|| {
        let words = format!("{address} is not recorded: `roomctl state list` shows what is");
        Stopped::failed("not_recorded", words)
    })
}
