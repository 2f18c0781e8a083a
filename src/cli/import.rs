//! `import`: records rooms that exist already and that the files declare.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::args::{Format, Global, ImportArgs};
use super::connect::{self, Providers};
use super::console::Console;
use super::context::Context;
use super::exit::{Exit, Stopped};
use super::progress::ProgressReport;
use super::{generate, session, signals};
use crate::applier::Stop;
use crate::engine::{
    self, ImportApprover, ImportRequest, ImportResult, Imported, Selection, Session, TakeOver,
};
use crate::model::{Address, Lineage, Partial};
use crate::provider::http::SystemClock;
use crate::render;
use crate::state::Entry;

/// The number of rooms by result.
#[derive(Default)]
struct Tally {
    recorded: u64,
    left_out: u64,
    missing: u64,
    unread: u64,
}

/// Checks what is imported, and asks on the console.
struct OnConsole<'a> {
    console: &'a Console,
    stop: &'a Stop,
}

impl ImportApprover<Stopped> for OnConsole<'_> {
    fn accept(&self, entries: &[Entry]) -> Result<(), Stopped> {
        self.console.refuse_secrets("the state", entries.iter())
    }

    async fn take_over(&self, rooms: &TakeOver) -> Result<(), Stopped> {
        let Self { console, stop } = self;
        let TakeOver { lineage, rooms, is_continued } = rooms;
        let first: Vec<String> = rooms.iter().take(NAMED).map(ToString::to_string).collect();
        let more = match rooms.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let then = if *is_continued {
            "this new state continues that lineage: make sure that no other state of it is in use"
        } else {
            "the next apply writes the lineage of this state into them"
        };
        console.say(&render::plain(format_args!(
            "rooms of the state of lineage {lineage}: {}{more}; {then}",
            first.join(", ")
        )));
        if let Err(why) = console.can_ask() {
            let words = format!("nothing was recorded: {why}; pass `--lineage {lineage}`");
            return Err(Stopped::refused("not_approved", words));
        }
        let rooms = if rooms.len() == 1 { "this room" } else { "these rooms" };
        if !console.ask(&format!("Take over {rooms}?"), stop).await? {
            return Err(Stopped::refused("not_approved", "nothing was recorded: not approved"));
        }
        Ok(())
    }
}

/// How many of the rooms to take over are listed.
const NAMED: usize = 10;

/// Looks up rooms and records those that exist; name and delay are recorded as assumed.
pub(super) async fn run(
    args: &ImportArgs,
    global: &Global,
    context: &Context,
    console: &Console,
) -> Result<Exit, Stopped> {
    if let Some(file) = &args.generate {
        return generate::run(file, args, global, console).await;
    }
    let stop = signals::listen(console.output())?;
    let files = session::files(global, console)?;
    let desired = &files.desired;
    let path = session::state_path(global, desired, console)?;
    connect::require_secrets(desired)?;
    let session = Session {
        desired,
        store: &*session::store(&path)?,
        connector: &Providers::new(desired, &path, global),
        clock: &SystemClock,
        stop: &stop,
        events: ProgressReport::start(console, args.format),
        host_change: session::host_change(args.allow_endpoint_change),
    };
    let selection = if args.all_declared {
        Selection::AllDeclared { lineage: args.lineage.clone() }
    } else {
        Selection::Named(args.addresses.iter().cloned().collect())
    };
    let lock = session::lock("import", args.lock_timeout, context);
    let scope = session::scope(&args.scope)?;
    let request = ImportRequest { selection, scope, lock };
    let approver = OnConsole { console, stop: &stop };
    let Imported { rooms, scope, taken_over, contested, hosts, closed } =
        engine::import(&session, request, &approver).await?;
    console.findings(&hosts);
    for (address, why) in &contested {
        let way_out = format!("`roomctl import {address}` takes it over");
        console.note(&format!("{address}: its origin is uncertain ({why}): {way_out}"));
    }
    let mut tally = Tally::default();
    for (address, result) in &rooms {
        tally.add(address, result, taken_over.get(address), console);
    }
    match args.format {
        Format::Text => console.print(|out| {
            scope.iter().try_for_each(|partial| writeln!(out, "{partial}"))?;
            writeln!(out, "Import: {tally}.")
        })?,
        Format::Json => {
            let document = document(&rooms, &taken_over, &contested, scope.as_ref(), &tally);
            console.document(|out| writeln!(out, "{document}"))?;
        }
    }
    closed.map(|()| tally.exit(args))
}

