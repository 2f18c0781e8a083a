//! GitHub Actions with the state in S3. The shell steps run with a local file in place of the object; it is
//! outside of the job's folder, which is removed before each job.

use std::collections::BTreeSet;

use super::github::{ROOMS, assert_pinned, assert_succeeded, text};
use super::hub::Hub;
use super::runner::{Finished, run_in, yaml_in};
use crate::cli::served::Served;
use crate::cli::test_dir::{TestDir, repository};

const FOLDER: &str = "examples/gitops/github-actions-s3";

const WORKFLOWS: [&str; 3] = ["plan", "apply", "reconcile"];

fn run(hub: &Hub, workflow: &str, commit: &str, event: &[(&str, &str)], url: &str) -> Finished {
    let state = hub.dir.path("bucket/rooms.state.json").display().to_string();
    let overrides = [("ZIM_ENDPOINT", url), ("STATE", state.as_str())];
    run_in(FOLDER, hub, workflow, commit, event, &overrides)
}

#[test]
fn a_reviewed_plan_is_applied_without_a_state_branch() {
    let hub = Hub::new();
    hub.shell(&format!(
        "cp -r {}/.github work/; mkdir bucket",
        repository().join(FOLDER).display()
    ));
    hub.push("The workflows");
    let served = Served::start(&TestDir::empty(), "");
    hub.shell("git -C work switch --quiet --create add-rooms");
    hub.write("rooms.yaml", ROOMS);
    hub.push("Three rooms");
    let head = hub.commit_of("add-rooms");
    let event = [
        ("github.event_name", "pull_request"),
        ("github.event.pull_request.number", "1"),
        ("github.event.pull_request.head.sha", head.as_str()),
        ("github.event.pull_request.head.repo.full_name", "owner/rooms"),
    ];
    let planned =
        assert_succeeded(run(&hub, "plan", &hub.proposed(1, "add-rooms"), &event, &served.url));
    assert!(planned.log.contains("uses aws-actions/configure-aws-credentials@"), "{}", planned.log);
    assert!(!hub.dir.holds("bucket/rooms.state.json"), "the plan job wrote a state");

    let merge = hub.merge(1, "add-rooms");
    let push = [("github.event_name", "push")];
    let applied = assert_succeeded(run(&hub, "apply", &merge, &push, &served.url));
    assert!(applied.log.contains("Applied: 3 created."), "{}", applied.log);
    assert!(hub.dir.read("bucket/rooms.state.json").contains("chat/support"));
    let schedule = [("github.event_name", "schedule")];
    let idle = assert_succeeded(run(&hub, "reconcile", &merge, &schedule, &served.url));
    assert!(idle.log.contains("No changes"), "{}", idle.log);
    assert_eq!(
        hub.shell("git -C work branch --remotes | wc -l").trim(),
        "2",
        "a branch was created"
    );
}

#[test]
fn jobs_can_only_read_the_repository_and_assume_their_role() {
    for workflow in WORKFLOWS {
        let file = yaml_in(FOLDER, &format!(".github/workflows/{workflow}.yml"));
        assert!(file["permissions"].as_mapping().is_some_and(serde_yaml::Mapping::is_empty));
        let job = &file["jobs"][workflow];
        for (name, access) in job["permissions"].as_mapping().expect("permissions") {
            let writes = match name.as_str() {
                Some("id-token") => true,
                Some("pull-requests") => workflow == "plan",
                _ => false,
            };
            assert_eq!(access.as_str() == Some("write"), writes, "{workflow}: {name:?}");
        }
        let all = text(&file);
        assert_eq!(all.contains("secrets."), workflow != "plan", "{workflow}");
        assert_eq!(all.contains("vars.STATE_READER_ROLE"), workflow == "plan", "{workflow}");
        assert_eq!(all.contains("vars.STATE_WRITER_ROLE"), workflow != "plan", "{workflow}");
        assert_eq!(job["environment"].as_str() == Some("rooms"), workflow != "plan", "{workflow}");
        assert_pinned(&job["steps"]);
    }
    assert_pinned(&yaml_in(FOLDER, ".github/actions/roomctl/action.yml")["runs"]["steps"]);
}

/// Returns the statements of an IAM policy.
fn statements(name: &str) -> Vec<serde_json::Value> {
    let path = repository().join(FOLDER).join("iam").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let policy: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    policy["Statement"].as_array().expect("statements").clone()
}

#[test]
fn iam_policies_are_minimal_and_match_the_docs() {
    let actions = |name: &str| {
        let listed = |statement: &serde_json::Value| {
            let all = statement["Action"].as_array().expect("actions").clone();
            all.into_iter().map(|action| action.as_str().expect("an action").to_owned())
        };
        let all: BTreeSet<String> = statements(name).iter().flat_map(listed).collect();
        all.into_iter().collect::<Vec<_>>()
    };
    let (get, put) = ("s3:GetObject".to_owned(), "s3:PutObject".to_owned());
    let (delete, list) = ("s3:DeleteObject".to_owned(), "s3:ListBucket".to_owned());
    assert_eq!(actions("state-reader.json"), [get.clone(), list.clone()]);
    assert_eq!(actions("state-writer.json"), [delete.clone(), get, list, put]);
    for statement in statements("state-writer.json") {
        let deletes = statement["Action"].to_string().contains(&delete);
        let probes = statement["Resource"].to_string().contains(".probe-");
        assert_eq!(deletes, probes, "only probe objects may be deleted");
    }
    let page = std::fs::read_to_string(repository().join("docs/state.md")).expect("a page");
    let path = repository().join(FOLDER).join("iam/state-writer.json");
    let policy = std::fs::read_to_string(path).expect("a policy");
    assert!(page.contains(policy.trim_end()), "docs/state.md does not show state-writer.json");
    for (name, subject) in [
        ("trust-writer.json", "repo:OWNER/rooms:environment:rooms"),
        ("trust-reader.json", "repo:OWNER/rooms:pull_request"),
    ] {
        let trust = statements(name);
        let condition = &trust[0]["Condition"]["StringEquals"];
        assert_eq!(condition["token.actions.githubusercontent.com:sub"], subject);
        assert_eq!(condition["token.actions.githubusercontent.com:aud"], "sts.amazonaws.com");
    }
}
