//! GitHub: from a branch to applied rooms, and the scheduled jobs.

use std::sync::Arc;

use roomctl::provider::http::SystemClock;
use serde_yaml::Value;

use super::hub::Hub;
use super::runner::{FOLDER, Finished, run, yaml};
use crate::cli::desk::{Desk, repository};
use crate::cli::served::{SECRET, Served};
use crate::support::process::{End, Fate, Served as Process};
use crate::support::{World, service};

pub(super) const ROOMS: &str = "\
version: 1
providers:
  chat: {kind: zim, app_id: '${ZEGO_APP_ID}', operator: admin, endpoint: '${ZIM_ENDPOINT}'}
defaults: {destroy_delay_time: 1h}
rooms:
  - {id: lobby, name: Lobby}
  - {id: news, name: News}
  - {id: support, name: Support}
";

const WORKFLOWS: [&str; 4] = ["plan", "apply", "reconcile", "drift"];

/// A repository with the workflows and the branch of the state, as the README says, and no rooms.
fn repository_of_rooms() -> Hub {
    let hub = Hub::new();
    let from = repository().join(FOLDER);
    hub.shell(&format!("cp -r {}/.github work/", from.display()));
    hub.push("The workflows");
    let readme = std::fs::read_to_string(from.join("README.md")).expect("a README");
    let commands: Vec<&str> =
        readme.lines().filter_map(|it| it.trim().strip_prefix("$ ")).collect();
    assert_eq!(commands.len(), 4);
    hub.shell(&format!("cd work; {} 2>&1", commands.join("; ")));
    hub
}

/// Runs `plan` for pull request 1, whose branch is the clone's.
fn plan(hub: &Hub, branch: &str, overrides: &[(&str, &str)]) -> Finished {
    let head = hub.commit_of(branch);
    let event = [
        ("github.event_name", "pull_request"),
        ("github.event.pull_request.number", "1"),
        ("github.event.pull_request.head.sha", head.as_str()),
        ("github.event.pull_request.head.repo.full_name", "owner/rooms"),
    ];
    run(hub, "plan", &hub.proposed(1, branch), &event, overrides)
}

fn push(hub: &Hub, commit: &str, overrides: &[(&str, &str)]) -> Finished {
    run(hub, "apply", commit, &[("github.event_name", "push")], overrides)
}

fn schedule(hub: &Hub, workflow: &str, overrides: &[(&str, &str)]) -> Finished {
    let event = [("github.event_name", "schedule")];
    run(hub, workflow, &hub.commit_of("origin/main"), &event, overrides)
}

#[track_caller]
pub(super) fn succeeded(job: Finished) -> Finished {
    assert!(!job.failed, "{}", job.log);
    job
}

#[track_caller]
fn refused(job: &Finished, why: &str) {
    assert!(job.failed && job.log.contains(why), "{}", job.log);
}

/// The record of a room in the branch of the state, and how many commits that branch has.
fn recorded(hub: &Hub) -> (String, usize) {
    hub.shell("git -C work fetch --quiet");
    let commits = hub.shell("git -C work log --format=%H origin/roomctl-state");
    let state = hub.shell("git -C work show origin/roomctl-state:rooms.state.json");
    (state, commits.lines().count())
}

#[test]
fn a_reviewed_plan_is_applied_once() {
    let hub = repository_of_rooms();
    let served = Served::start(&Desk::empty(), "");
    let service = [("ZIM_ENDPOINT", served.url.as_str())];
    hub.shell("git -C work switch --quiet --create add-rooms");
    hub.write("rooms.yaml", &ROOMS.replace("  - {id: support, name: Support}\n", ""));
    hub.push("Two rooms");
    succeeded(plan(&hub, "add-rooms", &service));
    hub.write("rooms.yaml", ROOMS);
    hub.push("Three rooms");
    let planned = succeeded(plan(&hub, "add-rooms", &service));
    let comments = hub.all("comments");
    let [comment] = comments.as_slice() else { panic!("{comments:?}") };
    let body = comment["body"].as_str().expect("a text");
    assert!(body.starts_with(planned.summary.trim_end()), "{body}");
    assert!(body.contains("chat/support") && body.contains("<!-- reviewed "), "{body}");

    let merge = hub.merge(1, "add-rooms");
    succeeded(push(&hub, &merge, &service));
    let (state, commits) = recorded(&hub);
    assert!(state.contains("chat/support") && commits == 2, "{state}");

    let again = push(&hub, &merge, &service);
    assert!(!again.log.contains("Applied: 3 created."), "{}", again.log);
    assert_eq!(recorded(&hub), (state, commits));
    let check =
        "cd job; roomctl --state state/rooms.state.json plan --detailed-exitcode --refresh all";
    let variables =
        format!("export ZEGO_APP_ID=1 ZEGO_SERVER_SECRET={SECRET} ZIM_ENDPOINT={}", served.url);
    assert!(hub.shell(&format!("{variables}; {check}")).contains("No changes: 3 rooms, 3 asked"));
}

