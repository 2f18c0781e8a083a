//! `state pull`, `state push` and `state unlock`.

use std::os::unix::fs::PermissionsExt;

use super::served::{SECRET, Silent};
use super::test_dir::{THREE_ROOMS, TestDir};

#[test]
fn a_pulled_state_can_be_pushed_back() {
    let dir = TestDir::applied();
    let pulled = dir.run("state pull").exits(0);
    assert_eq!(pulled.document()["rooms"].as_object().map(serde_json::Map::len), Some(3));
    dir.run("state pull --out kept.json").exits(0).stderr_has("wrote the state to kept.json");
    assert_eq!(dir.read("kept.json"), pulled.stdout);
    let mode = std::fs::metadata(dir.path("kept.json")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    dir.run("state pull --out kept.json").exits(1).stderr_has("kept.json could not be written");
    dir.run("state push kept.json")
        .exits(0)
        .stdout_has("No changes: rooms.state.json contains the same");
    dir.run("state pull --state nowhere.json")
        .exits(1)
        .stderr_has("there is no state at nowhere.json");

    let elsewhere = TestDir::with(THREE_ROOMS);
    elsewhere.write("kept.json", &pulled.stdout);
    let pushed = elsewhere.run("state push kept.json --auto-approve").exits(0);
    pushed
        .stdout_has("+ chat/lobby  added")
        .stdout_has("Push: 3 added, 0 changed, 0 lost")
        .stdout_has("serial 2");
    let lineage = |text: &str| {
        let document: serde_json::Value = serde_json::from_str(text).expect("JSON");
        document["lineage"].clone()
    };
    assert_eq!(lineage(&elsewhere.read("rooms.state.json")), lineage(&pulled.stdout));
    elsewhere.run("state list").exits(0).stdout_has("chat/lobby\nchat/news\nchat/support\n");
}

#[test]
fn push_refuses_an_older_serial_and_another_lineage() {
    let dir = TestDir::applied();
    dir.run("state pull --out old.json").exits(0);
    dir.run("state rm chat/news -y").exits(0);
    let now = dir.read("rooms.state.json");
    let refused = dir.run("state push old.json -y").exits(3);
    refused
        .stderr_has("its serial is 1, and the state's is 2: it is older")
        .stderr_has("`--force` writes it");
    let asked = dir.run("state push old.json --force").exits(3);
    asked.stdout_has("+ chat/news  added").stdout_has("it is older").stderr_has("--auto-approve");
    let other = TestDir::applied();
    other.run("state pull --out other.json").exits(0);
    dir.write("other.json", &other.read("other.json"));
    dir.run("state push other.json -y").exits(3).stderr_has("it is another state");
    assert_eq!(dir.read("rooms.state.json"), now, "the state was changed");
    dir.run("state push old.json --force -y").exits(0).stdout_has("Pushed: serial 3.");
    dir.run("state list").exits(0).stdout_has("chat/news");
    dir.run("state push other.json --force -y").exits(0).stdout_has("Pushed: serial 4.");
}

#[test]
fn push_needs_force_for_an_edited_state_and_refuses_a_damaged_one() {
    let dir = TestDir::applied();
    let text = dir.run("state pull").exits(0).stdout;
    dir.write("edited.json", &text.replace("\"News\"", "\"Old news\""));
    dir.run("state push edited.json -y").exits(3).stderr_has("edited by hand");
    let pushed = dir.run("state push edited.json -y --force").exits(0);
    pushed.stdout_has("~ chat/news  changed").stdout_has("Pushed: serial 2.");
    dir.run("state show chat/news").exits(0).stdout_has("Old news");
    dir.write("cut.json", &text[..text.len() / 2]);
    dir.run("state push cut.json -y --force").exits(1).stderr_has("cut.json: line ");
    dir.write("empty.json", "");
    dir.run("state push empty.json -y --force").exits(1).stderr_has("empty");
    dir.run("state push nowhere.json -y").exits(1).stderr_has("could not be read");
    dir.write("secret.json", &text.replace("\"today\"", &format!("\"{SECRET}\"")));
    let with = [("ZEGO_SERVER_SECRET", SECRET)];
    let refused = dir.run_with(&with, "state push secret.json -y --force").exits(1);
    refused.stderr_has("would contain a secret").output_lacks(SECRET);
}

#[test]
fn push_does_not_drop_a_room_with_a_pending_call() {
    let dir = TestDir::with(THREE_ROOMS);
    let silent = Silent::start();
    let mut apply = dir.command("apply --auto-approve");
    apply.env("ZIM_ENDPOINT", &silent.url).env("ZEGO_SERVER_SECRET", SECRET);
    let mut apply = apply.spawn().expect("apply starts");
    let call = silent.called();
    let environment = [("ZIM_ENDPOINT", silent.url.as_str())];

    let held = dir.run_with(&environment, "state unlock -y").exits(4);
    held.stderr_has("roomctl apply")
        .stderr_has("process ")
        .stderr_has("has no lease")
        .stderr_has("`kill ");
    let refused = dir.run_with(&environment, "state rm chat/lobby -y").exits(4);
    refused.stderr_has("roomctl apply").stderr_has(", since ").stderr_has("`roomctl state unlock`");
    let pulled = dir.run_with(&environment, "state pull").exits(0).stderr_has("being changed by");
    assert!(pulled.stdout.contains("\"pending\""), "{pulled}");

    apply.kill().expect("killed");
    apply.wait().expect("its exit status");
    drop(call);
    let unlocked = dir.run_with(&environment, "state unlock").exits(0);
    unlocked.stdout_has("no run holds the lock of rooms.state.json");
    dir.run_with(&environment, "state fold").exits(0);
    let text = dir.run_with(&environment, "state pull").exits(0).stdout;
    let mut document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    document["rooms"] = serde_json::json!({});
    dir.write("none.json", &document.to_string());
    let refused = dir.run_with(&environment, "state push none.json -y").exits(3);
    refused.stderr_has("would no longer be looked up");
    assert_eq!(dir.run_with(&environment, "state pull").stdout, text);
}
