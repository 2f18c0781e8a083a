//! Runs one session: lock, identity, connect, recover, refresh, plan, approve, apply, close.
//!
//! The command line and the tests call the engine: the order is defined only here. The engine prints
//! nothing. The caller provides a [`Connector`], which has the credentials, and an [`Approver`], which
//! shows a plan and asks for consent.

mod apply;
mod drift;
mod explain;
mod generate;
mod identity;
mod import;
mod owners;
mod plan;
mod reconcile;
mod refresh;
mod session;

pub use apply::{Applied, ApplyRequest, Approver, Reviewed, apply};
pub use drift::{Compared, DriftRequest, drift};
pub use explain::{ExplainRequest, Explained, explain};
pub use generate::{GenerateRequest, GenerateResult, Generated, generate};
pub use import::{ImportApprover, ImportRequest, ImportResult, Imported, Selection, import};
pub use owners::TakeOver;
pub use plan::{Credentials, PlanRequest, Planned, plan};
pub use reconcile::reconcile;
pub use session::{
    Access, Connected, Connector, Lock, Session, SessionError, under_lock, under_lock_with_calls,
};
