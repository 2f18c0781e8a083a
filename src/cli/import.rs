//! `import`: records rooms that exist already and that the file declares.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::args::{Format, Global, ImportArgs};
use super::connect::{self, Connected, Use};
use super::console::Console;
use super::context::Context;
use super::exit::{Exit, Stopped};
use super::progress::ProgressReport;
use super::{session, signals};
use crate::applier::{self, Stop, imported, observe};
use crate::model::{Address, Desired, DesiredRoom, Observation, Observed, ProviderName, Recorded};
use crate::planner;
use crate::render;
use crate::state::{Entry, FileStore, LastCalls, Locked, WriteStore};

/// What came of each room.
#[derive(Default)]
struct Tally {
    recorded: u64,
    missing: u64,
    unread: u64,
}

/// Asks after rooms and records those that exist; name and delay are recorded as assumed.
pub(super) async fn run(
    args: &ImportArgs,
    global: &Global,
    context: &Context,
    console: &Console,
) -> Result<Exit, Stopped> {
    let stop = signals::listen(console.output())?;
    let files = session::files(global, console)?;
    let desired = &files.desired;
    let path = session::state_path(global, desired, console)?;
    connect::require_secrets(desired)?;
    let store = FileStore::new(&path);
    session::under_lock(&store, "import", args.lock_timeout, context, &stop, async |locked| {
        let recorded = &locked.snapshot().recorded;
        let opened = match session::belongs(desired, recorded, args.allow_endpoint_change) {
            Ok(hosts) => {
                console.findings(&hosts);
                connect::connect(desired, &path, Use::Changes, global).await
            }
            Err(stopped) => Err(stopped),
        };
        match opened {
            Ok(connected) => {
                connected.resume(locked.snapshot(), desired);
                let import = Import { args, desired, connected: &connected };
                let done = import.work(locked, &stop, console).await;
                connected.close(done).await
            }
            Err(stopped) => (Err(stopped), LastCalls::new()),
        }
    })
    .await
}

/// What to import, and the means.
struct Import<'a> {
    args: &'a ImportArgs,
    desired: &'a Desired,
    connected: &'a Connected,
}

impl Import<'_> {
    async fn work(
        &self,
        locked: Arc<Locked>,
        stop: &Stop,
        console: &Console,
    ) -> Result<Exit, Stopped> {
        let connections = &self.connected.connections;
        let report = ProgressReport::start(console, Format::Text);
        let recorded = locked.snapshot().recorded.clone();
        let all = session::with_old_names(self.desired, connections);
        let recovered = applier::recover(recorded, &all, locked.clone(), &report, stop).await;
        let recorded = recovered.map_err(session::state_error)?.recorded;
        let declared = planner::as_declared(self.desired, &recorded);
        let wanted = wanted(self.args, self.desired, &declared.recorded)?;
        if self.args.all_declared {
            name_contested(self.desired, &declared.recorded, console);
        }
        let addresses = wanted.iter().map(|room| room.address.clone()).collect();
        let observed = observe(&applier::observers(connections), addresses, &report, stop).await;
        let (entries, tally) = entries(&wanted, &observed, self.connected, console);
        let used = |name: &ProviderName| imported_at(&entries, name);
        let mut all = session::identities(self.desired, &recorded, used);
        all.extend(entries);
        console.refuse_secrets("the state", all.iter())?;
        if !all.is_empty() {
            locked.check().await.map_err(session::state_error)?;
            locked.append(all).await.map_err(session::state_error)?;
        }
        console.print(|out| writeln!(out, "Import: {tally}."))?;
        Ok(tally.exit(self.args))
    }
}

impl Tally {
    /// A room that was named and is not there is a failure; of all declared rooms some may be missing.
    fn exit(&self, args: &ImportArgs) -> Exit {
        let failed = self.unread > 0 || (self.missing > 0 && !args.all_declared);
        match (failed, self.recorded) {
            (false, _) => Exit::Done,
            (true, 0) => Exit::Failed,
            (true, _) => Exit::Partly,
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { recorded, missing, unread } = self;
        write!(f, "{recorded} recorded, {missing} not there, {unread} unread")
    }
}

/// The declared rooms to ask after. A room whose origin is uncertain is taken only where it is named: it
/// is on record, and may be somebody else's.
fn wanted<'a>(
    args: &ImportArgs,
    desired: &'a Desired,
    recorded: &Recorded,
) -> Result<Vec<&'a DesiredRoom>, Stopped> {
    let open = |address: &Address| recorded.rooms.get(address).is_none_or(|r| r.pending.is_some());
    if args.all_declared {
        return Ok(desired.rooms.iter().filter(|room| open(&room.address)).collect());
    }
    let contested = |address: &Address| {
        recorded.rooms.get(address).is_some_and(|record| record.contested.is_some())
    };
    let named: BTreeSet<&Address> = args.addresses.iter().collect();
    let takes = |address: &Address| open(address) || contested(address);
    named.into_iter().map(|address| declared(address, desired, takes(address))).collect()
}

/// Says which declared rooms `--all-declared` leaves for the user to name.
fn name_contested(desired: &Desired, recorded: &Recorded, console: &Console) {
    for room in &desired.rooms {
        let address = &room.address;
        if let Some(why) = recorded.rooms.get(address).and_then(|it| it.contested.as_deref()) {
            let way_out = format!("`roomctl import {address}` takes it");
            console.note(&format!("{address}: its origin is uncertain ({why}): {way_out}"));
        }
    }
}

fn declared<'a>(
    address: &Address,
    desired: &'a Desired,
    open: bool,
) -> Result<&'a DesiredRoom, Stopped> {
    let found = desired.rooms.binary_search_by(|room| room.address.cmp(address));
    let Ok(at) = found else {
        let words = format!("{address} is not declared: add it to the file, then import it");
        return Err(Stopped::failed("not_declared", words));
    };
    if !open {
        return Err(Stopped::failed("recorded", format!("{address} is recorded already")));
    }
    Ok(&desired.rooms[at])
}

fn entries(
    wanted: &[&DesiredRoom],
    observed: &Observed,
    connected: &Connected,
    console: &Console,
) -> (Vec<Entry>, Tally) {
    let (mut entries, mut tally) = (Vec::new(), Tally::default());
    for room in wanted {
        let address = &room.address;
        match observed.of(address) {
            Some(Observation::There(observed_room)) => {
                let Some(connection) = connected.connections.get(&address.provider) else {
                    continue;
                };
                let record = imported(connection.provider.kind(), room, observed_room);
                let assumed =
                    if record.assumed.any() { "; its name and delay are assumed" } else { "" };
                tally.recorded += 1;
                console.note(&render::plain(format_args!("{address}: exists{assumed}")));
                entries.push(Entry::Result(address.clone(), record));
            }
            Some(Observation::Gone(_)) => {
                tally.missing += 1;
                console.note(&render::plain(format_args!("{address}: does not exist")));
            }
            Some(Observation::Unread { why }) => {
                tally.unread += 1;
                console.say(&render::plain(format_args!("{address}: could not be read: {why}")));
            }
            None => tally.unread += 1,
        }
    }
    (entries, tally)
}

/// Whether a room of a provider is taken into the record.
fn imported_at(entries: &[Entry], name: &ProviderName) -> bool {
    entries.iter().any(|entry| match entry {
        Entry::Result(address, _) | Entry::Intent(address, _) | Entry::Removed(address) => {
            address.provider == *name
        }
        Entry::Provider(..) | Entry::ProviderRemoved(_) => false,
    })
}
