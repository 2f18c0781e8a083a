//! A saved plan: the steps that were reviewed. It restricts a new plan and is never a source of calls.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Action, Address, Lineage, Partial, Room, Timestamp};

/// The format version that is read.
const FORMAT_VERSION: u64 = 1;

/// A plan that `plan --out` wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedPlan {
    /// Its id, a UUID.
    pub id: String,
    /// When it was made.
    pub time: Timestamp,
    /// The lineage of the state that it was made from; `None` if there was no state.
    pub lineage: Option<Lineage>,
    /// Its scope, if it is not all rooms.
    pub scope: Option<Partial>,
    /// Its steps.
    pub steps: BTreeMap<Address, SavedStep>,
}

/// A step of a saved plan.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(expecting = "an object")]
pub struct SavedStep {
    /// What is done.
    pub action: Action,
    /// The room before the step.
    pub before: Option<Room>,
    /// The room after the step.
    pub after: Option<Room>,
    /// The next life after the step, if the step changes it.
    pub next: Option<SavedNext>,
}

/// The next life of a room after a saved step.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(expecting = "an object")]
pub struct SavedNext {
    /// The room that waits for the next life; `None` if none does.
    pub after: Option<Room>,
}

/// Why a file is not a saved plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SavedPlanError {
    /// It is not a plan.
    #[error("it is not a plan: `roomctl plan --out FILE` writes one")]
    NoPlan,
    /// It was printed, not saved: it has no id and no time.
    #[error(
        "it was printed with `--format json`, not saved: `roomctl plan --out FILE` saves a plan"
    )]
    Printed,
    /// A newer version wrote it.
    #[error("its format version is {0}, and this roomctl reads {FORMAT_VERSION}: update roomctl")]
    Newer(u64),
    /// It is truncated or damaged.
    #[error("it is truncated or damaged ({0}): plan again")]
    Damaged(String),
}

/// The part of a plan that every version has.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Signature {
    format_version: u64,
    #[serde(rename = "digest")]
    _digest: IgnoredAny,
    #[serde(rename = "steps")]
    _steps: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Document {
    plan_id: Option<String>,
    time: Option<Timestamp>,
    state: StateText,
    scope: Option<Partial>,
    steps: Vec<StepText>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct StateText {
    lineage: Option<Lineage>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct StepText {
    address: Address,
    action: Action,
    before: Option<Room>,
    after: Option<Room>,
    next: Option<SavedNext>,
}

impl SavedPlan {
    /// Parses a saved plan from the contents of its file.
    ///
    /// # Errors
    /// Returns why it cannot be applied.
    pub fn parse(text: &[u8]) -> Result<Self, SavedPlanError> {
        match serde_json::from_slice::<Signature>(text) {
            Ok(Signature { format_version: FORMAT_VERSION, .. }) => {}
            Ok(Signature { format_version, .. }) => {
                return Err(SavedPlanError::Newer(format_version));
            }
            Err(error) if error.is_data() || !text.starts_with(b"{\"plan_id\":") => {
                return Err(SavedPlanError::NoPlan);
            }
            Err(error) => return Err(damaged(&error)),
        }
        let document: Document = serde_json::from_slice(text).map_err(|error| damaged(&error))?;
        let Document { plan_id, time, state: StateText { lineage }, scope, steps } = document;
        let (Some(id), Some(time)) = (plan_id, time) else { return Err(SavedPlanError::Printed) };
        let mut saved = BTreeMap::new();
        for StepText { address, action, before, after, next } in steps {
            let twice = format!("{address} has two steps");
            if saved.insert(address, SavedStep { action, before, after, next }).is_some() {
                return Err(SavedPlanError::Damaged(twice));
            }
        }
        Ok(Self { id, time, lineage, scope, steps: saved })
    }
}

fn damaged(error: &serde_json::Error) -> SavedPlanError {
    SavedPlanError::Damaged(error.to_string())
}
