//! `import`: records rooms that exist already and that the files declare.

use super::args::{Format, Global, ImportArgs};
use super::connect::{self, Providers};
use super::console::Console;
use super::context::Context;
use super::exit::{Exit, Stopped};
use super::progress::ProgressReport;
use super::{session, signals};
use crate::engine::{self, ImportRequest, ImportResult, Imported, Selection, Session};
use crate::model::Address;
use crate::provider::http::SystemClock;
use crate::render;
use crate::state;

/// How many rooms came to each result.
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
    let session = Session {
        desired,
        store: &*state::open(&path),
        connector: &Providers::new(desired, &path, global),
        clock: &SystemClock,
        stop: &stop,
        events: ProgressReport::start(console, Format::Text),
        host_change: session::host_change(args.allow_endpoint_change),
    };
    let selection = if args.all_declared {
        Selection::AllDeclared
    } else {
        Selection::Named(args.addresses.iter().cloned().collect())
    };
    let lock = session::lock("import", args.lock_timeout, context);
    let request = ImportRequest { selection, lock };
    let accept = |entries: &[_]| console.refuse_secrets("the state", entries.iter());
    let Imported { rooms, contested, hosts, closed } =
        engine::import(&session, request, accept).await?;
    console.findings(&hosts);
    for (address, why) in &contested {
        let way_out = format!("`roomctl import {address}` takes it");
        console.note(&format!("{address}: its origin is uncertain ({why}): {way_out}"));
    }
    let mut tally = Tally::default();
    for (address, result) in &rooms {
        tally.add(address, result, console);
    }
    console.print(|out| writeln!(out, "Import: {tally}."))?;
    closed.map(|()| tally.exit(args))
}

impl Tally {
    fn add(&mut self, address: &Address, result: &ImportResult, console: &Console) {
        match result {
            ImportResult::Read | ImportResult::Assumed => self.recorded += 1,
            ImportResult::Missing => self.missing += 1,
            ImportResult::Unread(_) => self.unread += 1,
        }
        let note = |text: &str| console.note(&render::plain(format_args!("{address}: {text}")));
        match result {
            ImportResult::Read => note("exists"),
            ImportResult::Assumed => note("exists; its name and delay are assumed"),
            ImportResult::Missing => note("does not exist"),
            ImportResult::Unread(why) => {
                console.say(&render::plain(format_args!("{address}: could not be read: {why}")));
            }
        }
    }

    /// A room that was named and does not exist is a failure; of all declared rooms some may be missing.
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
