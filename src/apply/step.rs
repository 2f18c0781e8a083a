//! One step of an approved plan, carried out to its end.

use std::sync::Arc;

use super::change::{EarlierIntent, Failure, Intended, Known, Worker};
use super::observe::look;
use super::recover::adopted;
use crate::model::{
    Action, Address, Assumed, AttributeChange, Call, Class, NotTried, Observation, OnConflict,
    PendingKind, People, RecordedRoom, Room, Step, StepFailure, Timestamp, Trouble, shows,
};
use crate::provider::{Operation, Permit, Receipt};

/// How a step ended.
pub(super) struct Ended {
    pub(super) step: Step,
    pub(super) end: End,
    pub(super) effect: Effect,
}

/// What came of a step.
pub(super) enum End {
    /// It is done, and recorded.
    Done { request_id: Option<String> },
    /// It failed; with the class of what the service answered.
    Failed(StepFailure, Option<Class>),
    /// It waits for people to leave.
    Waiting(People),
    /// It was not tried.
    NotTried(NotTried),
}

/// What a step did to the number of rooms that may be alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// What was planned.
    AsPlanned,
    /// A room that was counted does not exist.
    Gone,
    /// A room that was to go stays.
    Stays,
}

/// A step that did not come to its end.
struct Broken {
    failure: Failure,
    effect: Effect,
    what: &'static str,
}

type Carried = Result<Option<String>, Broken>;

impl Worker {
    /// The call that a step makes first; none where it makes none.
    pub(super) fn first_call_of(&self, step: &Step) -> Option<Call> {
        match step.action {
            Action::Create | Action::Recreate => Some(Call::CreateRoom),
            Action::Destroy | Action::Replace => {
                Some(self.first_call(&step.address, &Operation::Destroy))
            }
            Action::Update | Action::Adopt => step.calls.first().copied(),
            Action::Forget | Action::Record => None,
        }
    }

    /// Carries a step out.
    pub(super) async fn carry_out(
        &self,
        step: Step,
        record: Option<RecordedRoom>,
        first: Option<Permit>,
    ) -> Ended {
        let carried = match step.action {
            Action::Create | Action::Recreate => self.create(&step, record.as_ref(), first).await,
            Action::Destroy => self.destroy_step(&step, record.as_ref(), first).await,
            Action::Replace => self.replace(&step, record.as_ref(), first).await,
            Action::Update => self.update(&step, record.as_ref(), first).await,
            Action::Adopt => self.adopt(&step, first).await,
            Action::Forget => self.forget(&step).await,
            Action::Record => self.note(&step, record.as_ref()).await,
        };
        match carried {
            Ok(request_id) => {
                let effect = match step.action {
                    Action::Destroy => Effect::Gone,
                    Action::Create
                    | Action::Recreate
                    | Action::Replace
                    | Action::Update
                    | Action::Adopt
                    | Action::Forget
                    | Action::Record => Effect::AsPlanned,
                };
                Ended { step, end: End::Done { request_id }, effect }
            }
            Err(broken) => broken.end(step),
        }
    }

    async fn create(
        &self,
        step: &Step,
        before: Option<&RecordedRoom>,
        first: Option<Permit>,
    ) -> Carried {
        let room = step.after.clone().unwrap_or_default();
        let intended = Intended {
            address: &step.address,
            operation: Operation::Create(room.clone()),
            kind: PendingKind::Create,
            record: self.fresh(step, room.clone()),
            before,
            target: None,
        };
        let failed = |failure: Failure| {
            let effect =
                if matches!(failure, Failure::Open(..)) { Effect::AsPlanned } else { Effect::Gone };
            Broken { failure, effect, what: "it could not be created" }
        };
        match self.change(&intended, first).await.map_err(failed)? {
            Known::Done(receipt, sent) => {
                let record = made(&intended.record, &receipt, sent);
                self.keep(&step.address, &record).await.map_err(failed)?;
                Ok(receipt.request_id)
            }
            Known::Seen(record) => {
                self.keep(&step.address, &record).await.map_err(failed)?;
                Ok(None)
            }
            Known::Exists(trouble, earlier) => {
                self.exists(step, &intended, trouble, earlier).await.map_err(failed)
            }
            Known::Missing(trouble) => {
                self.put_back(&step.address, before).await.map_err(failed)?;
                Err(failed(Failure::NotDone(trouble)))
            }
            Known::SeenGone => Ok(None),
        }
    }

