//! `reconcile`: restores the recorded rooms as they were last applied.

use std::borrow::Cow;

use super::apply::{Applied, ApplyRequest, Approver, apply_towards};
use super::session::{Connector, Session};
use crate::model::{Desired, Finding, Observed, Recorded};
use crate::planner;

/// What an apply works towards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// The rooms as the files declare them.
    Declared,
    /// The recorded rooms as they were last applied.
    LastApplied,
}

/// Recreates rooms that vanished and restores rooms that drifted, in the order of an apply. Providers and
/// policy are those of the files; unapplied changes of rooms in the files are a finding of the plan.
///
/// # Errors
/// Returns an error if nothing was done, as [`apply`](super::apply) does.
pub async fn reconcile<C, A>(
    session: &Session<'_, C>,
    request: ApplyRequest<'_>,
    consent: &A,
) -> Result<Applied<C::Error>, C::Error>
where
    C: Connector,
    A: Approver<C::Error>,
{
    apply_towards(Goal::LastApplied, session, request, consent).await
}

impl Goal {
    /// Returns what to plan for, by what is recorded and was observed so far.
    pub(super) fn desired<'a>(
        self,
        files: &'a Desired,
        recorded: &Recorded,
        observed: &Observed,
    ) -> Cow<'a, Desired> {
        match self {
            Self::Declared => Cow::Borrowed(files),
            Self::LastApplied => Cow::Owned(planner::last_applied(files, recorded, observed)),
        }
    }

    /// Returns findings about what the goal leaves out.
    pub(super) fn findings(self, files: &Desired, recorded: &Recorded) -> Vec<Finding> {
        match self {
            Self::Declared => Vec::new(),
            Self::LastApplied => {
                let new = new_state(recorded);
                new.into_iter().chain(planner::unapplied(files, recorded)).collect()
            }
        }
    }
}

/// Returns a warning if there is no state: a command for recorded rooms does nothing then.
pub(super) fn new_state(recorded: &Recorded) -> Option<Finding> {
    recorded.lineage.is_none().then(|| {
        Finding::warning("new_state", "there is no state yet: no room is recorded").help(
            "`roomctl apply` creates one; after a lost state, run `roomctl import --all-declared`",
        )
    })
}
