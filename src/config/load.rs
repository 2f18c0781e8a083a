//! Finds and reads the files, and names them for messages and records.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::model::{Finding, Severity};

use super::diagnostics::{Diagnostic, Diagnostics, Part, Reading, Reporter, Span};
use super::regular_file::{ReadError, Size, read_regular, read_stream};

/// The maximum size of a file.
const MAX_SIZE: Size = Size(1 << 30);

/// The name of standard input on the command line, in findings and in the record of rooms.
const STANDARD_INPUT: &str = "-";

/// A file that was read.
#[derive(Debug)]
pub(super) struct Source {
    /// Its name on the command line.
    pub shown: Arc<str>,
    /// Its path.
    pub path: PathBuf,
    /// Its text, without a byte order mark, and with replacement characters for invalid UTF-8.
    pub text: String,
}

/// Reads every file that `paths` name once, in order.
pub(super) fn read_all(
    paths: &[PathBuf],
    subfolders: Subfolders,
    diagnostics: &mut Diagnostics,
) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut known = BTreeSet::new();
    let files: Vec<PathBuf> =
        paths.iter().flat_map(|path| expand(path, subfolders, diagnostics)).collect();
    if files.iter().filter(|path| is_standard_input(path)).count() > 1 {
        let finding = Finding::error("standard_input", "`-` is given twice")
            .help("standard input is read once: give it once");
        diagnostics.push(Diagnostic::without_location(finding));
        return sources;
    }
    for path in files {
        let streamed = is_standard_input(&path);
        if !streamed && fs::canonicalize(&path).is_ok_and(|real| !known.insert(real)) {
            continue;
        }
        let read = if streamed {
            read_stream(io::stdin(), MAX_SIZE)
        } else {
            read_regular(&path, MAX_SIZE)
        };
        match read {
            Ok(bytes) => sources.push(source(path, bytes, sources.len(), diagnostics)),
            Err(error) => diagnostics.push(Diagnostic::without_location(unreadable(&path, &error))),
        }
    }
    sources
}

/// Returns whether a path of the command line means standard input.
#[must_use]
pub fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == STANDARD_INPUT
}

impl Source {
    /// Returns the name that is recorded with its rooms: the path relative to `home`, or `-`.
    pub(super) fn recorded(&self, home: &Path) -> Arc<str> {
        if is_standard_input(&self.path) {
            return STANDARD_INPUT.into();
        }
        relative(home, &self.path)
    }
}

/// Returns the path of `file` relative to `folder`, with `/` as separator, without resolving links.
fn relative(folder: &Path, file: &Path) -> Arc<str> {
    let (folder, file) = (parts(folder), parts(file));
    let shared = folder.iter().zip(&file).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_owned(), folder.len() - shared);
    up.chain(file[shared..].iter().cloned()).collect::<Vec<_>>().join("/").into()
}

