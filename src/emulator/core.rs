//! The stand-in behind its lock: gate, traffic, world and chance together.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Kind, RoomId, Timestamp};

use super::code::{Code, SUCCESS, Tencent, Zego};
use super::data::Keeper;
use super::dice::Dice;
use super::fault::{self, Fault};
use super::gate::{AppKey, Caller, Gate};
use super::pace::Pace;
use super::people::{self, Move};
use super::process::Received;
use super::survey::{AppSurvey, Survey};
use super::traffic::{Passage, Traffic};
use super::wire::{Answer, Payload};
use super::work::{self, Done, Refusal, Request};
use super::world::{Entry, World};
use super::{Action, App, EmulatorError, Settings};

/// Everything that changes.
#[derive(Debug)]
pub(super) struct Core {
    gate: Gate,
    pace: Pace,
    traffic: BTreeMap<AppKey, Traffic>,
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
            gate: Gate::new(settings),
            pace: Pace::default(),
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
        received: &Received,
        now: Timestamp,
        settings: &Settings,
    ) -> Result<Caller, Refusal> {
        let caller = self.gate.admit(received, now).inspect_err(|Refusal { code, .. }| {
            *self.turned_away.entry(code.number()).or_default() += 1;
        })?;
        let action = caller.action;
        let traffic = self.traffic.entry(caller.key()).or_default();
        match traffic.arrive(action, settings.rate_limit(action), Instant::now()) {
            Passage::Free => Ok(caller),
            Passage::TooOften => Err(self.busy(caller)),
        }
    }

    /// Refuses a caller for coming too often.
    pub(super) fn busy(&mut self, caller: Caller) -> Refusal {
        let code = too_often(caller.action);
        self.traffic.entry(caller.key()).or_default().answered(caller.action, code.number());
        code.into()
    }

    /// Carries a request out: decided, made durable, then changed, then answered.
    pub(super) fn work(&mut self, request: &Request<'_>, settings: &Settings) -> Answer {
        self.world.expire(request.now);
        let caller = request.caller;
        let kind = caller.action.kind();
        let decided = work::decide(request, &self.world, settings, &mut self.pace);
        let outcome = decided.and_then(|Done { change, payload }| {
            let changed = change.map_or(Ok(()), |change| self.change(change));
            changed.map(|()| payload).map_err(|error| not_kept(kind, &error))
        });
        let alive = self.world.alive(caller.key());
        let traffic = self.traffic.entry(caller.key()).or_default();
        traffic.most_rooms = traffic.most_rooms.max(alive);
        let code = outcome.as_ref().map_or_else(|refusal| refusal.code.number(), |_| SUCCESS);
        traffic.answered(caller.action, code);
        self.answer(kind, outcome)
    }

    /// Words an outcome as `kind`'s service does.
    pub(super) fn answer(&mut self, kind: Kind, outcome: Result<Payload, Refusal>) -> Answer {
        Answer::new(kind, outcome, self.dice.bits())
    }

    /// Lets people move, and tells how many are inside then.
    pub(super) fn move_people(
        &mut self,
        key: AppKey,
        id: &RoomId,
        step: Move,
        now: Timestamp,
        settings: &Settings,
    ) -> Result<u64, EmulatorError> {
        self.world.expire(now);
        let moved = people::moved(&self.world, key, id.as_str(), step, now, settings);
        let (kind, app) = key;
        let missing = || EmulatorError::NoSuchRoom { kind, app, room: id.clone() };
        let (entry, people) = moved.ok_or_else(missing)?;
        self.change(entry)?;
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
        let apps = settings.apps.iter().map(|App { kind, app_id, secret: _ }| {
            let key = (*kind, *app_id);
            (key, AppSurvey::of(&self.world, key, self.traffic.get(&key)))
        });
        Survey { now, apps: apps.collect(), turned_away: self.turned_away.clone() }
    }

    fn change(&mut self, entry: Entry) -> Result<(), EmulatorError> {
        self.keeper.keep(&entry, &self.world)?;
        self.world.apply(entry);
        Ok(())
    }
}

/// The code for an action that is called too often.
fn too_often(action: Action) -> Code {
    match action.kind() {
        Kind::Rtc => Zego::RtcTooOften.into(),
        Kind::Zim if action == Action::UserRegister => Zego::RegisterTooOften.into(),
        Kind::Zim => Zego::TooOften.into(),
        Kind::TencentLive => Tencent::TooOften.into(),
    }
}

/// The refusal of a change that cannot be kept. No vendor has a code for it: the nearest ones are taken.
fn not_kept(kind: Kind, error: &EmulatorError) -> Refusal {
    let code: Code = match (kind, matches!(error, EmulatorError::ReadOnly)) {
        (Kind::Rtc, true) => Zego::RtcNoPermission.into(),
        (Kind::Rtc, false) => Zego::RtcInternal.into(),
        (Kind::Zim, true) => Zego::ReadOnly.into(),
        (Kind::Zim, false) => Zego::Database.into(),
        (Kind::TencentLive, true) => Tencent::Forbidden.into(),
        (Kind::TencentLive, false) => Tencent::Internal.into(),
    };
    let source = std::error::Error::source(error);
    let why = source.map(|source| format!(": {source}")).unwrap_or_default();
    Refusal::because(code, format!("{error}{why}"))
}
