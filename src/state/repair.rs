//! A repair that is computed and not written yet.

use crate::model::RepairPlan;

use super::{Access, Folded};

/// What a repair would write. If it is dropped, nothing is written.
pub struct Repair {
    /// What would be written.
    pub plan: RepairPlan,
    /// Where the replaced content is kept.
    pub replaced: Replaced,
    /// Writes it.
    pub write: Access<'static, Folded>,
}

/// Where the content that a repair replaces is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// In files beside the state.
    KeptBeside,
    /// Only in the versions that the bucket keeps.
    InVersions,
    /// In a table of the same schema.
    InTable,
}
