//! Where a state is kept.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where a state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateLocation {
    /// In a file of this machine.
    File(PathBuf),
}

/// A URL, for which there is no store yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("state URLs are not built yet: give a path")]
pub struct UrlNotBuilt;

impl StateLocation {
    /// Returns where a local file of the same fleet belongs: beside the state.
    #[must_use]
    pub fn beside(&self, name: &str) -> PathBuf {
        match self {
            Self::File(path) => path.with_file_name(name),
        }
    }
}

impl FromStr for StateLocation {
    type Err = UrlNotBuilt;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains("://") {
            return Err(UrlNotBuilt);
        }
        Ok(Self::File(PathBuf::from(text)))
    }
}

impl From<&Path> for StateLocation {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<PathBuf> for StateLocation {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl fmt::Display for StateLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
        }
    }
}
