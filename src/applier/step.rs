//! One step of an approved plan, carried out to its end.

mod create;
mod destroy;
mod update;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::change::{Failure, Worker};
use super::guard::Unasked;
use crate::model::{
    Action, Address, ApiError, Assumed, ErrorClass, NotTried, Overwritten, People, RecordedRoom,
    Room, Step, StepFailure,
};
use crate::provider::Permit;

/// How a step ended.
pub(super) struct Ended {
    pub(super) step: Step,
    pub(super) end: End,
    pub(super) effect: Effect,
    /// How long it took; `None` if it never ran.
    pub(super) duration: Option<Duration>,
    /// What was done in the place of a replace that waits.
    pub(super) also: Option<Also>,
}

/// Another step that came to its end along with one.
pub(super) struct Also {
    pub(super) step: Step,
    pub(super) end: End,
}

/// What came of a step.
pub(super) enum End {
    /// It is done, and recorded.
    Done(Made),
    /// It failed; with the class of what the service answered.
    Failed(StepFailure, Option<ErrorClass>),
    /// It waits for people to leave; with what stood in the way of asking who is inside.
    Waiting(People, Option<Unasked>),
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

/// Whether the outcome of a call is still unknown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outstanding {
    /// Of none.
    Nothing,
    /// Of one: the next run looks first.
    Call,
}

/// A step that did not come to its end.
struct Broken {
    failure: Failure,
    effect: Effect,
    what: &'static str,
}

type Carried = Result<Option<String>, Broken>;

/// A step that came to its end.
#[derive(Default)]
pub(super) struct Made {
    /// The service's id of the last request.
    pub(super) request_id: Option<String>,
    /// The overwritten values of a room that was to be created, existed already, and was adopted.
    pub(super) adopted: Option<Vec<Overwritten>>,
}

impl Worker {
    /// Carries a step out.
    pub(super) async fn carry_out(
        &self,
        step: Step,
        record: Option<RecordedRoom>,
        first: Option<Permit>,
    ) -> Ended {
        let start = Instant::now();
        let worker = Self { effects: Arc::default(), ..self.clone() };
        match worker.made(&step, record.as_ref(), first).await {
            Ok(made) => {
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
                let duration = Some(start.elapsed());
                Ended { step, end: End::Done(made), effect, duration, also: None }
            }
            Err(broken) => {
                let mut also = worker.instead(&step, record.as_ref(), &broken.failure).await;
                let effect = broken.effect;
                let mut end = broken.end(&step);
                for end in std::iter::once(&mut end).chain(also.as_mut().map(|also| &mut also.end))
                {
                    if let End::Failed(failure, _) = end {
                        failure.partial = worker.has_changed_something();
                    }
                }
                Ended { step, end, effect, duration: Some(start.elapsed()), also }
            }
        }
    }

    /// Carries out the part of a replace that changes in place: an update, or a word in the record.
    async fn in_place(&self, step: &Step, record: &RecordedRoom) -> Carried {
        match step.action {
            Action::Update => self.update(step, Some(record), None).await,
            Action::Record
            | Action::Create
            | Action::Recreate
            | Action::Replace
            | Action::Destroy
            | Action::Adopt
            | Action::Forget => self.note(step, Some(record)).await,
        }
    }

    async fn made(
        &self,
        step: &Step,
        record: Option<&RecordedRoom>,
        first: Option<Permit>,
    ) -> Result<Made, Broken> {
        let carried = match step.action {
            Action::Create | Action::Recreate => return self.create(step, record, first).await,
            Action::Replace => return self.replace(step, record, first).await,
            Action::Destroy => self.destroy_step(step, record, first).await,
            Action::Update => self.update(step, record, first).await,
            Action::Adopt => self.adopt(step, first).await,
            Action::Forget => self.forget(step).await,
            Action::Record => self.note(step, record).await,
        };
        carried.map(|request_id| Made { request_id, adopted: None })
    }

    async fn forget(&self, step: &Step) -> Carried {
        let failed = |error| unwritten(error, "it could not be taken out of the record");
        self.ledger.remove(&step.address).await.map_err(failed)?;
        Ok(None)
    }

