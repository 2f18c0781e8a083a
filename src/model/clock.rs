//! The wall clock, as a value: tests move it, and the built-in emulator runs ahead of it.

use super::Timestamp;

/// Tells the time of day.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}
