//! Executes one step of an approved plan.

mod create;
mod destroy;
mod update;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::call_admission::Reservation;
use super::worker::{Failure, QueryFailure, Worker};
use crate::model::{
    Action, ApiError, Assumed, ErrorClass, NextChange, NotTried, Overwritten, People, RecordedRoom,
    Room, Step, StepFailure,
};

/// A step that ended, and its effect on the number of rooms.
pub(super) struct FinishedStep {
    pub(super) step: Step,
    pub(super) end: StepEnd,
    pub(super) effect: Effect,
    /// How long it took; `None` if it never ran.
    pub(super) duration: Option<Duration>,
    /// The step in place that was executed instead of a replace that waits.
    pub(super) in_place_step: Option<InPlaceStep>,
}

/// The step in place that was executed instead of a replace that waits.
pub(super) struct InPlaceStep {
    pub(super) step: Step,
    pub(super) end: StepEnd,
}

/// How a step ended.
pub(super) enum StepEnd {
    /// It is done, and recorded.
    Done(Done),
    /// It failed; with the class of the error if no call of it is pending.
    Failed(StepFailure, Option<ErrorClass>),
    /// It waits for people to leave; with the error if it could not be read who is inside.
    Waiting(People, Option<QueryFailure>),
    /// It was not tried.
    NotTried(NotTried),
}

/// The effect of a step on the number of rooms that may be alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The planned effect.
    AsPlanned,
    /// A room that was counted does not exist.
    Gone,
    /// A room that was to be destroyed still exists.
    Stays,
}

/// Whether a failed step leaves a call with an unknown outcome.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outstanding {
    /// No call.
    Nothing,
    /// A call: the next run looks up its room first.
    Call,
}

/// A step that failed, waits, or was not tried.
struct FailedStep {
    failure: Failure,
    effect: Effect,
    /// What precedes the error in the message; `None` if the error alone is enough.
    what: Option<&'static str>,
}

type StepResult = Result<Option<String>, FailedStep>;

/// A step that is done.
#[derive(Default)]
pub(super) struct Done {
    /// The service's id of the last request.
    pub(super) request_id: Option<String>,
    /// The overwritten values, if a room that was to be created existed already and was adopted.
    pub(super) adopted: Option<Vec<Overwritten>>,
}

impl Worker {
    /// Executes a step.
    pub(super) async fn execute(
        &self,
        step: Step,
        record: Option<RecordedRoom>,
        first: Option<Reservation>,
    ) -> FinishedStep {
        let start = Instant::now();
        let worker = Self { effects: Arc::default(), ..self.clone() };
        match worker.execute_action(&step, record.as_ref(), first).await {
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
                let (end, duration) = (StepEnd::Done(made), Some(start.elapsed()));
                FinishedStep { step, end, effect, duration, in_place_step: None }
            }
            Err(failed_step) => {
                let mut in_place_step =
                    worker.execute_instead(&step, record.as_ref(), &failed_step.failure).await;
                let effect = failed_step.effect;
                let mut end = failed_step.end(&step, worker.stop.not_tried());
                for end in std::iter::once(&mut end)
                    .chain(in_place_step.as_mut().map(|step| &mut step.end))
                {
                    if let StepEnd::Failed(failure, _) = end {
                        failure.partial = worker.has_changed_something();
                    }
                }
                let duration = Some(start.elapsed());
                FinishedStep { step, end, effect, duration, in_place_step }
            }
        }
    }

    /// Executes the part of a replace that can change in place: an update, or a change of the record only.
    async fn execute_in_place(&self, step: &Step, record: &RecordedRoom) -> StepResult {
        match step.action {
            Action::Update => self.update(step, Some(record), None).await,
            Action::Record
            | Action::Create
            | Action::Recreate
            | Action::Replace
            | Action::Destroy
            | Action::Adopt
            | Action::Forget => self.update_record(step, Some(record)).await,
        }
    }

    async fn execute_action(
        &self,
        step: &Step,
        record: Option<&RecordedRoom>,
        first: Option<Reservation>,
    ) -> Result<Done, FailedStep> {
        let result = match step.action {
            Action::Create | Action::Recreate => return self.create(step, record, first).await,
            Action::Replace => return self.replace(step, record, first).await,
            Action::Destroy => self.destroy_step(step, record, first).await,
            Action::Update => self.update(step, record, first).await,
            Action::Adopt => self.adopt(step, first).await,
            Action::Forget => self.forget(step).await,
            Action::Record => self.update_record(step, record).await,
        };
        result.map(|request_id| Done { request_id, adopted: None })
    }

    async fn forget(&self, step: &Step) -> StepResult {
        self.journal.remove(&step.address).await.map_err(write_failed)?;
        Ok(None)
    }

    async fn update_record(&self, step: &Step, record: Option<&RecordedRoom>) -> StepResult {
        let Some(record) = record else { return Ok(None) };
        let mut after = with_bookkeeping(step, record);
        if let Some(room) = &step.after {
            after.room = room.clone();
        }
        // A room that only moved was written before the first call. It is not written again, because
        // another step may have changed its record since.
        if after != *record {
            self.journal.record(&step.address, &after).await.map_err(write_failed)?;
        }
        Ok(None)
    }

    /// Returns the record of a room that is about to be made.
    pub(super) fn new_record(&self, step: &Step, room: Arc<Room>) -> RecordedRoom {
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
            ignore_changes: step.ignore_changes.clone(),
            pending: None,
            contested: None,
            next: None,
        }
    }
}

