//! The `state` commands: read or correct the record.

mod migrate;
mod mv;
mod transfer;
mod unlock;

use std::io::{self, Write};
use std::time::Duration;

use transfer::Push;

use super::args::{Format, Global, StateCommand};
use super::console::Console;
use super::context::{self, Context};
use super::exit::{Exit, Stopped};
use super::selection::{self, Selected};
use super::{secrets, session, signals};
use crate::applier::Stop;
use crate::engine;
use crate::model::{Address, Kind, Recorded, RecordedRoom, StateLocation};
use crate::render;
use crate::state::{self, Entry, Found, ReadStore, Repair, Replaced, Snapshot, Store, WriteStore};

/// Runs a `state` command.
pub(super) async fn run(
    command: StateCommand,
    global: &Global,
    context: &Context,
    console: &Console,
) -> Result<Exit, Stopped> {
    let opened = || Opened::open(global, console);
    match command {
        StateCommand::List { patterns, format } => {
            list(&*opened()?.store, &patterns, format, console).await
        }
        StateCommand::Show { patterns, format } => {
            show(&*opened()?.store, &patterns, format, console).await
        }
        StateCommand::Rm { patterns, auto_approve, lock_timeout } => {
            let remove = Removal { patterns, auto_approve, lock_timeout };
            remove.run(&*opened()?.store, context, console).await
        }
        StateCommand::Fold { lock_timeout } => {
            let Opened { location, store } = opened()?;
            fold(&*store, &location, lock_timeout, context, console).await
        }
        StateCommand::Repair { auto_approve, lock_timeout } => {
            let location = path(global, console)?;
            repair(&location, auto_approve, lock_timeout, context, console).await
        }
        StateCommand::Mv { from, to, lock_timeout } => {
            let store = opened()?.store;
            mv::run(&*store, (&from, &to), lock_timeout, global, context, console).await
        }
        StateCommand::Pull { out } => {
            let Opened { location, store } = opened()?;
            transfer::pull(&*store, &location, out.as_deref(), console).await
        }
        StateCommand::Push { file, force, auto_approve, lock_timeout } => {
            let Opened { location, store } = opened()?;
            let push = Push { file, force, auto_approve, lock_timeout };
            push.run(&*store, &location, context, console).await
        }
        StateCommand::Unlock { auto_approve } => {
            let Opened { location, store } = opened()?;
            unlock::run(&*store, &location, auto_approve, console).await
        }
        StateCommand::Migrate { from, to, lock_timeout } => {
            migrate::run((&from, &to), lock_timeout, global, context, console).await
        }
    }
}

/// The state of a command.
struct Opened {
    location: StateLocation,
    store: Box<dyn Store>,
}

impl Opened {
    fn open(global: &Global, console: &Console) -> Result<Self, Stopped> {
        let location = path(global, console)?;
        let store = session::store(&location)?;
        Ok(Self { location, store })
    }
}

/// Returns the location of the state. With `--state` the files need not be readable; without it only
/// their head must be.
pub(super) fn path(global: &Global, console: &Console) -> Result<StateLocation, Stopped> {
    match &global.state {
        Some(text) => {
            secrets::learn_named(&global.files, console.secrets());
            session::named_state(text, console)
        }
        None => match session::head(global, console) {
            Some(head) => session::without_secret(head.state, console),
            None => session::state_path(global, &session::files(global, console)?.desired, console),
        },
    }
}

/// Reads the record, and reports the rooms that another run is changing.
async fn read(store: &dyn ReadStore, console: &Console) -> Result<Snapshot, Stopped> {
    let snapshot = store.read().await.map_err(session::state_error)?;
    if let Some(to) = &snapshot.recorded.moved_to {
        console.say(&render::plain(format_args!(
            "warning: this state was moved to {to}; its records are shown as they were then"
        )));
    }
    if let Some(holder) = &snapshot.in_progress {
        console.note(&format!("rooms with a call pending are being changed by {holder}"));
    }
    Ok(snapshot)
}

