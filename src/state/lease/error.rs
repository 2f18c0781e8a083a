//! Why a request to a shared store has no result.

use std::sync::Arc;

use crate::state::StateError;

/// Why a request to a shared store has no result, by what is done next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::state) enum RemoteError {
    /// The store did not answer, or asked to come again: whether a write was done is unknown.
    #[error("{0}")]
    Unavailable(String),
    /// No connection came about, and the store has not answered before: nothing was sent.
    #[error("{0}")]
    Unreachable(String),
    /// The store refused for a reason that stays: credentials, permissions, a name that is missing.
    /// Nothing was written.
    #[error("{0}")]
    Denied(String),
}

impl RemoteError {
    /// Says what was tried with which part of a state.
    pub(in crate::state) fn failed(&self, operation: &'static str, location: String) -> StateError {
        let advice = match self {
            Self::Unavailable(_) => "; run again once the store answers",
            // They say what to do.
            Self::Unreachable(_) | Self::Denied(_) => "",
        };
        let error = Arc::new(std::io::Error::other(format!("{self}{advice}")));
        StateError::Io { operation, location, error }
    }
}