impl InPlaceStep {
    fn of(step: &Step, result: StepResult, stopped: NotTried) -> Self {
        let end = match result {
            Ok(request_id) => StepEnd::Done(Done { request_id, adopted: None }),
            Err(failed_step) => failed_step.end(step, stopped),
        };
        Self { step: step.clone(), end }
    }
}

impl FailedStep {
    /// Returns how the step ends; `stopped` is why it is not tried if the run was interrupted.
    fn end(self, step: &Step, stopped: NotTried) -> StepEnd {
        let Self { failure, effect: _, what } = self;
        let what = what.map_or_else(String::new, |what| format!("{what}: "));
        match failure {
            Failure::NotDone(api_error) => {
                let message = format!("{what}{}", call_and_message(&api_error));
                let class = api_error.class;
                let failure = failed(step, message, Some(api_error), Outstanding::Nothing);
                StepEnd::Failed(failure, Some(class))
            }
            Failure::Open(why, api_error) => {
                let first = api_error
                    .as_ref()
                    .map(|api_error| format!("{}; ", call_and_message(api_error)));
                let message =
                    format!("{what}{}{why}; the outcome is unknown", first.unwrap_or_default());
                StepEnd::Failed(failed(step, message, api_error, Outstanding::Call), None)
            }
            Failure::State(error) => {
                let message = format!("{what}{error}");
                StepEnd::Failed(failed(step, message, None, makes_calls(step)), None)
            }
            Failure::Occupied(occupants) => StepEnd::Waiting(occupants.anywhere, None),
            Failure::Unread(why) => StepEnd::Waiting(People::Unknown, Some(why)),
            Failure::Interrupted => StepEnd::NotTried(stopped),
            Failure::NotTried(why) => StepEnd::NotTried(why),
        }
    }
}

/// Returns whether a step may leave a call whose outcome is not recorded.
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

/// Returns the call and the message of an error. [`StepFailure`] has its code and request id.
fn call_and_message(api_error: &ApiError) -> String {
    format!("{}: {}", api_error.call, api_error.message)
}

fn write_failed(error: crate::state::StateError) -> FailedStep {
    FailedStep { failure: Failure::State(error), effect: Effect::AsPlanned, what: None }
}

/// Returns a record with the bookkeeping of a step.
fn with_bookkeeping(step: &Step, record: &RecordedRoom) -> RecordedRoom {
    let mut record = match step.next.as_deref() {
        Some(NextChange { before: _, after }) => record.with_next(after.clone()),
        None => record.clone(),
    };
    record.lifecycle = step.lifecycle;
    record.ignore_changes.clone_from(&step.ignore_changes);
    record.sides = step.sides.clone();
    // A room that only moved keeps its mark, if it is contested. Any other step was planned for a room that
    // is ours.
    if let Some(source) = &step.source {
        record.contested = None;
        record.source = source.clone();
    }
    record
}
