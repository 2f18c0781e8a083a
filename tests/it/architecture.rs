//! Holds the table of who may import whom against the code.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders of `src`, and what each may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("desired", &["model"]),
    ("state", &["model"]),
    ("plan", &["model"]),
    ("render", &["model"]),
    ("provider", &["model"]),
    ("apply", &["model", "state", "provider"]),
    ("emulator", &["model"]),
    ("cli", &["model", "desired", "state", "plan", "render", "provider", "apply", "emulator"]),
];

/// Words that touch the world, and the only folders or files where each may stand.
const TOUCHES: &[(&str, &[&str])] = &[
    ("std::fs", &["desired", "state", "emulator", "cli"]),
    ("std::env", &["cli", "main.rs"]),
    ("reqwest::", &["provider/http"]),
    ("serde_yaml::", &["desired"]),
    ("axum::", &["emulator"]),
    ("async fn", &["state", "provider", "apply", "emulator", "cli"]),
    (".await", &["state", "provider", "apply", "emulator", "cli"]),
    ("anyhow::", &["cli"]),
    ("SystemTime::now", &["provider/http/clock.rs"]),
];

#[test]
fn folders_import_only_what_the_table_allows() {
    let broken: Vec<String> =
        sources().iter().flat_map(|(path, text)| imports(path, text)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_world_is_touched_only_at_home() {
    let broken: Vec<String> =
        sources().iter().flat_map(|(path, text)| touches(path, text)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_file_begins_by_saying_what_it_is_for() {
    for (path, text) in sources() {
        assert!(text.starts_with("//! "), "{path} does not begin with `//! `");
    }
}

#[test]
fn every_folder_is_in_the_table() {
    for (path, _) in sources() {
        if let Some((folder, _)) = path.split_once('/') {
            assert!(MAY_IMPORT.iter().any(|(known, _)| *known == folder), "{folder} is not");
        }
    }
}

#[test]
fn a_sibling_import_is_caught() {
    for text in [
        "use crate::plan::plan;",
        "use crate::{model::Room, plan};",
        "let x = crate::plan::due();",
        "use super::super::plan::due;",
    ] {
        assert_eq!(imports("render/text.rs", text).len(), 1, "{text}");
        assert!(imports("cli/plan.rs", text).is_empty(), "{text}");
    }
    assert!(imports("render/text.rs", "use crate::model::Plan;").is_empty());
    assert!(imports("render/text.rs", "// crate::plan is told by nobody").is_empty());
}

#[test]
fn a_touch_away_from_home_is_caught() {
    assert_eq!(touches("plan/mod.rs", "pub async fn plan() {}").len(), 1);
    assert_eq!(touches("provider/zim/mod.rs", "use reqwest::Client;").len(), 1);
    assert!(touches("provider/http/client.rs", "use reqwest::Client;").is_empty());
    assert_eq!(touches("desired/mod.rs", "std::env::var(\"X\")").len(), 1);
}

fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the sources") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).expect("a path below src");
                let text = fs::read_to_string(&path).expect("a source file");
                files.insert(name.to_string_lossy().replace('\\', "/"), text);
            }
        }
    }
    assert!(files.len() > 30, "the sources were not found");
    files
}

/// The lines of a file that count: neither comments nor what only tests see.
fn code<'a>(path: &str, text: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let tests_only = path.ends_with("tests.rs") || path.contains("/tests/");
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let text = if tests_only { "" } else { &text[..end] };
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn imports(path: &str, text: &str) -> Vec<String> {
    let Some((folder, _)) = path.split_once('/') else { return Vec::new() };
    let allowed =
        MAY_IMPORT.iter().find(|(name, _)| *name == folder).map_or(&[][..], |(_, may)| may);
    let mut broken = Vec::new();
    for (line, code) in code(path, text) {
        for (other, _) in MAY_IMPORT {
            if *other != folder && !allowed.contains(other) && names(code, other) {
                broken.push(format!("src/{path}:{line}: {folder} may not import {other}"));
            }
        }
    }
    broken
}

/// Whether a line names a folder of the crate: `crate::x`, `crate::{…, x…}` or `super::super::x`.
fn names(code: &str, folder: &str) -> bool {
    let direct = [format!("crate::{folder}"), format!("super::super::{folder}")];
    if direct.iter().any(|path| followed_by_end(code, path)) {
        return true;
    }
    let Some((_, group)) = code.split_once("crate::{") else { return false };
    group.split([',', '}']).any(|part| part.trim().split("::").next() == Some(folder))
}

fn followed_by_end(code: &str, path: &str) -> bool {
    let after = code.split(path).skip(1);
    let word = |c: char| c.is_alphanumeric() || c == '_';
    after.into_iter().any(|rest| !rest.starts_with(word))
}

fn touches(path: &str, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for (line, code) in code(path, text) {
        for (word, homes) in TOUCHES {
            let home =
                homes.iter().any(|home| path == *home || path.starts_with(&format!("{home}/")));
            if !home && code.contains(word) {
                broken.push(format!("src/{path}:{line}: `{word}` belongs to {homes:?}"));
            }
        }
    }
    broken
}