async fn list(
    store: &dyn ReadStore,
    patterns: &[String],
    format: Format,
    console: &Console,
) -> Result<Exit, Stopped> {
    let snapshot = read(store, console).await?;
    let rooms = selection::select(patterns, &snapshot.recorded)?;
    let addresses = || rooms.keys().copied();
    match format {
        Format::Text => console.print(|out| render::state_list_text(out, addresses()))?,
        Format::Json => console.document(|out| render::state_list_json(out, addresses()))?,
    }
    Ok(Exit::Done)
}

/// Shows rooms. JSON is one object for one exact address, and otherwise the list `rooms`, even if only
/// one room matches.
async fn show(
    store: &dyn ReadStore,
    patterns: &[String],
    format: Format,
    console: &Console,
) -> Result<Exit, Stopped> {
    let snapshot = read(store, console).await?;
    let recorded = &snapshot.recorded;
    let selected = selection::select(patterns, recorded)?;
    let records = || selected.iter().map(|(address, room)| record(recorded, (*address, *room)));
    let one = match patterns {
        [pattern] => selection::exact(pattern, recorded).map(|room| record(recorded, room)),
        _ => None,
    };
    match (format, one) {
        (Format::Text, _) => console.print(|out| records_text(out, records()))?,
        (Format::Json, Some((address, room, kind))) => {
            console.document(|out| render::state_show_json(out, address, room, kind))?;
        }
        (Format::Json, None) => console.document(|out| render::state_rooms_json(out, records()))?,
    }
    Ok(Exit::Done)
}

/// Writes what an earlier run left in the journal into the state, which taking the lock does.
async fn fold(
    store: &dyn Store,
    location: &StateLocation,
    lock_timeout: Duration,
    context: &Context,
    console: &Console,
) -> Result<Exit, Stopped> {
    let stop = signals::listen(console.output())?;
    let lock = session::lock("state fold", lock_timeout, context);
    engine::under_lock(store, lock, &stop, async |locked| {
        console.print(|out| writeln!(out, "{}", folded(locked.snapshot(), location)))?;
        Ok(Exit::Done)
    })
    .await
}

/// Returns a sentence that reports what was folded.
fn folded(snapshot: &Snapshot, location: &StateLocation) -> String {
    let (path, serial) = (render::plain(location), snapshot.recorded.serial);
    match (snapshot.folded, snapshot.found) {
        (Some(number), _) => {
            let rooms = rooms(number);
            let recorded = snapshot.recorded.rooms.values();
            let open = match recorded.filter(|room| room.pending.is_some()).count() {
                0 => String::new(),
                number => {
                    format!("; {number} pending: the next apply looks up their outcome")
                }
            };
            format!("Folded {rooms} from the journal into {path}, serial {serial}{open}.")
        }
        (None, Found::Existing) => format!("Nothing to fold: {path}, serial {serial}."),
        (None, Found::New) => format!("Nothing to fold: there is no state at {path}."),
    }
}

struct Removal {
    patterns: Vec<String>,
    auto_approve: bool,
    lock_timeout: Duration,
}

impl Removal {
    async fn run(
        &self,
        store: &dyn Store,
        context: &Context,
        console: &Console,
    ) -> Result<Exit, Stopped> {
        let stop = signals::listen(console.output())?;
        let lock = session::lock("state rm", self.lock_timeout, context);
        engine::under_lock(store, lock, &stop, async |locked| {
            self.remove(&**locked, &stop, console).await
        })
        .await
    }

    async fn remove(
        &self,
        locked: &dyn WriteStore,
        stop: &Stop,
        console: &Console,
    ) -> Result<Exit, Stopped> {
        let recorded = &locked.snapshot().recorded;
        let selected = selection::select(&self.patterns, recorded)?;
        self.consent(&selected, stop, console).await?;
        locked.check().await.map_err(session::state_error)?;
        let removed = selected.keys().map(|address| Entry::Removed((*address).clone()));
        locked.append(removed.collect()).await.map_err(session::state_error)?;
        let records = selected.into_iter().map(|room| record(recorded, room));
        console.print(|out| {
            writeln!(out, "Removed:")?;
            records_text(out, records)
        })?;
        Ok(Exit::Done)
    }

