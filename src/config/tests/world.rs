//! A temporary folder of files, and the display of findings, for the tests.

use std::fs::{File, create_dir_all};
use std::io::Write;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::config::{Loaded, Subfolders, load, load_from};
use crate::model::{Finding, Severity};

/// A folder of files.
pub(super) struct World(TempDir);

impl World {
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        Self::of_bytes(&files)
    }

    pub(super) fn of_bytes(files: &[(&str, &[u8])]) -> Self {
        let world = Self(TempDir::new().expect("a folder"));
        for (name, bytes) in files {
            let path = world.path(name);
            create_dir_all(path.parent().expect("a folder")).expect("a folder");
            File::create(path).and_then(|mut file| file.write_all(bytes)).expect("a file");
        }
        world
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn try_load(&self, names: &[&str]) -> Result<Loaded, Vec<Finding>> {
        let paths: Vec<PathBuf> = names.iter().map(|name| self.path(name)).collect();
        load(&paths, &variable)
    }

    pub(super) fn load(&self, names: &[&str]) -> Loaded {
        self.try_load(names).unwrap_or_else(|findings| panic!("{}", self.shown(&findings)))
    }

    /// Loads the files including those in subfolders.
    pub(super) fn load_with_subfolders(&self, names: &[&str]) -> Loaded {
        let paths: Vec<PathBuf> = names.iter().map(|name| self.path(name)).collect();
        load_from(&paths, Subfolders::Read, &variable)
            .unwrap_or_else(|findings| panic!("{}", self.shown(&findings)))
    }

    pub(super) fn findings(&self, names: &[&str]) -> Vec<Finding> {
        self.try_load(names).expect_err("findings")
    }

    /// Returns findings as lines of place, code, message and help.
    pub(super) fn shown(&self, findings: &[Finding]) -> String {
        let folder = format!("{}/", self.0.path().display());
        let shown: Vec<String> = findings.iter().map(show).collect();
        shown.join("\n").replace(&folder, "")
    }
}

/// Returns the addresses of the rooms.
pub(super) fn addresses(loaded: &Loaded) -> Vec<String> {
    loaded.desired.rooms.iter().map(|it| it.address.to_string()).collect()
}

/// Returns the variables that are set in the tests.
fn variable(name: &str) -> Option<String> {
    match name {
        "ZEGO_SET" => Some("7".to_owned()),
        "ZEGO_EMPTY" => Some(String::new()),
        "HOME" => Some("/root".to_owned()),
        _ => None,
    }
}

fn show(finding: &Finding) -> String {
    let Finding { severity, code, message, help, place, address: _ } = finding;
    let severity = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut lines = vec![format!("{severity}[{code}]: {message}")];
    if let Some(place) = place {
        lines.push(format!(" --> {}:{}:{}", place.file, place.line, place.column));
        lines.push(format!("  | {}", place.text));
        lines.push(format!("  | {}{}", " ".repeat(place.column - 1), "^".repeat(place.width)));
    }
    lines.extend(help.as_ref().map(|help| format!("  = {help}")));
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

/// Returns a file with one provider and these rooms.
pub(super) fn with_rooms(rooms: &str) -> String {
    format!(
        "version: 1\nproviders:\n  chat: {{kind: zim, app_id: 1, operator: admin}}\ndefaults: {{destroy_delay_time: 1h}}\nrooms:\n{rooms}"
    )
}

/// Returns the findings of a file as `code line:column`.
pub(super) fn codes(text: &str) -> Vec<String> {
    let world = World::of(&[("rooms.yaml", text)]);
    let findings = match world.try_load(&["rooms.yaml"]) {
        Ok(loaded) => loaded.warnings,
        Err(findings) => findings,
    };
    let code = |it: &Finding| {
        let place = it.place.as_ref().map(|place| format!(" {}:{}", place.line, place.column));
        format!("{}{}", it.code, place.unwrap_or_default())
    };
    findings.iter().map(code).collect()
}
