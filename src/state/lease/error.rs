//! Why a request to a shared store failed.

use std::sync::Arc;

use crate::state::StateError;

/// Why a request to a shared store failed, classified by what is done next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::state) enum RemoteError {
    /// The store did not answer, or asked for a retry: the outcome of a write is unknown.
    #[error("{0}")]
    Unavailable(String),
    /// No connection was established, and the store has not answered before: nothing was sent.
    #[error("{0}")]
    Unreachable(String),
    /// The store refused for a permanent reason: credentials, permissions, a missing name. Nothing
    /// was written.
    #[error("{0}")]
    Denied(String),
}

impl RemoteError {
    /// Adds the attempted operation and the part of the state to the error.
    pub(in crate::state) fn failed(&self, operation: &'static str, location: String) -> StateError {
        let advice = match self {
            Self::Unavailable(_) => "; run again once the store answers",
            // Their messages contain the advice.
            Self::Unreachable(_) | Self::Denied(_) => "",
        };
        let error = Arc::new(std::io::Error::other(format!("{self}{advice}")));
        StateError::Io { operation, location, error }
    }
}