    /// Lists the rooms to remove, explains the consequence, and asks once.
    async fn consent(
        &self,
        selected: &Selected<'_>,
        stop: &Stop,
        console: &Console,
    ) -> Result<(), Stopped> {
        let rooms = rooms(selected.len());
        let mut list = Vec::new();
        render::state_list_text(&mut list, selected.keys().copied())?;
        console.say(&format!(
            "To be removed from the record: {rooms}\n{}A room that is alive becomes unmanaged: roomctl no \
             longer changes or destroys it, and it counts towards the quota until the service destroys it.",
            String::from_utf8_lossy(&list)
        ));
        if self.auto_approve {
            return Ok(());
        }
        let question = format!("Remove {rooms} from the record?");
        approve(&question, "nothing was removed", stop, console).await
    }
}

/// A recorded room with its kind, if the state contains its provider.
type Record<'a> = (&'a Address, &'a RecordedRoom, Option<Kind>);

fn record<'a>(recorded: &Recorded, (address, room): (&'a Address, &'a RecordedRoom)) -> Record<'a> {
    (address, room, recorded.providers.get(&address.provider).map(|identity| identity.kind))
}

/// Writes records separated by empty lines.
fn records_text<'a>(
    out: &mut dyn Write,
    records: impl Iterator<Item = Record<'a>>,
) -> io::Result<()> {
    for (n, (address, room, kind)) in records.enumerate() {
        if n > 0 {
            writeln!(out)?;
        }
        render::state_show_text(out, address, room, kind)?;
    }
    Ok(())
}

fn rooms(number: usize) -> String {
    if number == 1 { "1 room".to_owned() } else { format!("{number} rooms") }
}

/// Shows what a damaged or hand-edited state would become, asks, and writes it.
async fn repair(
    location: &StateLocation,
    auto_approve: bool,
    wait: Duration,
    context: &Context,
    console: &Console,
) -> Result<Exit, Stopped> {
    let stop = signals::listen(console.output())?;
    let holder = session::holder("state repair", context);
    let Some(found) =
        stop.or(state::repair(location, &context::store_environment(), holder, wait)).await
    else {
        let error = anyhow::anyhow!("interrupted before the lock was free: nothing was written");
        return Err(Stopped::new(Exit::Partly, "interrupted", error));
    };
    let Some(Repair { plan, replaced, write }) = found.map_err(session::state_error)? else {
        console.print(|out| writeln!(out, "Nothing to repair."))?;
        return Ok(Exit::Done);
    };
    console.print(|out| render::repair_text(out, &plan))?;
    if !auto_approve {
        approve("Write this state?", "nothing was written", &stop, console).await?;
    }
    let written = write.await.map_err(session::state_error)?;
    console.print(|out| {
        let kept = match replaced {
            Replaced::KeptBeside => " The old state is kept beside it.",
            Replaced::InVersions => "",
            Replaced::InTable => " The old rows are kept in the table `replaced` of its schema.",
        };
        writeln!(out, "Repaired: serial {}.{kept}", written.serial)
    })?;
    Ok(Exit::Done)
}

/// Asks for consent; `nothing` is the message if it is not given.
async fn approve(
    question: &str,
    nothing: &str,
    stop: &Stop,
    console: &Console,
) -> Result<(), Stopped> {
    if let Err(why) = console.can_ask() {
        let words = format!("{nothing}: {why}; pass --auto-approve");
        return Err(Stopped::refused("not_approved", words));
    }
    if !console.ask(question, stop).await? {
        return Err(Stopped::refused("not_approved", format!("{nothing}: not approved")));
    }
    Ok(())
}
