//! `--format markdown` and `--format github`: pages for pull requests, and the files and annotations of
//! GitHub Actions.

use super::test_dir::{CommandResult, THREE_ROOMS, TestDir};

/// Runs a command with the files of a GitHub Actions step; earlier runs have written to the same files.
fn on_github(dir: &TestDir, line: &str) -> CommandResult {
    let path = |name: &str| dir.path(name).to_string_lossy().into_owned();
    let (summary, output) = (path("summary.md"), path("output"));
    dir.run_with(&[("GITHUB_STEP_SUMMARY", &summary), ("GITHUB_OUTPUT", &output)], line)
}

#[test]
fn a_markdown_plan_has_a_marker_and_the_digest() {
    let dir = TestDir::with(THREE_ROOMS);
    let digest = dir.run("plan --format json").document()["digest"].clone();
    let page = dir.run("plan --format markdown").exits(0);
    assert!(page.stdout.starts_with("<!-- roomctl plan rooms.state.json -->\n"), "{page}");
    let digest = digest.as_str().expect("a digest");
    page.stdout_has("**Plan: 3 to create")
        .stdout_has("| create | 3 |")
        .stdout_has("`chat/lobby`")
        .stdout_has(digest);
    dir.run("plan --format markdown --diff")
        .exits(64)
        .stderr_has("`--diff` works with `--format text` only");
    dir.run("plan --format markdown --max-bytes 10").exits(64);
}

#[test]
fn the_refusal_of_the_gate_comes_first() {
    let dir =
        TestDir::with(&THREE_ROOMS.replace("prevent_destroy: true", "prevent_destroy: false"));
    dir.run("apply --auto-approve").exits(0);
    dir.write(
        "rooms.yaml",
        &THREE_ROOMS
            .replace("rooms:\n", "rooms: []\nx-old:\n")
            .replace("prevent_destroy: true", "prevent_destroy: false"),
    );
    let text = dir.read("rooms.yaml");
    let (emptied, _) = text.split_once("x-old:").expect("the rooms");
    dir.write("rooms.yaml", emptied);
    let page = dir.run("plan --format markdown").exits(0);
    let body: Vec<&str> = page.stdout.lines().skip(1).collect();
    assert_eq!(body[..2], ["> [!CAUTION]", "> **The gate is closed: 3 steps will be held back.**"]);
    page.stdout_has("`--allow-destroy 3` consents");
}

#[test]
fn a_markdown_apply_contains_plan_and_outcome() {
    let dir = TestDir::with(THREE_ROOMS);
    let pages = dir.run("apply --auto-approve --format markdown").exits(0);
    pages.stdout_has("**Plan: 3 to create").stdout_has("**Applied: 3 created.**");
    let again = dir.run("apply --auto-approve --format markdown").exits(0);
    again.stdout_has("**No changes: 3 rooms").output_lacks("Applied");
}

#[test]
fn drift_supports_markdown() {
    let dir = TestDir::applied();
    dir.run("emulator advance 2h").exits(0);
    let page = dir.run("drift --format markdown").exits(2);
    assert!(page.stdout.starts_with("<!-- roomctl drift rooms.state.json -->\n"), "{page}");
    page.stdout_has("**Drift: 3 of 3 rooms differ").stdout_has("| `chat/lobby` | vanished |");
    dir.run("drift --format github").exits(64);
}

#[test]
fn format_github_writes_annotations_a_summary_and_outputs() {
    let dir = TestDir::with(THREE_ROOMS);
    let plan = on_github(&dir, "plan --format github --detailed-exitcode").exits(2);
    plan.stdout_has("::notice::Plan: 3 to create");
    dir.read("summary.md").strip_prefix("<!-- roomctl plan").expect("a page");
    let outputs = dir.read("output");
    for line in ["changes=true", "create=3", "destroy=0", "exit_code=2"] {
        assert!(outputs.lines().any(|it| it == line), "no {line} in {outputs}");
    }
    let digest = dir.run("plan --format json").document()["digest"].clone();
    assert!(outputs.contains(&format!("digest={}", digest.as_str().expect("a digest"))));
    on_github(&dir, "apply --auto-approve --format github")
        .exits(0)
        .stdout_has("::notice::Applied: 3 created.");
    assert!(dir.read("summary.md").contains("**Applied: 3 created.**"));
    assert!(dir.read("output").contains("done=3\nfailed=0\n"), "{}", dir.read("output"));
    on_github(&dir, "plan --format github").exits(0);
    let last = dir.read("output");
    assert!(last.ends_with("exit_code=0\n") && last.contains("changes=false"), "{last}");
}

#[test]
fn a_finding_is_an_annotation_at_its_location() {
    let dir = TestDir::with(&THREE_ROOMS.replace("name: News", "nam: News"));
    for command in ["validate", "plan", "apply --auto-approve"] {
        let ran = on_github(&dir, &format!("{command} --format github")).exits(1);
        let ran = ran.stdout_has("::error file=rooms.yaml,line=7,col=16::");
        assert_eq!(
            ran.stdout.lines().filter(|line| !line.starts_with("::error")).count(),
            0,
            "{ran}"
        );
        assert_eq!(ran.stderr, "", "{ran}");
        assert!(dir.read("output").ends_with("exit_code=1\n"));
    }
    let valid = TestDir::with(THREE_ROOMS).run("validate --format github").exits(0);
    assert_eq!(valid.stdout, "Valid: 3 rooms.\n");
}

#[test]
fn an_unwritable_github_file_is_an_error_before_any_call() {
    let dir = TestDir::with(THREE_ROOMS);
    let path = dir.path("no/such/folder").to_string_lossy().into_owned();
    let line = "apply --auto-approve --format github";
    let ran = dir.run_with(&[("GITHUB_STEP_SUMMARY", &path)], line).exits(1);
    ran.stdout_has("::error::GITHUB_STEP_SUMMARY names");
    dir.run("state list").exits(0).output_lacks("chat/lobby");
}

#[test]
fn secrets_are_redacted_in_the_github_summary() {
    let secret = "0123456789abcdef0123456789abcdef";
    let dir = TestDir::with(&THREE_ROOMS.replace("topic: today", &format!("topic: {secret}")));
    let path = dir.path("summary.md").to_string_lossy().into_owned();
    let variables = [("GITHUB_STEP_SUMMARY", &*path), ("ZEGO_SERVER_SECRET", secret)];
    dir.run_with(&variables, "plan --format github").exits(0).output_lacks(secret);
    let summary = dir.read("summary.md");
    assert!(summary.contains("[redacted]") && !summary.contains(secret), "{summary}");
}
