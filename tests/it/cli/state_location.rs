//! The location of the state: passwords in URLs, and a local state in CI.

use super::desk::{Desk, THREE_ROOMS};

#[test]
fn a_password_in_a_state_url_is_refused_and_not_printed() {
    let desk = Desk::with(THREE_ROOMS);
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
            let refused = desk.run(&format!("{command} --state {url}")).ends(64);
            refused.says("the state: ").keeps_from("hush");
        }
        desk.write(
            "rooms.yaml",
            &THREE_ROOMS.replace("defaults:", &format!("state: {url}\ndefaults:")),
        );
        for command in
            ["validate", "validate --format json", "validate --format github", "state list"]
        {
            desk.run(command).ends(1).keeps_from("hush");
        }
        desk.run("validate").says("rooms.yaml:4:8");
        desk.write("rooms.yaml", THREE_ROOMS);
    }
    let keywords = "state: \"host=db password='hu hush' dbname=fleet\"\ndefaults:";
    desk.write("rooms.yaml", &THREE_ROOMS.replace("defaults:", keywords));
    desk.run("validate").ends(1).says("PGPASSWORD").keeps_from("hush");
}

#[test]
fn a_local_state_in_ci_is_a_warning_with_alternatives() {
    let desk = Desk::with(THREE_ROOMS);
    let ci = [("CI", "true")];
    for command in ["apply -y", "reconcile"] {
        let warned = desk.run_with(&ci, command).ends(0).says("warning: CI is set");
        for part in
            ["rooms.state.json", "s3://", "gs://", "az://", "postgres://", "roomctl state migrate"]
        {
            assert!(warned.stderr.contains(part), "no {part}: {warned}");
        }
        desk.run(command).ends(0).keeps_from("CI is set");
    }
}
