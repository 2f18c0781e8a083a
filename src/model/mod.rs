//! The types that several folders use, without IO and without async.

mod address;
mod api_error;
mod application;
mod approval;
mod attributes;
mod call;
mod clock;
mod codec;
mod config;
mod desired;
mod digest;
mod drift;
mod endpoint;
mod event;
mod explanation;
mod field;
mod finding;
mod holder;
mod ignored;
mod keyword;
mod kind;
mod location;
mod next_life;
mod observed;
mod origin;
mod other_fields;
mod ownership;
mod patch;
mod pending;
mod plan;
mod recorded;
mod repair;
mod room;
#[cfg(test)]
pub(crate) mod samples;
mod saved_plan;
mod scope;
mod secret;
mod step;
mod timestamp;
mod value;
mod value_change;

pub use address::{Address, AddressError, ProviderName, RoomId};
pub use api_error::{ApiError, ErrorClass};
pub use application::Application;
pub use approval::{Approval, ApprovedPlan, Consent, Destroys};
pub use attributes::{Attribute, AttributeChange, Attributes};
pub use call::{Call, Effect};
pub use clock::Clock;
pub use codec::{CompactAttributes, CompactRoom};
pub use config::{
    AttributeLimits, GateLimit, OnConflict, OnOccupied, OnVanish, Policy, Provider, RateShare,
    Refresh, Replace, SecretSource,
};
pub use desired::{Desired, DesiredFrom, DesiredRoom, Lifecycle, Moved, OnRemove, Sides};
pub use digest::{Digest, DigestEncoder, InvalidDigest};
pub use drift::{Drift, DriftKind, DriftSummary, DriftedRoom, Unmanaged};
pub use endpoint::{Endpoint, EndpointUrl, InvalidEndpoint};
pub use event::{
    Adoption, Event, NotTried, Outcome, Overwritten, StepEvent, StepFailure, StepProgress,
    StepWait, WaitReason,
};
pub use explanation::{Explanation, RoomDecision};
pub use field::{Field, Shape};
pub use finding::{Finding, Place, Severity};
pub use holder::Holder;
pub use ignored::RoomPath;
pub use kind::{
    AttributeCalls, Change, EmptyLife, FieldSpec, IdSpec, Kind, KindSpec, MissingField,
    OperatorSpec, Origin, SecretSpec, Undeclared,
};
pub use location::{
    LocationError, ObjectService, ObjectUrl, PostgresSetting, PostgresUrl, StateLocation,
};
pub use next_life::over_limits;
pub use observed::{Observation, Observed, ObservedRoom, People};
pub use origin::{CANNOT_BE_EMPTIED, dropped};
pub use other_fields::OtherFields;
pub use ownership::{InvalidLineage, Owner, Ownership, belongs_to};
pub use patch::{Operation, Patch};
pub use pending::{CALL_TIMEOUT, LANDING, Landing, SIGNATURE_ACCEPTED, Settled, settle};
pub use plan::{
    Gate, Held, HeldReason, Plan, Refreshed, Refusal, RefusalKind, RunInProgress, StateRef,
    Summary, Unread,
};
pub use recorded::{
    Assumed, EMULATOR_HOST, Lineage, NextLife, Pending, PendingKind, ProviderIdentity, Recorded,
    RecordedRoom,
};
pub use repair::RepairPlan;
pub use room::{Delay, DelayError, Room};
pub use saved_plan::{SavedNext, SavedPlan, SavedPlanError, SavedStep};
pub use scope::{Partial, Scope, ScopeError};
pub use secret::Secret;
pub use step::{Action, Bookkeeping, Carried, NextChange, Reason, Step, Weight};
pub use timestamp::Timestamp;
pub use value::{Fields, Value, ValueRef};
pub use value_change::ValueChange;