/// The rooms with their results, and the counts, for programs.
fn document(
    rooms: &[(Address, ImportResult)],
    taken_over: &BTreeMap<Address, Lineage>,
    contested: &[(Address, Box<str>)],
    scope: Option<&Partial>,
    tally: &Tally,
) -> Value {
    let room = |(address, result): &(Address, ImportResult)| {
        let taken_over_from = taken_over.get(address);
        let address = address.to_string();
        let mut document = match result {
            ImportResult::Read => {
                json!({"address": address, "result": "recorded", "assumed": false})
            }
            ImportResult::Assumed => {
                json!({"address": address, "result": "recorded", "assumed": true})
            }
            ImportResult::OtherState(lineage) => {
                json!({"address": address, "result": "other_state", "lineage": lineage})
            }
            ImportResult::Unmarked => json!({"address": address, "result": "unmarked"}),
            ImportResult::Missing => json!({"address": address, "result": "missing"}),
            ImportResult::Unread(why) => {
                json!({"address": address, "result": "unread", "message": why})
            }
        };
        if let Some(lineage) = taken_over_from {
            document["taken_over_from"] = json!(lineage);
        }
        document
    };
    let left_out = |(address, why): &(Address, Box<str>)| json!({"address": address.to_string(), "result": "contested", "message": why});
    let rooms = rooms.iter().map(room).chain(contested.iter().map(left_out));
    let Tally { recorded, left_out, missing, unread } = tally;
    json!({
        "format_version": 1,
        "scope": scope,
        "rooms": rooms.collect::<Vec<_>>(),
        "summary": {
            "recorded": recorded,
            "left_out": left_out,
            "missing": missing,
            "unread": unread,
            "contested": contested.len(),
        },
    })
}

impl Tally {
    fn add(
        &mut self,
        address: &Address,
        result: &ImportResult,
        taken_over_from: Option<&Lineage>,
        console: &Console,
    ) {
        match result {
            ImportResult::Read | ImportResult::Assumed => self.recorded += 1,
            ImportResult::OtherState(_) | ImportResult::Unmarked => self.left_out += 1,
            ImportResult::Missing => self.missing += 1,
            ImportResult::Unread(_) => self.unread += 1,
        }
        let from = taken_over_from
            .map_or_else(String::new, |it| format!(" and belonged to the state of lineage {it}"));
        let note = |text: &str| console.note(&render::plain(format_args!("{address}: {text}")));
        match result {
            ImportResult::Read => note(&format!("exists{from}")),
            ImportResult::Assumed => note(&format!("exists{from}; its name and delay are assumed")),
            ImportResult::OtherState(lineage) => note(&format!(
                "left out: it belongs to the state of lineage {lineage}, whose rooms `--lineage` takes over"
            )),
            ImportResult::Unmarked => note(&format!(
                "left out: its owner is unknown; `roomctl import {address}` records it"
            )),
            ImportResult::Missing => note("does not exist"),
            ImportResult::Unread(why) => {
                console.say(&render::plain(format_args!("{address}: could not be read: {why}")));
            }
        }
    }

    /// Returns the exit code: a missing room is a failure if it was given by address, but not under
    /// `--all-declared`.
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
        let Self { recorded, left_out, missing, unread } = self;
        write!(f, "{recorded} recorded, {missing} not found, {unread} unread")?;
        if *left_out > 0 { write!(f, ", {left_out} left out") } else { Ok(()) }
    }
}
