//! Checks the code against the tables of allowed imports and of allowed IO.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders of `src`, and what each may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("config", &["model"]),
    ("state", &["model"]),
    ("planner", &["model"]),
    ("render", &["model"]),
    ("provider", &["model"]),
    ("applier", &["model", "state", "provider"]),
    ("engine", &["model", "planner", "state", "provider", "applier"]),
    ("emulator", &["model"]),
    (
        "cli",
        &[
            "model", "config", "state", "planner", "render", "provider", "applier", "engine",
            "emulator",
        ],
    ),
];

/// Names that access IO, the environment, the clock or async, and the only folders or files that may use
/// each.
const RESTRICTED: &[(&str, &[&str])] = &[
    ("std::fs", &["config", "state", "emulator", "cli"]),
    ("std::{", &[]),
    ("std::env", &["cli", "main.rs"]),
    ("std::process", &["cli", "main.rs"]),
    ("std::thread", &["cli"]),
    ("TcpStream", &["provider/http", "emulator"]),
    ("TcpListener", &["emulator"]),
    ("tokio::net", &["emulator", "state/postgres/connect.rs"]),
    ("tokio::fs", &[]),
    ("tokio::process", &[]),
    ("reqwest::", &["provider/http", "state/object/http.rs"]),
    ("serde_yaml::", &["config"]),
    ("axum::", &["emulator"]),
    ("async fn", &["state", "provider", "applier", "engine", "emulator", "cli"]),
    (".await", &["state", "provider", "applier", "engine", "emulator", "cli"]),
    ("anyhow::", &["cli"]),
    ("SystemTime::now", &["provider/http/clock.rs", "state/lease/clock.rs"]),
];

#[test]
fn folders_import_only_what_the_table_allows() {
    let broken: Vec<String> =
        sources().iter().flat_map(|(path, text)| imports(path, text)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn restricted_names_are_used_only_where_allowed() {
    let broken: Vec<String> =
        sources().iter().flat_map(|(path, text)| restricted_uses(path, text)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_file_begins_with_a_module_doc_comment() {
    for (path, text) in sources() {
        assert!(text.starts_with("//! "), "{path} does not begin with `//! `");
    }
}

#[test]
fn every_folder_is_in_the_table() {
    for (path, _) in sources() {
        if let Some((folder, _)) = path.split_once('/') {
            assert!(
                MAY_IMPORT.iter().any(|(known, _)| *known == folder),
                "{folder} is not in the table"
            );
        }
    }
}

#[test]
fn a_forbidden_import_is_detected() {
    for text in [
        "use crate::planner::plan;",
        "use crate::{model::Room, planner};",
        "let x = crate::planner::due();",
        "use super::super::planner::due;",
        "use super::super::{planner, model};",
        "use crate::{\n    model::Room,\n    planner,\n};",
    ] {
        assert_eq!(imports("render/text.rs", text).len(), 1, "{text}");
        assert!(imports("cli/plan.rs", text).is_empty(), "{text}");
    }
    assert_eq!(imports("render/mod.rs", "use super::planner::due;").len(), 1);
    assert_eq!(imports("provider/http/pacer.rs", "use super::super::super::planner;").len(), 1);
    assert_eq!(imports("render/text.rs", "use crate::*;").len(), 1);
    assert!(imports("provider/http/pacer.rs", "use super::super::planner;").is_empty());
    assert!(imports("render/text.rs", "use crate::model::Plan;").is_empty());
    assert!(imports("render/text.rs", "// crate::planner in a comment").is_empty());
}

#[test]
fn a_restricted_name_outside_its_folder_is_detected() {
    assert_eq!(restricted_uses("planner/mod.rs", "pub async fn plan() {}").len(), 1);
    assert_eq!(restricted_uses("provider/zim/mod.rs", "use reqwest::Client;").len(), 1);
    assert!(restricted_uses("provider/http/client.rs", "use reqwest::Client;").is_empty());
    assert_eq!(restricted_uses("config/mod.rs", "std::env::var(\"X\")").len(), 1);
    assert_eq!(restricted_uses("planner/mod.rs", "use std::{fs, io};").len(), 1);
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

/// Returns the numbered lines of a file without comments and without test code.
fn code<'a>(path: &str, text: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let tests_only = path.ends_with("tests.rs") || path.contains("/tests/");
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let text = if tests_only { "" } else { &text[..end] };
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Returns the forbidden imports of a file.
fn imports(path: &str, text: &str) -> Vec<String> {
    let Some((folder, _)) = path.split_once('/') else { return Vec::new() };
    let allowed =
        MAY_IMPORT.iter().find(|(name, _)| *name == folder).map_or(&[][..], |(_, may)| may);
    let mut broken = Vec::new();
    for named in named_paths(path, text) {
        for (other, _) in MAY_IMPORT {
            if *other != folder && !allowed.contains(other) && starts_with(&named, other) {
                broken.push(format!("src/{path}: {folder} may not import {other}: {named}"));
            }
        }
        if named == "*" || named.starts_with("self as ") {
            broken.push(format!("src/{path}: the crate's root is imported whole"));
        }
    }
    broken
}

/// Returns every path from the crate's root that a file names, without the root. Braces are expanded, and
/// `super` is resolved by the file's depth.
fn named_paths(path: &str, text: &str) -> Vec<String> {
    let code: String = code(path, text).flat_map(|(_, line)| [line, "\n"]).collect();
    let depth = depth(path);
    let roots = ["crate::".to_owned(), "super::".repeat(depth)];
    let mut named = Vec::new();
    for root in roots.iter().filter(|root| !root.is_empty()) {
        for (at, _) in code.match_indices(root.as_str()) {
            let before = code[..at].chars().next_back();
            let inside = before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
            if !inside {
                named.extend(expand(&code[at + root.len()..]));
            }
        }
    }
    named
}

/// Returns the number of `super`s from a file to the crate's root.
fn depth(path: &str) -> usize {
    let parts = path.trim_end_matches(".rs").split('/');
    parts.filter(|part| !matches!(*part, "mod" | "lib" | "main")).count()
}

/// Returns the paths at the start of a text: one, or those of a group in braces.
fn expand(text: &str) -> Vec<String> {
    let text = text.trim_start();
    let Some(group) = text.strip_prefix('{') else {
        let end = text.find(|c: char| !(c.is_alphanumeric() || "_:*".contains(c)));
        return vec![text[..end.unwrap_or(text.len())].to_owned()];
    };
    let mut level = 1;
    let mut parts = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => level += 1,
            '}' => level -= 1,
            ',' if level == 1 => parts.push(String::new()),
            _ if level == 1 => parts.last_mut().expect("a part").push(c),
            _ => {}
        }
        if level == 0 {
            break;
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// Whether a path from the root begins with a folder.
fn starts_with(named: &str, folder: &str) -> bool {
    named.split(|c: char| !(c.is_alphanumeric() || c == '_')).next() == Some(folder)
}

/// Returns the uses of restricted names that are not allowed in a file.
fn restricted_uses(path: &str, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for (line, code) in code(path, text) {
        for (name, allowed) in RESTRICTED {
            let is_allowed =
                allowed.iter().any(|at| path == *at || path.starts_with(&format!("{at}/")));
            if !is_allowed && code.contains(name) {
                broken.push(format!("src/{path}:{line}: only {allowed:?} may use `{name}`"));
            }
        }
    }
    broken
}
