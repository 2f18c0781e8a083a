//! The location of the state: passwords in URLs, and a local state in CI.

use super::test_dir::{THREE_ROOMS, TestDir};

#[test]
fn a_password_in_a_state_url_is_refused_and_not_printed() {
    let dir = TestDir::with(THREE_ROOMS);
    for url in [
        "s3://me:hush@b/k",
        "s3://me:hu/hush@b/k",
        "az://c/k?sv=1&sig=hush",
        "postgres://me:hush@h/db",
        "postgres://me:hu/hush@h/db",
        "postgres://h/db?password=hush",
        "password=hush",
        "passwd='hush'",
    ] {
        for command in ["state list", "plan", "apply -y", "state unlock"] {
            let refused = dir.run(&format!("{command} --state {url}")).exits(64);
            refused.stderr_has("the state: ").output_lacks("hush");
        }
        dir.write(
            "rooms.yaml",
            &THREE_ROOMS.replace("defaults:", &format!("state: {url}\ndefaults:")),
        );
        for command in
            ["validate", "validate --format json", "validate --format github", "state list"]
        {
            dir.run(command).exits(1).output_lacks("hush");
        }
        dir.run("validate").stderr_has("rooms.yaml:4:8");
        dir.write("rooms.yaml", THREE_ROOMS);
    }
    let keywords = "state: \"host=db password='hu hush' dbname=fleet\"\ndefaults:";
    dir.write("rooms.yaml", &THREE_ROOMS.replace("defaults:", keywords));
    dir.run("validate").exits(1).stderr_has("PGPASSWORD").output_lacks("hush");
}

#[test]
fn a_local_state_in_ci_is_a_warning_with_alternatives() {
    let dir = TestDir::with(THREE_ROOMS);
    let ci = [("CI", "true")];
    for command in ["apply -y", "reconcile"] {
        let warned = dir.run_with(&ci, command).exits(0).stderr_has("warning: CI is set");
        for part in
            ["rooms.state.json", "s3://", "gs://", "az://", "postgres://", "roomctl state migrate"]
        {
            assert!(warned.stderr.contains(part), "no {part}: {warned}");
        }
        dir.run(command).exits(0).output_lacks("CI is set");
    }
}
