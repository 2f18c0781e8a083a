//! Tests of the keys that support variables, the allowed variables, and the absence of values in
//! findings.

use std::path::PathBuf;

use super::agreement::parser_accepts;
use super::validator::schema_accepts;
use super::world::{World, codes, with_rooms};
use crate::config::load;
use crate::model::Finding;

/// Returns a file with a Tencent provider, whose keys may have variables, and other keys.
fn with_live(provider: &str, beside: &str) -> String {
    format!(
        "version: 1\nproviders:\n  live: {{kind: tencent-live, app_id: 1, operator: a{provider}}}\n{beside}rooms: []\n"
    )
}

#[test]
fn other_keys_do_not_support_variables() {
    let valid = with_rooms("  - id: a\n");
    for (from, to) in [
        ("kind: zim", "kind: '${ZEGO_UNSET:-zim}'"),
        ("operator: admin", "operator: a, secret_env: '${ZEGO_UNSET:-A}'"),
        ("operator: admin", "operator: a, secret_file: '${ZEGO_UNSET:-a}'"),
        ("operator: admin", "operator: a, rate_limit: '${ZEGO_SET}'"),
        ("operator: admin", "operator: a, rate_limit: {CreateRoom: '${ZEGO_SET}'}"),
        ("operator: admin", "operator: a, rate_share: '${ZEGO_UNSET:-50%}'"),
        ("operator: admin", "operator: a, max_rooms: '${ZEGO_SET}'"),
        ("operator: admin", "operator: a, limits: {attributes: '${ZEGO_SET}'}"),
        ("version: 1", "version: '${ZEGO_SET}'"),
        ("rooms:", "policy: {refresh: '${ZEGO_UNSET:-all}'}\nrooms:"),
        ("rooms:", "policy: {max_destroy: '${ZEGO_SET}'}\nrooms:"),
        ("rooms:", "policy: {max_recreate: '${ZEGO_SET}'}\nrooms:"),
    ] {
        assert!(valid.contains(from), "{from}");
        let text = valid.replace(from, to);
        let found = codes(&text);
        assert!(found[0].starts_with("variable_place "), "{to}: {found:?}");
        assert_eq!(found.len(), 1, "{to}: {found:?}");
        assert!(!schema_accepts(&text), "the schema accepts {to}");
    }
}

#[test]
fn the_help_lists_the_keys_that_support_variables() {
    let text = with_rooms("  - id: a\n").replace("kind: zim", "kind: '${ZEGO_UNSET:-zim}'");
    let world = World::of(&[("rooms.yaml", &text)]);
    let help = world.findings(&["rooms.yaml"])[0].help.clone().expect("help");
    for key in ["app_id", "endpoint", "operator", "dissolve_after", "state"] {
        assert!(help.contains(key), "{help}");
    }
}

#[test]
fn five_keys_support_variables() {
    let text = "version: 1\nproviders:\n  live: {kind: tencent-live, app_id: '${ZEGO_SET}', operator: 'a${ZEGO_SET}', endpoint: '${ZEGO_UNSET:-emulator}', dissolve_after: '${ZEGO_UNSET:-24h}'}\nstate: '${ZEGO_SET}.json'\nrooms: []\n";
    assert!(parser_accepts(text) && schema_accepts(text));
}

/// Returns the findings of files in a world where every variable is set to `value`.
fn reported(files: &[(&str, &str)], value: &str) -> Vec<Finding> {
    let world = World::of(files);
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| world.path(name)).collect();
    load(&paths, &|_| Some(value.to_owned())).expect_err("findings")
}

#[test]
fn a_secret_of_any_file_is_refused() {
    let own = with_live(", secret_env: ROOMCTL_HUSH", "state: '${ROOMCTL_HUSH}.json'\n");
    let default = with_live("", "state: '${TENCENT_SECRET_KEY}.json'\n");
    let anothers = with_live("", "state: '${ZEGO_SERVER_SECRET}.json'\n");
    let named = with_live("", "state: '${ROOMCTL_APP_PASSWORD:-x}.json'\n");
    for text in [own, default, anothers, named] {
        let findings = reported(&[("rooms.yaml", &text)], "hush");
        assert_eq!(findings[0].code, "variable_refused", "{findings:#?}");
        assert!(!format!("{findings:?}").contains("hush"), "{findings:#?}");
    }
    let base = with_live(", secret_env: ROOMCTL_HUSH", "");
    let state = "version: 1\nstate: '${ROOMCTL_HUSH}.json'\n";
    let findings = reported(&[("a.yaml", state), ("b.yaml", &base)], "hush");
    assert_eq!(findings[0].code, "variable_refused", "{findings:#?}");
}

#[test]
fn the_value_of_a_variable_is_never_shown() {
    let hush = "'${ZEGO_HUSHED}'";
    for (value, provider) in [
        ("9quiet9", "app_id: 1, operator: a, endpoint: HUSH"),
        ("http://9quiet9.example", "app_id: 1, operator: a, endpoint: HUSH"),
        ("https://u:9quiet9@h/", "app_id: 1, operator: a, endpoint: HUSH"),
        ("9quiet9", "app_id: HUSH, operator: a"),
        ("99999999999", "app_id: HUSH, operator: a"),
        ("9quiet9\n", "app_id: 1, operator: HUSH"),
        ("9quiet9-9quiet9-9quiet9-9quiet9-9quiet9", "app_id: 1, operator: HUSH"),
        ("9quiet9", "app_id: 1, operator: a, dissolve_after: HUSH"),
        ("99999999", "app_id: 1, operator: a, dissolve_after: HUSH"),
    ] {
        let provider = provider.replace("HUSH", hush);
        let text = format!(
            "version: 1\nproviders:\n  live: {{kind: tencent-live, {provider}}}\nrooms: []\n"
        );
        let findings = reported(&[("rooms.yaml", &text)], value);
        assert!(!format!("{findings:?}").contains(value.trim()), "{findings:#?}");
        assert!(!format!("{findings:?}").contains("9quiet9"), "{findings:#?}");
    }
    let urls = with_live("", "state: '${ZEGO_HUSHED}'\n");
    for url in [
        "postgres://u:9quiet9@h/db",
        "postgres://9quiet9/db?9quiet9=1",
        "postgres://h:9quiet9/db",
        "postgres://h/db?sslmode=9quiet9",
        "postgres://h/db?schema=9-quiet9",
        "s3://9quiet9",
        "s3://b/k?9quiet9=1",
        "s3://b/k?lease=9quiet9",
        "s3://u:9quiet9@b/k",
        "9quiet9://b/k",
    ] {
        let findings = reported(&[("rooms.yaml", &urls)], url);
        assert!(!format!("{findings:?}").contains("9quiet9"), "{findings:#?}");
    }
}

#[test]
fn an_empty_variable_is_a_finding_even_with_a_default() {
    let text = with_live(", endpoint: '${ZEGO_EMPTY:-emulator}'", "");
    assert_eq!(codes(&text), ["variable_empty 3:64"]);
}
