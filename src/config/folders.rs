//! The files of a folder that is given in a file's place.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Whether the files in the subfolders of a folder are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subfolders {
    /// They are not, and a warning tells their number.
    Skipped,
    /// They are.
    Read,
}

/// A folder that cannot be read.
pub(super) struct Unlisted {
    pub(super) folder: PathBuf,
    pub(super) error: io::Error,
}

/// The `*.yaml` and `*.yml` of a folder itself, sorted.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, Unlisted> {
    let mut files: Vec<PathBuf> = entries(folder)?.into_iter().filter(|it| is_yaml(it)).collect();
    files.sort();
    Ok(files)
}

/// The `*.yaml` and `*.yml` in the subfolders of a folder, at any depth, sorted. Hidden folders, such
/// as `.github`, are left out; one that links lead to again is read once.
pub(super) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Unlisted> {
    let mut known: BTreeSet<PathBuf> = fs::canonicalize(folder).into_iter().collect();
    let mut found = Vec::new();
    let mut folders = subfolders(folder)?;
    while let Some(folder) = folders.pop() {
        let real = fs::canonicalize(&folder);
        let real = real.map_err(|error| Unlisted { folder: folder.clone(), error })?;
        if known.insert(real) {
            found.extend(files(&folder)?);
            folders.extend(subfolders(&folder)?);
        }
    }
    found.sort();
    Ok(found)
}

fn subfolders(folder: &Path) -> Result<Vec<PathBuf>, Unlisted> {
    let hidden = |path: &Path| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
    };
    let entries = entries(folder)?.into_iter();
    Ok(entries.filter(|path| path.is_dir() && !hidden(path)).collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Unlisted> {
    let entries =
        fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    entries.map_err(|error| Unlisted { folder: folder.to_owned(), error })
}

fn is_yaml(path: &Path) -> bool {
    let yaml = matches!(path.extension().and_then(OsStr::to_str), Some("yaml" | "yml"));
    yaml && !path.is_dir()
}