#[test]
fn what_was_not_reviewed_is_not_applied() {
    let hub = repository_of_rooms();
    let service = [("ZIM_ENDPOINT", "emulator")];
    hub.write("rooms.yaml", ROOMS);
    let direct = hub.push("Straight to main");
    refused(&push(&hub, &direct, &service), "No plan of this commit was reviewed");

    hub.shell("git -C work switch --quiet --create more");
    hub.write("rooms.yaml", &format!("{ROOMS}  - {{id: extra, name: Extra}}\n"));
    hub.push("Reviewed");
    succeeded(plan(&hub, "more", &service));
    hub.push("Pushed after the plan");
    let merge = hub.merge(1, "more");
    refused(&push(&hub, &merge, &service), "No plan of this commit was reviewed");
    let by_hand = [
        ("github.event_name", "workflow_dispatch"),
        (
            "inputs.digest",
            "sha256:0000000000000000000000000000000000000000000000000000000000000000",
        ),
    ];
    refused(&run(&hub, "apply", &merge, &by_hand, &service), "ended with Some(3)");
    let branch = hub.shell("git -C work fetch --quiet; git -C work ls-tree origin/roomctl-state");
    assert!(!branch.contains("rooms.state.json\n"), "{branch}");
}

#[test]
fn a_label_consents_to_destroys() {
    let hub = repository_of_rooms();
    let service = [("ZIM_ENDPOINT", "emulator")];
    hub.write("rooms.yaml", ROOMS);
    hub.push("Three rooms");
    hub.shell(
        "git -C work switch --quiet --create first; git -C work switch --quiet --create fewer",
    );
    applied_by_hand(&hub, &service);
    hub.write("rooms.yaml", ROOMS.split_once("  - {id: news").expect("a room").0);
    hub.push("One room");
    succeeded(plan(&hub, "fewer", &service));
    let merge = hub.merge(1, "fewer");
    refused(&push(&hub, &merge, &service), "--allow-destroy 2");
    hub.label(1, "allow-destroy-2");
    succeeded(push(&hub, &merge, &service));
    assert!(!recorded(&hub).0.contains("chat/support"));
}

#[test]
fn the_scheduled_jobs_recreate_and_report() {
    let hub = repository_of_rooms();
    let service = [("ZIM_ENDPOINT", "emulator")];
    hub.write("rooms.yaml", ROOMS);
    hub.push("Three rooms");
    applied_by_hand(&hub, &service);
    succeeded(schedule(&hub, "drift", &service));
    assert!(hub.all("issues").is_empty());

    hub.shell(
        "git clone --quiet --branch roomctl-state origin.git later; \
         ZEGO_APP_ID=1 ZIM_ENDPOINT=emulator roomctl -f work/rooms.yaml \
         --state later/rooms.state.json emulator advance 2h; \
         cd later; git commit --quiet --all --message Later; git push --quiet",
    );
    for _ in 0..2 {
        succeeded(schedule(&hub, "drift", &service));
        let issues = hub.all("issues");
        let [issue] = issues.as_slice() else { panic!("{issues:?}") };
        assert!(
            issue["state"] == "open" && issue["body"].to_string().contains("chat/lobby"),
            "{issue}"
        );
    }
    succeeded(schedule(&hub, "reconcile", &service));
    succeeded(schedule(&hub, "drift", &service));
    assert_eq!(hub.all("issues")[0]["state"], "closed");
}

