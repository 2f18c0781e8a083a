//! GitHub Actions: review and apply of a pull request, and the scheduled jobs.

use std::sync::Arc;

use roomctl::provider::http::SystemClock;
use serde_yaml::Value;

use super::hub::Hub;
use super::runner::{FOLDER, Finished, run, yaml};
use crate::cli::served::{SECRET, Served};
use crate::cli::test_dir::{TestDir, repository};
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

/// Returns a repository with the workflows and the state branch, set up by the README's commands, and no
/// rooms.
fn fleet_repository() -> Hub {
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

/// Runs the workflow `plan` for pull request 1 from `branch`.
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

/// Runs the workflow `apply` for a push of this commit.
fn push(hub: &Hub, commit: &str, overrides: &[(&str, &str)]) -> Finished {
    run(hub, "apply", commit, &[("github.event_name", "push")], overrides)
}

/// Runs a scheduled workflow on `main`.
fn schedule(hub: &Hub, workflow: &str, overrides: &[(&str, &str)]) -> Finished {
    let event = [("github.event_name", "schedule")];
    run(hub, workflow, &hub.commit_of("origin/main"), &event, overrides)
}

#[track_caller]
pub(super) fn assert_succeeded(job: Finished) -> Finished {
    assert!(!job.failed, "{}", job.log);
    job
}

#[track_caller]
fn assert_refused(job: &Finished, reason: &str) {
    assert!(job.failed && job.log.contains(reason), "{}", job.log);
}

/// Returns the state on the state branch, and the number of commits of that branch.
fn state_branch(hub: &Hub) -> (String, usize) {
    hub.shell("git -C work fetch --quiet");
    let commits = hub.shell("git -C work log --format=%H origin/roomctl-state");
    let state = hub.shell("git -C work show origin/roomctl-state:rooms.state.json");
    (state, commits.lines().count())
}

#[test]
fn a_reviewed_plan_is_applied_once() {
    let hub = fleet_repository();
    let served = Served::start(&TestDir::empty(), "");
    let service = [("ZIM_ENDPOINT", served.url.as_str())];
    hub.shell("git -C work switch --quiet --create add-rooms");
    hub.write("rooms.yaml", &ROOMS.replace("  - {id: support, name: Support}\n", ""));
    hub.push("Two rooms");
    assert_succeeded(plan(&hub, "add-rooms", &service));
    hub.write("rooms.yaml", ROOMS);
    hub.push("Three rooms");
    let planned = assert_succeeded(plan(&hub, "add-rooms", &service));
    let comments = hub.all("comments");
    let [comment] = comments.as_slice() else { panic!("{comments:?}") };
    let body = comment["body"].as_str().expect("a text");
    assert!(body.starts_with(planned.summary.trim_end()), "{body}");
    assert!(body.contains("chat/support") && body.contains("<!-- reviewed "), "{body}");

    let merge = hub.merge(1, "add-rooms");
    assert_succeeded(push(&hub, &merge, &service));
    let (state, commits) = state_branch(&hub);
    assert!(state.contains("chat/support") && commits == 2, "{state}");

    let again = push(&hub, &merge, &service);
    assert!(!again.log.contains("Applied: 3 created."), "{}", again.log);
    assert_eq!(state_branch(&hub), (state, commits));
    let check =
        "cd job; roomctl --state state/rooms.state.json plan --detailed-exitcode --refresh all";
    let variables =
        format!("export ZEGO_APP_ID=1 ZEGO_SERVER_SECRET={SECRET} ZIM_ENDPOINT={}", served.url);
    assert!(hub.shell(&format!("{variables}; {check}")).contains("No changes: 3 rooms, 3 asked"));
}

#[test]
fn a_commit_without_a_reviewed_plan_is_not_applied() {
    let hub = fleet_repository();
    let service = [("ZIM_ENDPOINT", "emulator")];
    hub.write("rooms.yaml", ROOMS);
    let direct = hub.push("Straight to main");
    assert_refused(&push(&hub, &direct, &service), "No plan of this commit was reviewed");

    hub.shell("git -C work switch --quiet --create more");
    hub.write("rooms.yaml", &format!("{ROOMS}  - {{id: extra, name: Extra}}\n"));
    hub.push("Reviewed");
    assert_succeeded(plan(&hub, "more", &service));
    hub.push("Pushed after the plan");
    let merge = hub.merge(1, "more");
    assert_refused(&push(&hub, &merge, &service), "No plan of this commit was reviewed");
    let dispatch = [
        ("github.event_name", "workflow_dispatch"),
        (
            "inputs.digest",
            "sha256:0000000000000000000000000000000000000000000000000000000000000000",
        ),
    ];
    assert_refused(&run(&hub, "apply", &merge, &dispatch, &service), "ended with Some(3)");
    let branch = hub.shell("git -C work fetch --quiet; git -C work ls-tree origin/roomctl-state");
    assert!(!branch.contains("rooms.state.json\n"), "{branch}");
}

#[test]
fn a_label_consents_to_destroys() {
    let hub = fleet_repository();
    let service = [("ZIM_ENDPOINT", "emulator")];
    hub.write("rooms.yaml", ROOMS);
    hub.push("Three rooms");
    hub.shell(
        "git -C work switch --quiet --create first; git -C work switch --quiet --create fewer",
    );
    apply_by_dispatch(&hub, &service);
    hub.write("rooms.yaml", ROOMS.split_once("  - {id: news").expect("a room").0);
    hub.push("One room");
    assert_succeeded(plan(&hub, "fewer", &service));
    let merge = hub.merge(1, "fewer");
    assert_refused(&push(&hub, &merge, &service), "--allow-destroy 2");
    hub.label(1, "allow-destroy-2");
    assert_succeeded(push(&hub, &merge, &service));
    assert!(!state_branch(&hub).0.contains("chat/support"));
}

#[test]
fn scheduled_jobs_recreate_rooms_and_report_drift() {
    let hub = fleet_repository();
    let service = [("ZIM_ENDPOINT", "emulator")];
    hub.write("rooms.yaml", ROOMS);
    hub.push("Three rooms");
    apply_by_dispatch(&hub, &service);
    assert_succeeded(schedule(&hub, "drift", &service));
    assert!(hub.all("issues").is_empty());

    hub.shell(
        "git clone --quiet --branch roomctl-state origin.git later; \
         ZEGO_APP_ID=1 ZIM_ENDPOINT=emulator roomctl -f work/rooms.yaml \
         --state later/rooms.state.json emulator advance 2h; \
         cd later; git commit --quiet --all --message Later; git push --quiet",
    );
    for _ in 0..2 {
        assert_succeeded(schedule(&hub, "drift", &service));
        let issues = hub.all("issues");
        let [issue] = issues.as_slice() else { panic!("{issues:?}") };
        assert!(
            issue["state"] == "open" && issue["body"].to_string().contains("chat/lobby"),
            "{issue}"
        );
    }
    assert_succeeded(schedule(&hub, "reconcile", &service));
    assert_succeeded(schedule(&hub, "drift", &service));
    assert_eq!(hub.all("issues")[0]["state"], "closed");
}

#[tokio::test]
async fn the_journal_of_a_killed_run_is_saved() {
    let killed = Process::new(World::by(Arc::new(SystemClock), service())).await;
    let rooms = ROOMS.replace("'${ZEGO_APP_ID}'", "1").replace("'${ZIM_ENDPOINT}'", "emulator");
    killed.declare(&rooms, "rate_limit: 1");
    assert_eq!(killed.apply_until(3, Fate::Done).await, End::Killed);
    let hub = fleet_repository();
    hub.shell("git clone --quiet --branch roomctl-state origin.git work/state");
    let folder = killed.world.folder.path().display();
    hub.shell(&format!("cp {folder}/rooms.state.json* work/state/"));
    hub.shell(
        "cd work; export STATE=state/rooms.state.json GH_TOKEN=token GITHUB_WORKFLOW=apply \
         GITHUB_RUN_ID=1; .github/save-state",
    );
    assert!(state_branch(&hub).0.contains("\"pending\""), "{}", state_branch(&hub).0);
    let files = hub.shell("git -C work ls-tree --name-only origin/roomctl-state");
    assert_eq!(files, "rooms.state.json\n");
}

/// Applies the files of `main` with a manual dispatch that names the digest of the plan.
fn apply_by_dispatch(hub: &Hub, service: &[(&str, &str)]) {
    let digest = digest(hub, service);
    let dispatch = [("github.event_name", "workflow_dispatch"), ("inputs.digest", digest.as_str())];
    assert_succeeded(run(hub, "apply", &hub.commit_of("origin/main"), &dispatch, service));
}

/// Returns the digest of the plan that creates every room declared in the clone.
fn digest(hub: &Hub, service: &[(&str, &str)]) -> String {
    let (name, value) = service[0];
    let plan =
        hub.shell(&format!("cd work; ZEGO_APP_ID=1 {name}={value} roomctl plan --format json"));
    hub.shell("rm -f work/rooms.emulator.json*");
    let plan: serde_json::Value = serde_json::from_str(&plan).expect("a plan");
    plan["digest"].as_str().expect("a digest").to_owned()
}

#[test]
fn actions_are_pinned_and_jobs_have_minimal_permissions() {
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
        assert_pinned(&job["steps"]);
    }
    assert_pinned(&yaml(".github/actions/roomctl/action.yml")["runs"]["steps"]);
}

#[test]
fn every_job_that_writes_the_state_is_in_the_concurrency_group() {
    for workflow in WORKFLOWS {
        let file = yaml(&format!(".github/workflows/{workflow}.yml"));
        let writes = text(&file).contains(".github/save-state");
        let concurrency = &file["concurrency"];
        assert_eq!(concurrency["group"].as_str() == Some("roomctl"), writes, "{workflow}");
        assert!(!writes || concurrency["cancel-in-progress"] == false, "{workflow}");
    }
}

/// Asserts that every external action is pinned to a commit.
pub(super) fn assert_pinned(steps: &Value) {
    for action in steps.as_sequence().expect("steps").iter().filter_map(|it| it["uses"].as_str()) {
        let commit = action.split_once('@').map_or("", |(_, commit)| commit);
        let is_commit = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
        assert!(is_commit || action.starts_with("./"), "{action} is not pinned");
    }
}

pub(super) fn text(file: &Value) -> String {
    serde_yaml::to_string(file).expect("a file")
}
