//! `state pull`, `state push` and `state unlock`.

use std::os::unix::fs::PermissionsExt;

use super::desk::{Desk, THREE_ROOMS};
use super::served::{SECRET, Silent};

#[test]
fn a_pulled_state_can_be_pushed_back() {
    let desk = Desk::applied();
    let pulled = desk.run("state pull").ends(0);
    assert_eq!(pulled.document()["rooms"].as_object().map(serde_json::Map::len), Some(3));
    desk.run("state pull --out kept.json").ends(0).says("wrote the state to kept.json");
    assert_eq!(desk.read("kept.json"), pulled.stdout);
    let mode = std::fs::metadata(desk.path("kept.json")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    desk.run("state pull --out kept.json").ends(1).says("kept.json could not be written");
    desk.run("state push kept.json")
        .ends(0)
        .prints("No changes: rooms.state.json contains the same");
    desk.run("state pull --state nowhere.json").ends(1).says("there is no state at nowhere.json");

    let elsewhere = Desk::with(THREE_ROOMS);
    elsewhere.write("kept.json", &pulled.stdout);
    let pushed = elsewhere.run("state push kept.json --auto-approve").ends(0);
    pushed
        .prints("+ chat/lobby  added")
        .prints("Push: 3 added, 0 changed, 0 lost")
        .prints("serial 2");
    let lineage = |text: &str| {
        let document: serde_json::Value = serde_json::from_str(text).expect("JSON");
        document["lineage"].clone()
    };
    assert_eq!(lineage(&elsewhere.read("rooms.state.json")), lineage(&pulled.stdout));
    elsewhere.run("state list").ends(0).prints("chat/lobby\nchat/news\nchat/support\n");
}

#[test]
fn push_refuses_an_older_serial_and_another_lineage() {
    let desk = Desk::applied();
    desk.run("state pull --out old.json").ends(0);
    desk.run("state rm chat/news -y").ends(0);
    let now = desk.read("rooms.state.json");
    let refused = desk.run("state push old.json -y").ends(3);
    refused.says("its serial is 1, and the state's is 2: it is older").says("`--force` writes it");
    let asked = desk.run("state push old.json --force").ends(3);
    asked.prints("+ chat/news  added").prints("it is older").says("--auto-approve");
    let other = Desk::applied();
    other.run("state pull --out other.json").ends(0);
    desk.write("other.json", &other.read("other.json"));
    desk.run("state push other.json -y").ends(3).says("it is another state");
    assert_eq!(desk.read("rooms.state.json"), now, "the state was changed");
    desk.run("state push old.json --force -y").ends(0).prints("Pushed: serial 3.");
    desk.run("state list").ends(0).prints("chat/news");
    desk.run("state push other.json --force -y").ends(0).prints("Pushed: serial 4.");
}

#[test]
fn push_needs_force_for_an_edited_state_and_refuses_a_damaged_one() {
    let desk = Desk::applied();
    let text = desk.run("state pull").ends(0).stdout;
    desk.write("edited.json", &text.replace("\"News\"", "\"Old news\""));
    desk.run("state push edited.json -y").ends(3).says("edited by hand");
    let pushed = desk.run("state push edited.json -y --force").ends(0);
    pushed.prints("~ chat/news  changed").prints("Pushed: serial 2.");
    desk.run("state show chat/news").ends(0).prints("Old news");
    desk.write("cut.json", &text[..text.len() / 2]);
    desk.run("state push cut.json -y --force").ends(1).says("cut.json: line ");
    desk.write("empty.json", "");
    desk.run("state push empty.json -y --force").ends(1).says("empty");
    desk.run("state push nowhere.json -y").ends(1).says("could not be read");
    desk.write("secret.json", &text.replace("\"today\"", &format!("\"{SECRET}\"")));
    let with = [("ZEGO_SERVER_SECRET", SECRET)];
    let refused = desk.run_with(&with, "state push secret.json -y --force").ends(1);
    refused.says("would contain a secret").keeps_from(SECRET);
}

#[test]
fn push_does_not_drop_a_room_with_a_pending_call() {
    let desk = Desk::with(THREE_ROOMS);
    let silent = Silent::start();
    let mut apply = desk.command("apply --auto-approve");
    apply.env("ZIM_ENDPOINT", &silent.url).env("ZEGO_SERVER_SECRET", SECRET);
    let mut apply = apply.spawn().expect("apply starts");
    let call = silent.called();
    let environment = [("ZIM_ENDPOINT", silent.url.as_str())];

    let held = desk.run_with(&environment, "state unlock -y").ends(4);
    held.says("roomctl apply").says("process ").says("has no lease").says("`kill ");
    let refused = desk.run_with(&environment, "state rm chat/lobby -y").ends(4);
    refused.says("roomctl apply").says(", since ").says("`roomctl state unlock`");
    let pulled = desk.run_with(&environment, "state pull").ends(0).says("being changed by");
    assert!(pulled.stdout.contains("\"pending\""), "{pulled}");

    apply.kill().expect("killed");
    apply.wait().expect("its exit status");
    drop(call);
    let unlocked = desk.run_with(&environment, "state unlock").ends(0);
    unlocked.prints("no run holds the lock of rooms.state.json");
    desk.run_with(&environment, "state fold").ends(0);
    let text = desk.run_with(&environment, "state pull").ends(0).stdout;
    let mut document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    document["rooms"] = serde_json::json!({});
    desk.write("none.json", &document.to_string());
    let refused = desk.run_with(&environment, "state push none.json -y").ends(3);
    refused.says("would no longer be looked up");
    assert_eq!(desk.run_with(&environment, "state pull").stdout, text);
}
