//! GitLab CI: the plan of a merge request, the manual job that applies it, and the scheduled jobs.

use serde_yaml::{Mapping, Value};

use super::hub::Hub;
use crate::cli::test_dir::{CommandResult, repository};

const ROOMS: &str = "\
version: 1
providers: {chat: {kind: zim, app_id: 1, operator: admin, endpoint: '${ZIM_ENDPOINT}'}}
defaults: {destroy_delay_time: 1h}
rooms: [{id: lobby, name: Lobby}, {id: news, name: News}]
";

/// The pipeline's file, and the repository that it runs on.
struct Pipeline {
    file: Value,
    hub: Hub,
}

impl Pipeline {
    fn new() -> Self {
        let path = repository().join("examples/gitops/gitlab-ci/.gitlab-ci.yml");
        let text = std::fs::read_to_string(path).expect("the pipeline");
        let file = serde_yaml::from_str(&text).expect("YAML");
        let hub = Hub::new();
        hub.write("rooms.yaml", ROOMS);
        hub.push("Two rooms");
        hub.shell("git -C work switch --quiet --orphan roomctl-state");
        hub.push("No state yet");
        hub.shell("git clone --quiet --branch main origin.git job");
        Self { file, hub }
    }

    /// Runs a job in the folder `job`, where artifacts stay from one job to the next.
    fn run(&self, name: &str, variables: &[(&str, &str)]) -> CommandResult {
        let job = &self.file[name];
        let parent = &self.file[job["extends"].as_str().expect("a parent")];
        let script: Vec<String> = [&parent["before_script"], &job["script"]]
            .iter()
            .flat_map(|it| self.lines(it))
            .collect();
        self.hub.shell("rm -rf job/state");
        let ran = self.shell(name, &script.join("\n"), variables);
        let after = self.lines(&job["after_script"]).join("\n");
        self.shell(name, &after, variables).exits(0);
        ran
    }

    fn shell(&self, name: &str, script: &str, variables: &[(&str, &str)]) -> CommandResult {
        let mut command = self.hub.command("job", &["bash", "-eo", "pipefail"], script);
        let globals = self.file["variables"].as_mapping().expect("variables");
        command.envs(texts(globals)).env("STATE_URL", self.hub.dir.path("origin.git"));
        command.envs([("CI", "true"), ("CI_JOB_NAME", name), ("CI_JOB_ID", "1")]);
        command.env("ZIM_ENDPOINT", "emulator").envs(variables.iter().copied());
        CommandResult::new(script, command.output().expect("a shell"))
    }

    /// Returns the lines of a script, with `!reference` tags resolved.
    fn lines(&self, script: &Value) -> Vec<String> {
        match script {
            Value::Null => Vec::new(),
            Value::String(line) => vec![line.clone()],
            Value::Sequence(lines) => lines.iter().flat_map(|line| self.lines(line)).collect(),
            Value::Tagged(reference) => {
                assert_eq!(reference.tag, "!reference");
                let path = reference.value.as_sequence().expect("a path");
                let target = path.iter().fold(&self.file, |value, key| &value[key]);
                self.lines(target)
            }
            Value::Bool(_) | Value::Number(_) | Value::Mapping(_) => panic!("{script:?}"),
        }
    }
}

/// Returns the string entries of a mapping.
fn texts(mapping: &Mapping) -> impl Iterator<Item = (&str, &str)> {
    mapping.iter().filter_map(|(name, value)| Some((name.as_str()?, value.as_str()?)))
}

#[test]
fn a_saved_plan_is_applied_once_and_the_state_is_pushed() {
    let pipeline = Pipeline::new();
    pipeline.run("plan", &[]).exits(0).stdout_has("chat/lobby");
    pipeline.run("plan-to-apply", &[]).exits(0);
    pipeline.run("apply", &[]).exits(0).stdout_has("Applied: 2 created.");
    let state = || pipeline.hub.shell("git -C origin.git show roomctl-state:rooms.state.json");
    let applied = state();
    assert!(applied.contains("chat/news"), "{applied}");
    pipeline.run("apply", &[]).output_lacks("Applied: 2 created.");
    assert_eq!(state(), applied);
}

#[test]
fn scheduled_jobs_report_drift_and_recreate_rooms() {
    let pipeline = Pipeline::new();
    pipeline.run("plan-to-apply", &[]).exits(0);
    pipeline.run("apply", &[]).exits(0);
    pipeline.run("drift", &[]).exits(0);
    pipeline.hub.shell(
        "cd job; ZIM_ENDPOINT=emulator roomctl --state state/rooms.state.json emulator advance 2h; \
         cd state; git commit --quiet --all --message Later; git push --quiet",
    );
    pipeline.run("drift", &[]).exits(2).stdout_has("chat/lobby");
    pipeline.run("reconcile", &[]).exits(0).stdout_has("2 recreated");
    pipeline.run("drift", &[]).exits(0);
}

#[test]
fn jobs_that_change_rooms_share_a_resource_group_and_save_the_state() {
    let pipeline = Pipeline::new();
    for name in ["apply", "reconcile"] {
        let job = &pipeline.file[name];
        assert_eq!(job["resource_group"].as_str(), Some("roomctl"), "{name}");
        assert!(!pipeline.lines(&job["after_script"]).is_empty(), "{name}");
    }
    assert_eq!(pipeline.file["apply"]["rules"][0]["when"].as_str(), Some("manual"));
}
