//! A repair that was found out and is not written yet.

use crate::model::RepairPlan;

use super::{Access, Folded};

/// What a repair would write; dropped, nothing is written.
pub struct Repair {
    /// What would be written.
    pub plan: RepairPlan,
    /// Where what was there stays.
    pub replaced: Replaced,
    /// Writes it.
    pub write: Access<'static, Folded>,
}

/// Where what a repair replaces stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// Beside it.
    KeptBeside,
    /// Nowhere but in the versions that the bucket keeps.
    InVersions,
    /// In a table beside it.
    InTable,
}