    /// A create that the service answered with "exists": ours where an earlier intent was open and
    /// the attributes agree, and otherwise as `on_conflict` says.
    async fn exists(
        &self,
        step: &Step,
        intended: &Intended<'_>,
        trouble: Trouble,
        earlier: EarlierIntent,
    ) -> Result<Option<String>, Failure> {
        let address = &step.address;
        if (earlier, self.settings.on_conflict) == (EarlierIntent::None, OnConflict::Fail) {
            self.put_back(address, intended.before).await?;
            return Err(Failure::NotDone(conflict(address, trouble)));
        }
        let seen = self.stop.or(look(&*self.connection.client, address)).await;
        let sighting = match seen.ok_or(Failure::Interrupted)? {
            Ok(Observation::There(sighting)) => sighting,
            Ok(Observation::Gone) => {
                self.put_back(address, intended.before).await?;
                return Err(Failure::NotDone(trouble));
            }
            Ok(Observation::Unread { why }) => return Err(Failure::Open(why, Some(trouble))),
            Err(why) => return Err(Failure::Open(why.to_string(), Some(trouble))),
        };
        let now = self.connection.clock.now();
        let room = step.after.clone().unwrap_or_default();
        match (earlier, self.settings.on_conflict) {
            (EarlierIntent::Open, _) if shows(&room, &sighting) => {
                let mut record = intended.record.seen(&sighting, now);
                record.pending = None;
                self.keep(address, &record).await?;
                Ok(None)
            }
            (EarlierIntent::Open, OnConflict::Fail) => {
                let why = "a room is there whose attributes are not the ones that were sent";
                Err(Failure::Open(why.to_owned(), Some(trouble)))
            }
            (EarlierIntent::Open | EarlierIntent::None, OnConflict::Adopt) => {
                let record = adopted(&intended.record, &sighting, now);
                let changes = sighting.attributes.sets_towards(&room.attributes);
                let batches = if changes.is_empty() { Vec::new() } else { vec![changes] };
                self.modify(address, record, &batches, room, None).await
            }
            (EarlierIntent::None, OnConflict::Fail) => {
                Err(Failure::NotDone(conflict(address, trouble)))
            }
        }
    }

    async fn destroy_step(
        &self,
        step: &Step,
        record: Option<&RecordedRoom>,
        first: Option<Permit>,
    ) -> Carried {
        let failed =
            |failure| Broken { failure, effect: Effect::Stays, what: "it could not be destroyed" };
        self.destroy(step, record, first).await.map_err(failed)
    }

    async fn destroy(
        &self,
        step: &Step,
        record: Option<&RecordedRoom>,
        first: Option<Permit>,
    ) -> Result<Option<String>, Failure> {
        let Some(record) = record else { return Ok(None) };
        let intended = Intended {
            address: &step.address,
            operation: Operation::Destroy,
            kind: PendingKind::Destroy,
            record: record.clone(),
            before: Some(record),
            target: None,
        };
        let known = match self.change(&intended, first).await {
            Err(Failure::Occupied(people)) if people.any() => {
                self.keep(&step.address, &self.occupied(record)).await?;
                return Err(Failure::Occupied(people));
            }
            known => known?,
        };
        let request_id = match known {
            Known::Done(receipt, _) => receipt.request_id,
            Known::Missing(trouble) => trouble.request_id,
            Known::SeenGone | Known::Seen(_) => None,
            Known::Exists(trouble, _) => {
                self.put_back(&step.address, Some(record)).await?;
                return Err(Failure::NotDone(trouble));
            }
        };
        self.ledger.remove(&step.address).await?;
        Ok(request_id)
    }

    async fn replace(
        &self,
        step: &Step,
        record: Option<&RecordedRoom>,
        first: Option<Permit>,
    ) -> Carried {
        let stays = |failure| Broken {
            failure,
            effect: Effect::AsPlanned,
            what: "it could not be destroyed, so it was not replaced",
        };
        self.destroy(step, record, first).await.map_err(stays)?;
        let gone = |broken: Broken| Broken {
            what: "it was destroyed and could not be created again; the next run creates it",
            ..broken
        };
        self.create(step, None, None).await.map_err(gone)
    }

