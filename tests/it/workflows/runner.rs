//! Runs a job of a GitHub workflow as a runner does: its shell steps unchanged, with GitHub's files and
//! variables. Of the external actions it implements `checkout` only.

use serde_yaml::Value;

use super::expression::{Names, expand, should_run};
use super::hub::Hub;
use crate::cli::served::SECRET;
use crate::cli::test_dir::{CommandResult, repository};

/// The folder of the workflows in the repository.
pub(crate) const FOLDER: &str = "examples/gitops/github-actions";

/// A job that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) failed: bool,
    /// The output of the steps, and the names of actions that were skipped, in order.
    pub(crate) log: String,
    /// The job's summary.
    pub(crate) summary: String,
}

/// A job that runs in the folder `job`.
struct Job<'a> {
    hub: &'a Hub,
    /// The folder of the workflows and their local actions.
    folder: &'a str,
    names: Names,
    variables: Names,
    /// Variables that replace those of the workflow, such as the endpoint.
    overrides: &'a [(&'a str, &'a str)],
    finished: Finished,
}

/// Runs the one job of a workflow on a commit, for an event with these context values.
pub(crate) fn run(
    hub: &Hub,
    workflow: &str,
    commit: &str,
    event: &[(&str, &str)],
    overrides: &[(&str, &str)],
) -> Finished {
    run_in(FOLDER, hub, workflow, commit, event, overrides)
}

/// Runs the one job of a workflow of another folder; see [`run`].
pub(crate) fn run_in(
    folder: &str,
    hub: &Hub,
    workflow: &str,
    commit: &str,
    event: &[(&str, &str)],
    overrides: &[(&str, &str)],
) -> Finished {
    let file = yaml_in(folder, &format!(".github/workflows/{workflow}.yml"));
    let job = file["jobs"].as_mapping().and_then(|jobs| jobs.values().next()).expect("a job");
    hub.shell("rm -rf job; mkdir job; : > summary");
    let finished = Finished { failed: false, log: String::new(), summary: String::new() };
    let mut running = Job {
        hub,
        folder,
        names: names(commit, event),
        variables: Names::new(),
        overrides,
        finished,
    };
    running.variables = running.texts(&job["env"]);
    running.variables.insert("GITHUB_WORKFLOW".to_owned(), workflow.to_owned());
    running.steps(&job["steps"], &["bash", "-e"]);
    Finished { summary: hub.dir.read("summary"), ..running.finished }
}

/// Returns a YAML file of the folder of the workflows.
pub(crate) fn yaml(name: &str) -> Value {
    yaml_in(FOLDER, name)
}

/// Returns a YAML file of another folder of workflows.
pub(crate) fn yaml_in(folder: &str, name: &str) -> Value {
    let path = repository().join(folder).join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

impl Job<'_> {
    fn steps(&mut self, steps: &Value, shell: &[&str]) {
        for step in steps.as_sequence().expect("steps") {
            if !should_run(step["if"].as_str(), &self.names, self.finished.failed) {
                continue;
            }
            match (step["uses"].as_str(), step["run"].as_str()) {
                (Some(action), None) => self.action(action, step),
                (None, Some(script)) => self.script(script, step, shell),
                (Some(_), Some(_)) | (None, None) => panic!("neither an action nor a script"),
            }
        }
    }

    fn action(&mut self, action: &str, step: &Value) {
        let with = self.texts(&step["with"]);
        if let Some(folder) = action.strip_prefix("./") {
            let local = yaml_in(self.folder, &format!("{folder}/action.yml"));
            let inputs = local["inputs"].as_mapping().expect("inputs");
            for (name, input) in inputs {
                let name = name.as_str().expect("a name");
                let default = || {
                    input["default"].as_str().unwrap_or_else(|| panic!("no `{name}`")).to_owned()
                };
                let value = with.get(name).cloned().unwrap_or_else(default);
                self.names.insert(format!("inputs.{name}"), value);
            }
            self.steps(
                &local["runs"]["steps"],
                &["bash", "--noprofile", "--norc", "-eo", "pipefail"],
            );
        } else if action.starts_with("actions/checkout@") {
            let of_event = &self.names["github.sha"];
            let (revision, path) = (with.get("ref").unwrap_or(of_event), with.get("path"));
            let path = path.map_or("job".to_owned(), |path| format!("job/{path}"));
            self.hub.shell(&format!("git clone --quiet --config remote.origin.fetch='+refs/pull/*:refs/pull/*' origin.git {path}"));
            self.hub.shell(&format!("git -C {path} checkout --quiet {revision}"));
        } else {
            self.finished.log.extend(["uses ", action, "\n"]);
        }
    }

    fn script(&mut self, script: &str, step: &Value, shell: &[&str]) {
        assert!(!script.contains("${{"), "an expression in a script: {script}");
        let output = self.hub.dir.path("output");
        self.hub.dir.write("output", "");
        let mut command = self.hub.command("job", shell, script);
        command.envs(&self.variables).envs(self.texts(&step["env"]));
        command.envs(self.overrides.iter().copied());
        command.envs([("CI", "true"), ("GITHUB_ACTIONS", "true"), ("GITHUB_RUN_ID", "1")]);
        command.env("GITHUB_REPOSITORY", &self.names["github.repository"]);
        command.env("GITHUB_SHA", &self.names["github.sha"]);
        command.env("GITHUB_OUTPUT", &output);
        command.env("GITHUB_STEP_SUMMARY", self.hub.dir.path("step-summary"));
        self.hub.dir.write("step-summary", "");
        let output = command.output().expect("a shell");
        self.finished.failed |= !output.status.success();
        let ran = CommandResult::new(script, output).output_lacks(SECRET);
        self.finished.log.push_str(&ran.to_string());
        self.store_outputs(step);
        self.hub.shell("cat step-summary >> summary");
    }

    fn store_outputs(&mut self, step: &Value) {
        let Some(id) = step["id"].as_str() else { return };
        for line in self.hub.dir.read("output").lines() {
            let (name, value) = line.split_once('=').expect("an output");
            self.names.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
        }
    }

    /// Returns a mapping of the file, with its expressions evaluated.
    fn texts(&self, mapping: &Value) -> Names {
        let entries = mapping.as_mapping().into_iter().flatten();
        let text = |value: &Value| match value.as_str() {
            Some(text) => expand(text, &self.names),
            None => serde_yaml::to_string(value).expect("a value").trim().to_owned(),
        };
        entries.map(|(key, value)| (key.as_str().expect("a key").to_owned(), text(value))).collect()
    }
}

fn names(commit: &str, event: &[(&str, &str)]) -> Names {
    let known = [
        ("github.sha", commit),
        ("github.repository", "owner/rooms"),
        ("github.token", "the token of this job"),
        ("vars.ZEGO_APP_ID", "1"),
        ("vars.AWS_REGION", "eu-central-1"),
        ("vars.ROOMCTL_STATE", "s3://my-bucket/rooms.state.json"),
        ("vars.STATE_READER_ROLE", "arn:aws:iam::111122223333:role/reader"),
        ("vars.STATE_WRITER_ROLE", "arn:aws:iam::111122223333:role/writer"),
        ("secrets.ZEGO_SERVER_SECRET", SECRET),
    ];
    known
        .iter()
        .chain(event)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}
