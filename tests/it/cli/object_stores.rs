//! The commands with a state on a real object store, and its secrets in the output.

use super::served::{SECRET, Silent};
use super::test_dir::{THREE_ROOMS, TestDir};
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
    let dir = TestDir::with(THREE_ROOMS);
    let mut is_first = true;
    proxy.plan(move |request| {
        let is_head = request.method == "PUT" && request.target.contains(".journal");
        if is_head && std::mem::take(&mut is_first) { Fault::LoseAnswer } else { Fault::None }
    });
    let apply = format!("{state} apply --auto-approve");
    dir.run_with(&environment, &apply).exits(0).stdout_has("Applied: 3 created.");
    dir.run_with(&environment, &format!("{state} plan")).exits(0).stdout_has("No changes: 3 rooms");
    assert!(!dir.holds("rooms.state.json"), "a local state was written");
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
    let dir = TestDir::applied();
    let line = format!("state migrate rooms.state.json {}/rooms.json", bucket.url);
    let migrated = dir.run_with(&environment, &line).exits(0);
    migrated.stdout_has("Migrated: 3 rooms").output_lacks("rooms of the built-in emulator");
    let plan = format!("--state {}/rooms.json plan", bucket.url);
    dir.run_with(&environment, &plan).exits(0).stdout_has("No changes: 3 rooms");
}

#[test]
fn state_unlock_ends_the_lease_of_a_killed_run() {
    let Some(bucket) = servers::s3("killed") else { return };
    let dir = TestDir::with(THREE_ROOMS);
    let silent = Silent::start();
    let mut environment = bucket.environment();
    environment.push(("ZIM_ENDPOINT".to_owned(), silent.url.clone()));
    environment.push(("ZEGO_SERVER_SECRET".to_owned(), SECRET.to_owned()));
    let state = format!("--state {}/rooms.json", bucket.url);
    let mut apply = dir.command(&format!("{state} apply --auto-approve"));
    let mut apply = apply.envs(environment.iter().cloned()).spawn().expect("apply starts");
    let call = silent.called();
    apply.kill().expect("killed");
    apply.wait().expect("its exit status");
    drop(call);

    let environment: Vec<_> = environment.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let run = |command: &str| dir.run_with(&environment, &format!("{state} {command}"));
    run("state rm chat/lobby -y")
        .exits(4)
        .stderr_has("roomctl apply")
        .stderr_has("`roomctl state unlock`");
    let asked = run("state unlock").exits(3).stderr_has("its lease ends in ");
    assert!(asked.stderr.contains("renewed.\nEnd it only if that run is gone."), "{asked}");
    run("state unlock -y").exits(0).stdout_has("Unlocked");
    run("state unlock").exits(0).stdout_has("Nothing to unlock");
    run("state fold").exits(0);
}

#[test]
fn a_second_run_names_the_lease_holder_and_state_unlock() {
    let Some(bucket) = servers::s3("held") else { return };
    let silent = Silent::start();
    let dir = TestDir::with(THREE_ROOMS);
    let mut environment = bucket.environment();
    environment.push(("ZIM_ENDPOINT".to_owned(), silent.url.clone()));
    environment.push(("ZEGO_SERVER_SECRET".to_owned(), SECRET.to_owned()));
    let state = format!("--state {}/rooms.json", bucket.url);
    let mut apply = dir.command(&format!("{state} apply --auto-approve"));
    let mut apply = apply.envs(environment.iter().cloned()).spawn().expect("apply starts");
    let call = silent.called();
    let environment: Vec<_> = environment.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let refused = dir.run_with(&environment, &format!("{state} apply --auto-approve")).exits(4);
    refused
        .stderr_has("is locked by another run (`roomctl apply` of ")
        .stderr_has(", since ")
        .stderr_has("; its lease ends in ")
        .stderr_has("`roomctl state unlock` ends its lease at once");
    let unlocked = dir.run_with(&environment, &format!("{state} state unlock -y")).exits(0);
    unlocked
        .stdout_has("Unlocked: ")
        .stderr_has(" s unless it is renewed.\nEnd it only if that run is gone.");
    apply.kill().expect("killed");
    apply.wait().expect("its exit status");
    drop(call);
}

#[test]
fn the_secrets_of_a_store_are_not_printed() {
    let dir = TestDir::with(THREE_ROOMS);
    dir.write(".aws/credentials", "[ci]\naws_secret_access_key = kept-in-a-profile\n");
    let home = dir.path("");
    let home = home.to_str().expect("UTF-8");
    let cases = [
        ("s3", vec![("AWS_SECRET_ACCESS_KEY", "kept-in-a-variable")], "kept-in-a-variable"),
        ("s3", vec![("HOME", home), ("AWS_PROFILE", "ci")], "kept-in-a-profile"),
        ("az", vec![("AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=kept-in-a-token")], "kept-in-a-token"),
        ("gs", vec![("GOOGLE_OAUTH_ACCESS_TOKEN", "kept-as-a-token")], "kept-as-a-token"),
    ];
    for (scheme, variables, secret) in cases {
        let line = format!("--state {scheme}://bucket/{secret}/rooms.json plan");
        let refused = dir.run_with(&variables, &line).exits(1);
        refused.stderr_has("the path of the state would contain a secret").output_lacks(secret);
    }
}
