//! `reconcile`: brings the recorded rooms back as they were last applied.

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

/// Recreates what vanished and restores what drifted, in the order of an apply. The files give the
/// providers and the policy; what they change of the rooms is a finding of the plan.
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
    /// The rooms to plan for, by what is recorded and was observed so far.
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

    /// Findings about what is not worked towards.
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

/// A warning that there is no state: where only recorded rooms count, nothing is done.
pub(super) fn new_state(recorded: &Recorded) -> Option<Finding> {
    recorded.lineage.is_none().then(|| {
        Finding::warning("new_state", "there is no state yet: no room is recorded").help(
            "`roomctl apply` creates one; after a lost state, run `roomctl import --all-declared`",
        )
    })
}
