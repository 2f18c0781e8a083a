//! The stand-in behind its lock: gate, traffic, world and chance together.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::Method;
use tokio::time::Instant;

use crate::model::{RoomId, Timestamp};

use super::code::Code;
use super::data::Keeper;
use super::dice::Dice;
use super::fault::{self, Fault};
use super::gate::{Caller, Gate};
use super::query::{Query, QueryError};
use super::room::Room;
use super::survey::{AppSurvey, Survey};
use super::traffic::{Passage, Traffic};
use super::wire::{Answer, Payload};
use super::work::{self, Done, Refusal, Request};
use super::world::{Entry, World};
use super::{Action, EmulatorError, Settings};

/// Everything that changes.
#[derive(Debug)]
pub(super) struct Core {
    gate: Gate,
    traffic: BTreeMap<u32, Traffic>,
    turned_away: BTreeMap<i64, u64>,
    pub(super) world: World,
    pub(super) keeper: Keeper,
    pub(super) dice: Dice,
}

/// What chance has in store for one request.
#[derive(Debug)]
pub(super) struct Luck {
    pub(super) fault: Option<Fault>,
    pub(super) before: Duration,
    pub(super) after: Duration,
}

impl Core {
    pub(super) fn new(settings: &Settings, world: World, keeper: Keeper) -> Self {
        Self {
            gate: Gate::new(&settings.apps),
            traffic: BTreeMap::new(),
            turned_away: BTreeMap::new(),
            world,
            keeper,
            dice: Dice::new(settings.seed),
        }
    }

    /// Draws the fate of one request: always as many numbers, so that one setting does not move another.
    pub(super) fn luck(&mut self, settings: &Settings) -> Luck {
        let fault = fault::draw(&settings.faults, &mut self.dice);
        let whole = settings.latency.saturating_add(self.dice.span(settings.jitter));
        let before = whole / 2;
        Luck { fault, before, after: whole.saturating_sub(before) }
    }

    /// Counts a request where it arrives, and lets it through or not.
    pub(super) fn arrive(
        &mut self,
        method: &Method,
        query: &Result<Query, QueryError>,
        now: Timestamp,
        settings: &Settings,
    ) -> Result<Caller, Refusal> {
        let query = match query {
            Ok(query) => query,
            Err(error) => return Err(self.turn_away(Code::Parameter, &error.to_string())),
        };
        let caller = match self.gate.admit(method, query, now) {
            Ok(caller) => caller,
            Err(code) => return Err(self.turn_away(code, code.message())),
        };
        let Caller { app, action } = caller;
        let traffic = self.traffic.entry(app).or_default();
        match traffic.arrive(action, settings.rate_limit(action), Instant::now()) {
            Passage::Free => Ok(caller),
            Passage::TooOften => Err(self.busy(caller)),
        }
    }

    /// Refuses a caller for coming too often.
    pub(super) fn busy(&mut self, caller: Caller) -> Refusal {
        let Caller { app, action } = caller;
        let code =
            if action == Action::UserRegister { Code::RegisterTooOften } else { Code::TooOften };
        self.traffic.entry(app).or_default().answered(action, code);
        code.into()
    }

    /// Carries a request out: decided, made durable, then changed, then answered.
    pub(super) fn work(&mut self, request: &Request<'_>, settings: &Settings) -> Answer {
        self.world.expire(request.now);
        let Caller { app, action } = request.caller;
        let outcome = work::decide(request, &self.world, settings).and_then(|done| {
            let Done { change, payload } = done;
            match change.map_or(Ok(()), |change| self.change(change)) {
                Ok(()) => Ok(payload),
                Err(error) => Err(not_kept(&error)),
            }
        });
        let alive = self.world.alive(app);
        let traffic = self.traffic.entry(app).or_default();
        traffic.most_rooms = traffic.most_rooms.max(alive);
        traffic.answered(
            action,
            outcome.as_ref().map_or_else(|refusal| refusal.code, |_| Code::Success),
        );
        self.answer(outcome)
    }

    /// Words an outcome.
    pub(super) fn answer(&mut self, outcome: Result<Payload, Refusal>) -> Answer {
        let request_id = format!("{:019}", self.dice.bits() >> 1);
        let (code, message, payload) = match outcome {
            Ok(payload) => (Code::Success, Code::Success.message().to_owned(), payload),
            Err(Refusal { code, message, payload }) => (code, message, payload),
        };
        Answer { code: code.number(), message, request_id, payload }
    }

    /// Changes one room by hand, and tells how many are inside then.
    pub(super) fn move_people(
        &mut self,
        app: u32,
        id: &RoomId,
        now: Timestamp,
        how: impl FnOnce(&mut Room),
    ) -> Result<u64, EmulatorError> {
        self.world.expire(now);
        let missing = || EmulatorError::NoSuchRoom { app, room: id.clone() };
        let mut room = self.world.room(app, id.as_str()).ok_or_else(missing)?.clone();
        how(&mut room);
        let people = room.people();
        self.change(Entry::Room { app, id: id.as_str().to_owned(), room })?;
        Ok(people)
    }

    /// Lets time run further ahead.
    pub(super) fn advance(&mut self, span: Duration) -> Result<(), EmulatorError> {
        let ahead = self.world.ahead().saturating_add(span).as_millis();
        self.change(Entry::Ahead { milliseconds: u64::try_from(ahead).unwrap_or(u64::MAX) })
    }

    /// How far time runs ahead of the clock.
    pub(super) fn ahead(&self) -> Duration {
        self.world.ahead()
    }

    /// Brings the data file up to date.
    pub(super) fn fold(&mut self, now: Timestamp) -> Result<(), EmulatorError> {
        self.world.expire(now);
        self.keeper.fold(&self.world)
    }

    pub(super) fn survey(&mut self, settings: &Settings, now: Timestamp) -> Survey {
        self.world.expire(now);
        let apps = settings.apps.iter().map(|app| {
            let (holdings, traffic) =
                (self.world.holdings(app.app_id), self.traffic.get(&app.app_id));
            (app.app_id, AppSurvey::of(holdings, traffic))
        });
        Survey { now, apps: apps.collect(), turned_away: self.turned_away.clone() }
    }

    fn change(&mut self, entry: Entry) -> Result<(), EmulatorError> {
        self.keeper.keep(&entry, &self.world)?;
        self.world.apply(entry);
        Ok(())
    }

    fn turn_away(&mut self, code: Code, message: &str) -> Refusal {
        *self.turned_away.entry(code.number()).or_default() += 1;
        Refusal::because(code, message)
    }
}

fn not_kept(error: &EmulatorError) -> Refusal {
    let code =
        if matches!(error, EmulatorError::ReadOnly) { Code::ReadOnly } else { Code::Database };
    let source = std::error::Error::source(error);
    let why = source.map(|source| format!(": {source}")).unwrap_or_default();
    Refusal::because(code, format!("{error}{why}"))
}