    async fn note(&self, step: &Step, record: Option<&RecordedRoom>) -> Carried {
        let failed = |error| unwritten(error, "its record could not be changed");
        let Some(record) = record else { return Ok(None) };
        let mut after = noted(step, record);
        if let Some(room) = &step.after {
            after.room = room.clone();
        }
        // What was only moved was written before the first call: another step may have changed the
        // record since.
        if after != *record {
            self.ledger.record(&step.address, &after).await.map_err(failed)?;
        }
        Ok(None)
    }

    pub(super) async fn keep(
        &self,
        address: &Address,
        record: &RecordedRoom,
    ) -> Result<(), Failure> {
        Ok(self.ledger.record(address, record).await?)
    }

    pub(super) async fn put_back(
        &self,
        address: &Address,
        before: Option<&RecordedRoom>,
    ) -> Result<(), Failure> {
        Ok(self.ledger.restore(address, before).await?)
    }

    /// The record of a room that is about to be made.
    pub(super) fn fresh(&self, step: &Step, room: Arc<Room>) -> RecordedRoom {
        RecordedRoom {
            room,
            assumed: Assumed::default(),
            created: self.connection.clock.now(),
            last_seen: None,
            last_seen_with_people: None,
            attribute_sequence: None,
            request_id: None,
            source: step.source.clone().unwrap_or_else(|| "".into()),
            lifecycle: step.lifecycle,
            sides: step.sides.clone(),
            ignore_changes: Box::default(),
            pending: None,
            contested: None,
            next: None,
        }
    }
}

impl Also {
    fn of(step: &Step, carried: Carried) -> Self {
        let end = match carried {
            Ok(request_id) => End::Done(Made { request_id, adopted: None }),
            Err(broken) => broken.end(step),
        };
        Self { step: step.clone(), end }
    }
}

impl Broken {
    fn end(self, step: &Step) -> End {
        let Self { failure, effect: _, what } = self;
        match failure {
            Failure::NotDone(api_error) => {
                let message = format!("{what}: {}", words(&api_error));
                let class = api_error.class;
                let failure = failed(step, message, Some(api_error), Outstanding::Nothing);
                End::Failed(failure, Some(class))
            }
            Failure::Open(why, api_error) => {
                let first = api_error.as_ref().map(|api_error| format!("{}; ", words(api_error)));
                let message = format!("{what}: {}{why}", first.unwrap_or_default());
                End::Failed(failed(step, message, api_error, Outstanding::Call), None)
            }
            Failure::State(error) => {
                let message = format!("{what}: {error}");
                End::Failed(failed(step, message, None, makes_calls(step)), None)
            }
            Failure::Occupied(inside) => End::Waiting(inside.anywhere, None),
            Failure::Unasked(why) => End::Waiting(People::Unknown, Some(why)),
            Failure::Interrupted => End::NotTried(NotTried::Interrupted),
            Failure::NotTried(why) => End::NotTried(why),
        }
    }
}

/// Whether a call of a step may be under way unrecorded.
fn makes_calls(step: &Step) -> Outstanding {
    if step.calls.is_empty() { Outstanding::Nothing } else { Outstanding::Call }
}

fn failed(
    step: &Step,
    message: String,
    api_error: Option<ApiError>,
    outstanding: Outstanding,
) -> StepFailure {
    StepFailure {
        address: step.address.clone(),
        action: step.action,
        message,
        code: api_error.as_ref().and_then(|t| t.code),
        request_id: api_error.and_then(|t| t.request_id),
        pending: outstanding == Outstanding::Call,
        partial: false,
    }
}

/// The call and its words: code and request id stand in fields of their own.
fn words(api_error: &ApiError) -> String {
    format!("{}: {}", api_error.call, api_error.message)
}

fn unwritten(error: crate::state::StateError, what: &'static str) -> Broken {
    Broken { failure: Failure::State(error), effect: Effect::AsPlanned, what }
}

/// A record with the bookkeeping of a step.
fn noted(step: &Step, record: &RecordedRoom) -> RecordedRoom {
    let mut record = record.clone();
    record.lifecycle = step.lifecycle;
    record.sides = step.sides.clone();
    if let Some(source) = &step.source {
        record.source = source.clone();
    }
    record
}
