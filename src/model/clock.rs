//! The wall clock as a trait, so that tests can set it and the built-in emulator can run ahead of it.

use super::Timestamp;

/// A source of the current time.
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
}
