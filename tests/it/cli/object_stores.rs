//! The commands with a state on a real object store, and its secrets in the output.

use super::desk::{Desk, THREE_ROOMS};
use super::served::{SECRET, Silent};
use crate::support::proxy::{Fault, Proxy};
use crate::support::servers::{self, Bucket};

/// Applies with a state in a bucket whose proxy loses the answer to the first write of the head; asserts
/// that the next process finds every room recorded.
fn assert_rooms_are_recorded(bucket: Option<Bucket>) {
    let Some(bucket) = bucket else { return };
    let proxy = Proxy::start(bucket.address);
    let environment = bucket.environment_at(proxy.address);
    let environment: Vec<_> = environment.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let state = format!("--state {}/fleet/rooms.json", bucket.url);
    let desk = Desk::with(THREE_ROOMS);
    let mut is_first = true;
    proxy.plan(move |request| {
        let is_head = request.method == "PUT" && request.target.contains(".journal");
        if is_head && std::mem::take(&mut is_first) { Fault::LoseAnswer } else { Fault::None }
    });
    let apply = format!("{state} apply --auto-approve");
    desk.run_with(&environment, &apply).ends(0).prints("Applied: 3 created.");
    desk.run_with(&environment, &format!("{state} plan")).ends(0).prints("No changes: 3 rooms");
    assert!(!desk.holds("rooms.state.json"), "a local state was written");
}

#[test]
fn rooms_are_recorded_on_s3_despite_a_lost_answer() {
    assert_rooms_are_recorded(servers::s3("fleet"));
}

#[test]
fn rooms_are_recorded_on_azure_despite_a_lost_answer() {
    assert_rooms_are_recorded(servers::azure("fleet"));
}

#[test]
fn migrate_from_the_same_folder_keeps_the_built_in_emulator() {
    let Some(bucket) = servers::s3("migrated") else { return };
    let environment = bucket.environment();
    let environment: Vec<_> = environment.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let desk = Desk::applied();
    let line = format!("state migrate rooms.state.json {}/rooms.json", bucket.url);
    let migrated = desk.run_with(&environment, &line).ends(0);
    migrated.prints("Migrated: 3 rooms").keeps_from("rooms of the built-in emulator");
    let plan = format!("--state {}/rooms.json plan", bucket.url);
    desk.run_with(&environment, &plan).ends(0).prints("No changes: 3 rooms");
}

#[test]
fn state_unlock_ends_the_lease_of_a_killed_run() {
    let Some(bucket) = servers::s3("killed") else { return };
    let desk = Desk::with(THREE_ROOMS);
    let silent = Silent::start();
    let mut environment = bucket.environment();
    environment.push(("ZIM_ENDPOINT".to_owned(), silent.url.clone()));
    environment.push(("ZEGO_SERVER_SECRET".to_owned(), SECRET.to_owned()));
    let state = format!("--state {}/rooms.json", bucket.url);
    let mut apply = desk.command(&format!("{state} apply --auto-approve"));
    let mut apply = apply.envs(environment.iter().cloned()).spawn().expect("apply starts");
    let call = silent.called();
    apply.kill().expect("killed");
    apply.wait().expect("its exit status");
    drop(call);

    let environment: Vec<_> = environment.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let run = |command: &str| desk.run_with(&environment, &format!("{state} {command}"));
    run("state rm chat/lobby -y").ends(4).says("roomctl apply").says("`roomctl state unlock`");
    let asked = run("state unlock").ends(3).says("its lease ends in ");
    assert!(asked.stderr.contains("renewed.\nEnd it only if that run is gone."), "{asked}");
    run("state unlock -y").ends(0).prints("Unlocked");
    run("state unlock").ends(0).prints("Nothing to unlock");
    run("state fold").ends(0);
}

#[test]
fn a_second_run_names_the_lease_holder_and_state_unlock() {
    let Some(bucket) = servers::s3("held") else { return };
    let silent = Silent::start();
    let desk = Desk::with(THREE_ROOMS);
    let mut environment = bucket.environment();
    environment.push(("ZIM_ENDPOINT".to_owned(), silent.url.clone()));
    environment.push(("ZEGO_SERVER_SECRET".to_owned(), SECRET.to_owned()));
    let state = format!("--state {}/rooms.json", bucket.url);
    let mut apply = desk.command(&format!("{state} apply --auto-approve"));
    let mut apply = apply.envs(environment.iter().cloned()).spawn().expect("apply starts");
    let call = silent.called();
    let environment: Vec<_> = environment.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let refused = desk.run_with(&environment, &format!("{state} apply --auto-approve")).ends(4);
    refused
        .says("is locked by another run (`roomctl apply` of ")
        .says(", since ")
        .says("; its lease ends in ")
        .says("`roomctl state unlock` ends its lease at once");
    let unlocked = desk.run_with(&environment, &format!("{state} state unlock -y")).ends(0);
    unlocked
        .prints("Unlocked: ")
        .says(" s unless it is renewed.\nEnd it only if that run is gone.");
    apply.kill().expect("killed");
    apply.wait().expect("its exit status");
    drop(call);
}

#[test]
fn the_secrets_of_a_store_are_not_printed() {
    let desk = Desk::with(THREE_ROOMS);
    desk.write(".aws/credentials", "[ci]\naws_secret_access_key = kept-in-a-profile\n");
    let home = desk.path("");
    let home = home.to_str().expect("UTF-8");
    let cases = [
        ("s3", vec![("AWS_SECRET_ACCESS_KEY", "kept-in-a-variable")], "kept-in-a-variable"),
        ("s3", vec![("HOME", home), ("AWS_PROFILE", "ci")], "kept-in-a-profile"),
        ("az", vec![("AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=kept-in-a-token")], "kept-in-a-token"),
        ("gs", vec![("GOOGLE_OAUTH_ACCESS_TOKEN", "kept-as-a-token")], "kept-as-a-token"),
    ];
    for (scheme, variables, secret) in cases {
        let line = format!("--state {scheme}://bucket/{secret}/rooms.json plan");
        let refused = desk.run_with(&variables, &line).ends(1);
        refused.says("the path of the state would contain a secret").keeps_from(secret);
    }
}
