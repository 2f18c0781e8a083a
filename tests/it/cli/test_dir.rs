//! A temporary folder in which the real binary runs with a clean environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The binary under test.
pub(crate) const ROOMCTL: &str = env!("CARGO_BIN_EXE_roomctl");

/// Three rooms; on the built-in emulator unless `ZIM_ENDPOINT` says otherwise.
pub(crate) const THREE_ROOMS: &str = "\
version: 1
providers:
  chat: {kind: zim, app_id: 1, operator: admin, endpoint: '${ZIM_ENDPOINT:-emulator}'}
defaults: {destroy_delay_time: 1h}
rooms:
  - {id: lobby, name: Lobby, attributes: {topic: welcome}, lifecycle: {prevent_destroy: true}}
  - {id: news, name: News, attributes: {topic: today}}
  - {id: support, name: Support}
";

/// A temporary folder in which commands run.
pub(crate) struct TestDir {
    folder: TempDir,
}

/// A finished command.
#[derive(Debug)]
pub(crate) struct CommandResult {
    line: String,
    code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl TestDir {
    /// Returns an empty folder.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// Returns a folder that contains this rooms.yaml.
    pub(crate) fn with(rooms: &str) -> Self {
        let dir = Self::empty();
        dir.write("rooms.yaml", rooms);
        dir
    }

    /// Returns a folder in which [`THREE_ROOMS`] is applied.
    pub(crate) fn applied() -> Self {
        let dir = Self::with(THREE_ROOMS);
        dir.run("apply --auto-approve").exits(0);
        dir
    }

    /// Returns the path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and creates its folder.
    #[expect(clippy::disallowed_methods, reason = "a test's own files need not survive a crash")]
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        fs::write(path, text).expect("the file is written");
    }

    /// Reads a file of the folder.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Whether the folder contains this file.
    pub(crate) fn holds(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Replaces text in rooms.yaml; panics if `old` is not in the file.
    pub(crate) fn edit(&self, old: &str, new: &str) {
        let text = self.read("rooms.yaml");
        assert!(text.contains(old), "rooms.yaml does not contain `{old}`");
        self.write("rooms.yaml", &text.replace(old, new));
    }

    /// Copies a folder of the repository, with all files below it.
    pub(crate) fn copy(&self, folder: &str) {
        let from = repository().join(folder);
        for name in files_below(&from) {
            let text = fs::read_to_string(from.join(&name)).expect("a file of the repository");
            self.write(&format!("{folder}/{name}"), &text);
        }
    }

    /// Returns a command of the binary, without a terminal and with an empty environment.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(ROOMCTL);
        command.args(line.split_whitespace()).current_dir(self.folder.path()).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the binary with these arguments, split at spaces.
    pub(crate) fn run(&self, line: &str) -> CommandResult {
        self.run_with(&[], line)
    }

    /// Runs the binary with these environment variables.
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], line: &str) -> CommandResult {
        let output = self.command(line).envs(variables.iter().copied()).output();
        CommandResult::new(line, output.expect("the binary runs"))
    }
}

impl CommandResult {
    pub(crate) fn new(line: &str, output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("output in UTF-8");
        let Output { status, stdout, stderr } = output;
        let (stdout, stderr) = (text(stdout), text(stderr));
        Self { line: line.to_owned(), code: status.code(), stdout, stderr }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Asserts that stdout contains this text.
    #[track_caller]
    pub(crate) fn stdout_has(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "stdout lacks `{text}`\n{self}");
        self
    }

    /// Asserts that stderr contains this text.
    #[track_caller]
    pub(crate) fn stderr_has(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "stderr lacks `{text}`\n{self}");
        self
    }

    /// Asserts that neither stream contains this text.
    #[track_caller]
    pub(crate) fn output_lacks(self, text: &str) -> Self {
        let is_printed = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(!is_printed, "`{text}` was printed\n{self}");
        self
    }

    /// Parses stdout as one JSON document.
    #[track_caller]
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    /// Parses stdout as one JSON object per line.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line);
        let lines: Result<Vec<Value>, _> = self.stdout.lines().map(parse).collect();
        lines.unwrap_or_else(|error| panic!("{error}\n{self}"))
    }
}

impl std::fmt::Display for CommandResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, code, stdout, stderr } = self;
        write!(f, "`roomctl {line}` ended with {code:?}\nstdout:\n{stdout}\nstderr:\n{stderr}")
    }
}

/// Returns the root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the names of all files below a folder, sorted, with `/` between their parts.
pub(crate) fn files_below(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            names.extend(files_below(&path).into_iter().map(|below| format!("{name}/{below}")));
        } else {
            names.push(name);
        }
    }
    names.sort();
    names
}