/// Returns the folder of a file.
pub(super) fn folder(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

/// Returns the files of a folder, or the file itself.
fn expand(path: &Path, subfolders: Subfolders, diagnostics: &mut Diagnostics) -> Vec<PathBuf> {
    if is_standard_input(path) || !path.is_dir() {
        return vec![path.to_owned()];
    }
    let mut files = match files_in(path) {
        Ok(files) => files,
        Err(unlisted) => {
            diagnostics.push(Diagnostic::without_location(unlistable(unlisted)));
            return Vec::new();
        }
    };
    match (files_below(path), subfolders) {
        (Ok(below), Subfolders::Read) => {
            files.extend(below);
            files.sort();
        }
        (Ok(below), Subfolders::Skipped) if below.is_empty() => {}
        (Ok(below), Subfolders::Skipped) => {
            diagnostics.push(Diagnostic::without_location(not_read(path, below.len())));
        }
        (Err(unlisted), Subfolders::Read) => {
            diagnostics.push(Diagnostic::without_location(unlistable(unlisted)));
            return files;
        }
        (Err(unlisted), Subfolders::Skipped) => {
            let finding = Finding { severity: Severity::Warning, ..unlistable(unlisted) };
            diagnostics.push(Diagnostic::without_location(finding));
        }
    }
    if files.is_empty() {
        diagnostics.push(Diagnostic::without_location(empty(path, subfolders)));
    }
    files
}

fn empty(path: &Path, subfolders: Subfolders) -> Finding {
    let message = format!("the folder `{}` contains no *.yaml or *.yml", path.display());
    Finding::error("empty_folder", message).help(match subfolders {
        Subfolders::Read => "give a folder that does; hidden subfolders are not read",
        Subfolders::Skipped => "give a folder that does; `-R` reads its subfolders too",
    })
}

/// Makes the warning about files in subfolders that are not read.
fn not_read(path: &Path, number: usize) -> Finding {
    let files = if number == 1 { "1 file".to_owned() } else { format!("{number} files") };
    let message = format!("{files} (*.yaml, *.yml) in subfolders of `{}` not read", path.display());
    Finding::warning("subfolders", message).help("`-R` reads them too")
}

fn unlistable(unlisted: Unlisted) -> Finding {
    unreadable(&unlisted.folder, &unlisted.error.into())
}

fn source(path: PathBuf, bytes: Vec<u8>, file: usize, diagnostics: &mut Diagnostics) -> Source {
    let shown: Arc<str> = path.display().to_string().into();
    let text = String::from_utf8(bytes).unwrap_or_else(|error| {
        let good = error.utf8_error().valid_up_to();
        let bytes = error.into_bytes();
        let finding = Finding::error("not_utf8", "the file is not UTF-8")
            .help("save it as UTF-8 in the editor");
        let mut reporter =
            Reporter { diagnostics, file, part: Part::Text, reading: Reading::Complete };
        reporter.at_span(place_of(&bytes, good), finding);
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    Source { shown, path, text }
}

/// Returns the place of the byte at `at`; everything before it is UTF-8.
fn place_of(bytes: &[u8], at: usize) -> Span {
    let before = String::from_utf8_lossy(&bytes[..at]);
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
    Span { line, column, width: Some(1) }
}

fn unreadable(path: &Path, error: &ReadError) -> Finding {
    let name = if is_standard_input(path) {
        "standard input".to_owned()
    } else {
        format!("`{}`", path.display())
    };
    let cannot = || format!("{name} cannot be read: {error}");
    match error {
        ReadError::Io(error) if error.kind() == io::ErrorKind::NotFound => {
            Finding::error("no_file", format!("{name} does not exist"))
                .help("run `roomctl init` to create one, or give another with -f PATH")
        }
        ReadError::Io(_) => Finding::error("unreadable_file", cannot()),
        ReadError::NotRegular(_) => Finding::error("not_regular", cannot()).help(
            "give a regular file; to read the output of a command, use `COMMAND | roomctl -f -`",
        ),
        ReadError::TooLarge(_) => Finding::error("file_size", cannot())
            .help("split the rooms into several files, and give each with -f"),
    }
}

/// Returns the components of an absolute path, with `.` and `..` resolved lexically.
fn parts(path: &Path) -> Vec<String> {
    // The folder of a bare file name is empty, which `absolute` rejects.
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                parts.push(component.as_os_str().to_string_lossy().into_owned());
            }
        }
    }
    parts
}

/// Whether the files in the subfolders of a folder are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subfolders {
    /// They are not read; a warning has their number.
    Skipped,
    /// They are read.
    Read,
}

/// A folder that could not be listed.
pub(super) struct Unlisted {
    pub(super) folder: PathBuf,
    pub(super) error: io::Error,
}

/// Returns the `*.yaml` and `*.yml` of a folder, sorted.
pub(super) fn files_in(folder: &Path) -> Result<Vec<PathBuf>, Unlisted> {
    let mut files: Vec<PathBuf> = entries(folder)?.into_iter().filter(|it| is_yaml(it)).collect();
    files.sort();
    Ok(files)
}

/// Returns the `*.yaml` and `*.yml` in the subfolders of a folder, at any depth, sorted. Hidden
/// folders, such as `.github`, are skipped. A folder that links reach repeatedly is read once.
pub(super) fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Unlisted> {
    let mut known: BTreeSet<PathBuf> = fs::canonicalize(folder).into_iter().collect();
    let mut found = Vec::new();
    let mut folders = subfolders(folder)?;
    while let Some(folder) = folders.pop() {
        let real = fs::canonicalize(&folder);
        let real = real.map_err(|error| Unlisted { folder: folder.clone(), error })?;
        if known.insert(real) {
            found.extend(files_in(&folder)?);
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