    async fn update(
        &self,
        step: &Step,
        record: Option<&RecordedRoom>,
        first: Option<Permit>,
    ) -> Carried {
        let failed = |failure| Broken {
            failure,
            effect: Effect::AsPlanned,
            what: "its attributes could not be changed",
        };
        let Some(record) = record else { return Ok(None) };
        let mut record = noted(step, record);
        if let Some(before) = &step.before {
            record.room = with_attributes(&record.room, before);
        }
        let after = step.after.clone().unwrap_or_else(|| record.room.clone());
        self.modify(&step.address, record, &step.changes, after, first).await.map_err(failed)
    }

    /// Changes attributes, a call for each batch, and records what each call changed; once all are
    /// done the room is `after`.
    async fn modify(
        &self,
        address: &Address,
        record: RecordedRoom,
        batches: &[Vec<AttributeChange>],
        after: Arc<Room>,
        first: Option<Permit>,
    ) -> Result<Option<String>, Failure> {
        let (mut record, mut first, mut request_id) = (record, first, None);
        self.keep(address, &record).await?;
        for batch in batches {
            let target = changed(&record.room, batch, &[]);
            let intended = Intended {
                address,
                operation: Operation::Modify(batch.clone()),
                kind: PendingKind::Update,
                record: record.clone(),
                before: Some(&record),
                target: Some(target),
            };
            match self.change(&intended, first.take()).await? {
                Known::Done(receipt, _) => {
                    let done = changed(&record.room, batch, &receipt.failed_keys);
                    record = modified(&record, done, &receipt);
                    self.keep(address, &record).await?;
                    refuse_partial(&receipt)?;
                    request_id = receipt.request_id;
                }
                Known::Seen(seen) => {
                    self.keep(address, &seen).await?;
                    record = seen;
                }
                Known::Missing(trouble) | Known::Exists(trouble, _) => {
                    self.put_back(address, Some(&record)).await?;
                    return Err(Failure::NotDone(trouble));
                }
                Known::SeenGone => {}
            }
        }
        record.room = after;
        self.keep(address, &record).await?;
        Ok(request_id)
    }

    async fn adopt(&self, step: &Step, first: Option<Permit>) -> Carried {
        let failed = |failure| Broken {
            failure,
            effect: Effect::AsPlanned,
            what: "it could not be taken over",
        };
        let mut record = self.fresh(step, step.after.clone().unwrap_or_default());
        record.assumed = Assumed { name: true, destroy_delay_time: true };
        let after = record.room.clone();
        if let Some(before) = &step.before {
            record.room = with_attributes(&record.room, before);
        }
        self.modify(&step.address, record, &step.changes, after, first).await.map_err(failed)
    }

    async fn forget(&self, step: &Step) -> Carried {
        let failed = |error| unwritten(error, "it could not be taken out of the record");
        self.ledger.remove(&step.address).await.map_err(failed)?;
        Ok(None)
    }

    async fn note(&self, step: &Step, record: Option<&RecordedRoom>) -> Carried {
        let failed = |error| unwritten(error, "its record could not be changed");
        let Some(record) = record else { return Ok(None) };
        let mut record = noted(step, record);
        if let Some(after) = &step.after {
            record.room = after.clone();
        }
        self.ledger.record(&step.address, &record).await.map_err(failed)?;
        Ok(None)
    }

    async fn keep(&self, address: &Address, record: &RecordedRoom) -> Result<(), Failure> {
        Ok(self.ledger.record(address, record).await?)
    }

    async fn put_back(
        &self,
        address: &Address,
        before: Option<&RecordedRoom>,
    ) -> Result<(), Failure> {
        Ok(self.ledger.restore(address, before).await?)
    }

    /// The record of a room that people were just seen in: the next plan asks again, and lists the
    /// room as waiting.
    fn occupied(&self, record: &RecordedRoom) -> RecordedRoom {
        let now = Some(self.connection.clock.now());
        RecordedRoom { last_seen: now, last_seen_with_people: now, ..record.clone() }
    }

    /// The record of a room that is about to be made.
    fn fresh(&self, step: &Step, room: Arc<Room>) -> RecordedRoom {
        RecordedRoom {
            room,
            assumed: Assumed::default(),
            created: self.connection.clock.now(),
            last_seen: None,
            last_seen_with_people: None,
            attribute_sequence: None,
            request_id: None,
            source: step.source.clone().unwrap_or_else(|| "".into()),
            prevent_destroy: step.prevent_destroy,
            pending: None,
        }
    }
}

