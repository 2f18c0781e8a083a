//! A local substitute for GitHub: a bare repository, and a `gh api` that reads and writes JSON files.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::cli::test_dir::{CommandResult, ROOMCTL, TestDir};

/// Implements `gh api` on the files in `$GH_DATA`, as documented in GitHub's REST API.
const GH: &str = include_str!("gh");

/// Replaces `cargo install` in the workflows: the binary is on the PATH already.
const CARGO: &str = "\
#!/bin/sh
case \"$*\" in
  'install --locked --git https://'*' --rev '*' roomctl') ;;
  *) echo \"unexpected command: cargo $*\" >&2; exit 99 ;;
esac
";

/// A repository with its pull requests and issues, and the tools of a runner.
pub(crate) struct Hub {
    pub(crate) dir: TestDir,
}

impl Hub {
    /// Creates an empty repository `origin.git`, and a clone of it, `work`, on the branch `main`.
    pub(crate) fn new() -> Self {
        let hub = Self { dir: TestDir::empty() };
        for (name, text) in [("gh", GH), ("cargo", CARGO)] {
            hub.dir.write(&format!("bin/{name}"), text);
            let executable = PermissionsExt::from_mode(0o755);
            let path = hub.dir.path(&format!("bin/{name}"));
            std::fs::set_permissions(path, executable).expect("an executable");
        }
        symlink(ROOMCTL, hub.dir.path("bin/roomctl")).expect("a link to the binary");
        for name in ["pulls", "comments", "labels", "issues"] {
            hub.dir.write(&format!("hub/{name}.json"), "[]");
        }
        hub.dir.write("home/.gitconfig", "[user]\nname = a\nemail = a@example.com\n");
        hub.shell("git init --quiet --bare --initial-branch main origin.git");
        hub.shell("git clone --quiet origin.git work && git -C work switch --quiet --orphan main");
        hub
    }

    /// Returns a shell command that runs in this folder, with only the runner's tools.
    pub(crate) fn command(&self, folder: &str, shell: &[&str], script: &str) -> Command {
        let bin = self.dir.path("bin");
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).args(["-c", script]).current_dir(self.dir.path(folder));
        command.env_clear().stdin(Stdio::null());
        command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()));
        command.env("HOME", self.dir.path("home")).env("GH_DATA", self.dir.path("hub"));
        command
    }

    /// Runs a script in the root folder, asserts that it succeeds, and returns its output.
    pub(crate) fn shell(&self, script: &str) -> String {
        let mut command = self.command(".", &["bash", "-eo", "pipefail"], script);
        CommandResult::new(script, command.output().expect("a shell")).exits(0).stdout
    }

    /// Writes a file of the clone.
    pub(crate) fn write(&self, name: &str, text: &str) {
        self.dir.write(&format!("work/{name}"), text);
    }

    /// Commits everything in the clone, pushes its branch, and returns the commit's id.
    pub(crate) fn push(&self, subject: &str) -> String {
        self.shell(&format!(
            "cd work; git add --all; git commit --quiet --allow-empty --message '{subject}'; \
             git push --quiet origin HEAD"
        ));
        self.commit_of("HEAD")
    }

    /// Fetches, and returns the id of the commit that a revision of the clone names.
    pub(crate) fn commit_of(&self, name: &str) -> String {
        let commit =
            self.shell(&format!("git -C work fetch --quiet; git -C work rev-parse {name}"));
        commit.trim().to_owned()
    }

    /// Pushes and returns the commit that workflows of a pull request check out: `branch` merged into `main`.
    pub(crate) fn proposed(&self, number: u64, branch: &str) -> String {
        self.shell(&format!(
            "cd work; git switch --quiet --detach origin/main; git merge --quiet --no-ff {branch} -m Proposed; \
             git push --quiet --force origin HEAD:refs/pull/{number}/merge"
        ));
        let commit = self.commit_of("HEAD");
        self.shell(&format!("git -C work switch --quiet {branch}"));
        commit
    }

    /// Merges a branch into `main` as its pull request, and returns the merge commit's id.
    pub(crate) fn merge(&self, number: u64, branch: &str) -> String {
        let head = self.commit_of(branch);
        self.shell(&format!(
            "cd work; git switch --quiet main; git merge --quiet --no-ff {branch} -m 'Merge {branch}'"
        ));
        let merge = self.push("Merged");
        let pull = json!({"number": number, "head": {"sha": head}, "merged_at": "now",
                          "merge_commit_sha": merge});
        self.add("pulls", pull);
        merge
    }

    /// Adds a label to a pull request.
    pub(crate) fn label(&self, number: u64, name: &str) {
        self.add("labels", json!({"issue": number, "name": name}));
    }

    /// Returns all `pulls`, `comments`, `labels` or `issues`.
    pub(crate) fn all(&self, what: &str) -> Vec<Value> {
        let text = self.dir.read(&format!("hub/{what}.json"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    fn add(&self, what: &str, value: Value) {
        let mut all = self.all(what);
        all.push(value);
        self.dir.write(&format!("hub/{what}.json"), &Value::from(all).to_string());
    }
}