#[tokio::test]
async fn the_journal_of_a_killed_run_is_saved() {
    let killed = Process::new(World::by(Arc::new(SystemClock), service())).await;
    let rooms = ROOMS.replace("'${ZEGO_APP_ID}'", "1").replace("'${ZIM_ENDPOINT}'", "emulator");
    killed.declare(&rooms, "rate_limit: 1");
    assert_eq!(killed.apply_until(3, Fate::Done).await, End::Killed);
    let hub = repository_of_rooms();
    hub.shell("git clone --quiet --branch roomctl-state origin.git work/state");
    let folder = killed.world.folder.path().display();
    hub.shell(&format!("cp {folder}/rooms.state.json* work/state/"));
    hub.shell(
        "cd work; export STATE=state/rooms.state.json GH_TOKEN=token GITHUB_WORKFLOW=apply \
         GITHUB_RUN_ID=1; .github/save-state",
    );
    assert!(recorded(&hub).0.contains("\"pending\""), "{}", recorded(&hub).0);
    let files = hub.shell("git -C work ls-tree --name-only origin/roomctl-state");
    assert_eq!(files, "rooms.state.json\n");
}

/// Applies what `main` declares, by hand, with the digest of its plan.
fn applied_by_hand(hub: &Hub, service: &[(&str, &str)]) {
    let digest = digest(hub, service);
    let by_hand = [("github.event_name", "workflow_dispatch"), ("inputs.digest", digest.as_str())];
    succeeded(run(hub, "apply", &hub.commit_of("origin/main"), &by_hand, service));
}

/// The digest of the plan that creates what the clone declares.
fn digest(hub: &Hub, service: &[(&str, &str)]) -> String {
    let (name, value) = service[0];
    let plan =
        hub.shell(&format!("cd work; ZEGO_APP_ID=1 {name}={value} roomctl plan --format json"));
    hub.shell("rm -f work/rooms.emulator.json*");
    let plan: serde_json::Value = serde_json::from_str(&plan).expect("a plan");
    plan["digest"].as_str().expect("a digest").to_owned()
}

#[test]
fn each_action_is_pinned_and_each_job_has_only_the_permissions_it_needs() {
    let may_write = |workflow: &str| match workflow {
        "plan" => "pull-requests",
        "drift" => "issues",
        _ => "contents",
    };
    for workflow in WORKFLOWS {
        let file = yaml(&format!(".github/workflows/{workflow}.yml"));
        assert!(file["permissions"].as_mapping().is_some_and(serde_yaml::Mapping::is_empty));
        let job = &file["jobs"][workflow];
        for (name, access) in job["permissions"].as_mapping().expect("permissions") {
            let writes = name.as_str() == Some(may_write(workflow));
            assert_eq!(access.as_str() == Some("write"), writes, "{workflow}: {name:?}");
        }
        assert!(job["timeout-minutes"].is_u64(), "{workflow} has no time limit");
        assert_eq!(text(&file).contains("secrets."), workflow != "plan", "{workflow}");
        pinned(&job["steps"]);
    }
    pinned(&yaml(".github/actions/roomctl/action.yml")["runs"]["steps"]);
}

#[test]
fn whatever_writes_the_state_holds_the_lock() {
    for workflow in WORKFLOWS {
        let file = yaml(&format!(".github/workflows/{workflow}.yml"));
        let writes = text(&file).contains(".github/save-state");
        let concurrency = &file["concurrency"];
        assert_eq!(concurrency["group"].as_str() == Some("roomctl"), writes, "{workflow}");
        assert!(!writes || concurrency["cancel-in-progress"] == false, "{workflow}");
    }
}

pub(super) fn pinned(steps: &Value) {
    for action in steps.as_sequence().expect("steps").iter().filter_map(|it| it["uses"].as_str()) {
        let commit = action.split_once('@').map_or("", |(_, commit)| commit);
        let is_commit = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
        assert!(is_commit || action.starts_with("./"), "{action} is not pinned");
    }
}

pub(super) fn text(file: &Value) -> String {
    serde_yaml::to_string(file).expect("a file")
}