impl Broken {
    fn end(self, step: Step) -> Ended {
        let Self { failure, effect, what } = self;
        let end = match failure {
            Failure::NotDone(trouble) => {
                let message = format!("{what}: {}", words(&trouble));
                let class = trouble.class;
                End::Failed(failed(&step, message, Some(trouble), false), Some(class))
            }
            Failure::Open(why, trouble) => {
                let first = trouble.as_ref().map(|t| format!("{}; ", words(t))).unwrap_or_default();
                let message =
                    format!("{first}its outcome is unknown ({why}): the next run looks it up");
                End::Failed(failed(&step, message, trouble, true), None)
            }
            Failure::State(error) => {
                let message = format!("{what}: {error}");
                End::Failed(failed(&step, message, None, true), None)
            }
            Failure::Occupied(people) => End::Waiting(people),
            Failure::Interrupted => End::NotTried(NotTried::Interrupted),
        };
        Ended { step, end, effect }
    }
}

fn failed(step: &Step, message: String, trouble: Option<Trouble>, pending: bool) -> StepFailure {
    StepFailure {
        address: step.address.clone(),
        action: step.action,
        message,
        code: trouble.as_ref().and_then(|t| t.code),
        request_id: trouble.and_then(|t| t.request_id),
        pending,
    }
}

/// The call and its words: code and request id stand in fields of their own.
fn words(trouble: &Trouble) -> String {
    format!("{}: {}", trouble.call, trouble.message)
}

fn unwritten(error: crate::state::StateError, what: &'static str) -> Broken {
    Broken { failure: Failure::State(error), effect: Effect::AsPlanned, what }
}

fn conflict(address: &Address, trouble: Trouble) -> Trouble {
    let message = format!(
        "{}; it was not made by roomctl: take it over with `roomctl import {address}`, or with \
         `on_conflict: adopt` in the policy",
        trouble.message
    );
    Trouble { message, ..trouble }
}

/// A record with the bookkeeping of a step.
fn noted(step: &Step, record: &RecordedRoom) -> RecordedRoom {
    let mut record = record.clone();
    record.prevent_destroy = step.prevent_destroy;
    if let Some(source) = &step.source {
        record.source = source.clone();
    }
    record
}

/// The record of a room that the service says it made.
fn made(record: &RecordedRoom, receipt: &Receipt, sent: Timestamp) -> RecordedRoom {
    let mut record = record.clone();
    record.created = sent;
    record.attribute_sequence = receipt.attribute_sequence;
    record.request_id = receipt.request_id.as_deref().map(Into::into);
    record
}

/// The record of a room whose attributes the service says it changed.
fn modified(record: &RecordedRoom, room: Arc<Room>, receipt: &Receipt) -> RecordedRoom {
    let mut record = record.clone();
    record.room = room;
    record.attribute_sequence = receipt.attribute_sequence.or(record.attribute_sequence);
    record.request_id = receipt.request_id.as_deref().map(Into::into);
    record
}

/// A room after changes, but for those of the keys that failed.
fn changed(room: &Room, changes: &[AttributeChange], failed_keys: &[(String, i64)]) -> Arc<Room> {
    let mut room = room.clone();
    let done = |change: &&AttributeChange| !failed_keys.iter().any(|(key, _)| key == change.key());
    for change in changes.iter().filter(done) {
        room.attributes.apply(change);
    }
    Arc::new(room)
}

/// A room with the attributes of another.
fn with_attributes(room: &Room, other: &Room) -> Arc<Room> {
    let mut room = room.clone();
    room.attributes = other.attributes.clone();
    Arc::new(room)
}

/// Code 0 with failed keys is a failure of those keys.
fn refuse_partial(receipt: &Receipt) -> Result<(), Failure> {
    if receipt.failed_keys.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = receipt
        .failed_keys
        .iter()
        .map(|(key, code)| format!("`{key}` (sub-code {code})"))
        .collect();
    Err(Failure::NotDone(Trouble {
        class: Class::Refused,
        call: Call::ModifyRoomAttribute,
        code: Some(0),
        message: format!(
            "the service changed the other attributes, but not {}: check their keys and sizes, \
             then apply again",
            keys.join(", ")
        ),
        request_id: receipt.request_id.clone(),
        retry_after: None,
    }))
}
