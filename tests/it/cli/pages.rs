//! `--format markdown` and `--format github`: pages for pull requests, and the files and annotations of
//! GitHub Actions.

use super::desk::{Desk, Ran, THREE_ROOMS};

/// Runs a command with the files of a GitHub Actions step; earlier runs have written to the same files.
fn on_github(desk: &Desk, line: &str) -> Ran {
    let path = |name: &str| desk.path(name).to_string_lossy().into_owned();
    let (summary, output) = (path("summary.md"), path("output"));
    desk.run_with(&[("GITHUB_STEP_SUMMARY", &summary), ("GITHUB_OUTPUT", &output)], line)
}

#[test]
fn a_markdown_plan_has_a_marker_and_the_digest() {
    let desk = Desk::with(THREE_ROOMS);
    let digest = desk.run("plan --format json").document()["digest"].clone();
    let page = desk.run("plan --format markdown").ends(0);
    assert!(page.stdout.starts_with("<!-- roomctl plan rooms.state.json -->\n"), "{page}");
    let digest = digest.as_str().expect("a digest");
    page.prints("**Plan: 3 to create")
        .prints("| create | 3 |")
        .prints("`chat/lobby`")
        .prints(digest);
    desk.run("plan --format markdown --diff")
        .ends(64)
        .says("`--diff` works with `--format text` only");
    desk.run("plan --format markdown --max-bytes 10").ends(64);
}

#[test]
fn the_refusal_of_the_gate_comes_first() {
    let desk = Desk::with(&THREE_ROOMS.replace("prevent_destroy: true", "prevent_destroy: false"));
    desk.run("apply --auto-approve").ends(0);
    desk.write(
        "rooms.yaml",
        &THREE_ROOMS
            .replace("rooms:\n", "rooms: []\nx-old:\n")
            .replace("prevent_destroy: true", "prevent_destroy: false"),
    );
    let text = desk.read("rooms.yaml");
    let (emptied, _) = text.split_once("x-old:").expect("the rooms");
    desk.write("rooms.yaml", emptied);
    let page = desk.run("plan --format markdown").ends(0);
    let body: Vec<&str> = page.stdout.lines().skip(1).collect();
    assert_eq!(body[..2], ["> [!CAUTION]", "> **The gate is closed: 3 steps will be held back.**"]);
    page.prints("`--allow-destroy 3` consents");
}

#[test]
fn a_markdown_apply_contains_plan_and_outcome() {
    let desk = Desk::with(THREE_ROOMS);
    let pages = desk.run("apply --auto-approve --format markdown").ends(0);
    pages.prints("**Plan: 3 to create").prints("**Applied: 3 created.**");
    let again = desk.run("apply --auto-approve --format markdown").ends(0);
    again.prints("**No changes: 3 rooms").keeps_from("Applied");
}

#[test]
fn drift_supports_markdown() {
    let desk = Desk::applied();
    desk.run("emulator advance 2h").ends(0);
    let page = desk.run("drift --format markdown").ends(2);
    assert!(page.stdout.starts_with("<!-- roomctl drift rooms.state.json -->\n"), "{page}");
    page.prints("**Drift: 3 of 3 rooms differ").prints("| `chat/lobby` | vanished |");
    desk.run("drift --format github").ends(64);
}

#[test]
fn format_github_writes_annotations_a_summary_and_outputs() {
    let desk = Desk::with(THREE_ROOMS);
    let plan = on_github(&desk, "plan --format github --detailed-exitcode").ends(2);
    plan.prints("::notice::Plan: 3 to create");
    desk.read("summary.md").strip_prefix("<!-- roomctl plan").expect("a page");
    let outputs = desk.read("output");
    for line in ["changes=true", "create=3", "destroy=0", "exit_code=2"] {
        assert!(outputs.lines().any(|it| it == line), "no {line} in {outputs}");
    }
    let digest = desk.run("plan --format json").document()["digest"].clone();
    assert!(outputs.contains(&format!("digest={}", digest.as_str().expect("a digest"))));
    on_github(&desk, "apply --auto-approve --format github")
        .ends(0)
        .prints("::notice::Applied: 3 created.");
    assert!(desk.read("summary.md").contains("**Applied: 3 created.**"));
    assert!(desk.read("output").contains("done=3\nfailed=0\n"), "{}", desk.read("output"));
    on_github(&desk, "plan --format github").ends(0);
    let last = desk.read("output");
    assert!(last.ends_with("exit_code=0\n") && last.contains("changes=false"), "{last}");
}

#[test]
fn a_finding_is_an_annotation_at_its_location() {
    let desk = Desk::with(&THREE_ROOMS.replace("name: News", "nam: News"));
    for command in ["validate", "plan", "apply --auto-approve"] {
        let ran = on_github(&desk, &format!("{command} --format github")).ends(1);
        let ran = ran.prints("::error file=rooms.yaml,line=7,col=16::");
        assert_eq!(
            ran.stdout.lines().filter(|line| !line.starts_with("::error")).count(),
            0,
            "{ran}"
        );
        assert_eq!(ran.stderr, "", "{ran}");
        assert!(desk.read("output").ends_with("exit_code=1\n"));
    }
    let valid = Desk::with(THREE_ROOMS).run("validate --format github").ends(0);
    assert_eq!(valid.stdout, "Valid: 3 rooms.\n");
}

#[test]
fn an_unwritable_github_file_is_an_error_before_any_call() {
    let desk = Desk::with(THREE_ROOMS);
    let path = desk.path("no/such/folder").to_string_lossy().into_owned();
    let line = "apply --auto-approve --format github";
    let ran = desk.run_with(&[("GITHUB_STEP_SUMMARY", &path)], line).ends(1);
    ran.prints("::error::GITHUB_STEP_SUMMARY names");
    desk.run("state list").ends(0).keeps_from("chat/lobby");
}

#[test]
fn secrets_are_redacted_in_the_github_summary() {
    let secret = "0123456789abcdef0123456789abcdef";
    let desk = Desk::with(&THREE_ROOMS.replace("topic: today", &format!("topic: {secret}")));
    let path = desk.path("summary.md").to_string_lossy().into_owned();
    let variables = [("GITHUB_STEP_SUMMARY", &*path), ("ZEGO_SERVER_SECRET", secret)];
    desk.run_with(&variables, "plan --format github").ends(0).keeps_from(secret);
    let summary = desk.read("summary.md");
    assert!(summary.contains("[redacted]") && !summary.contains(secret), "{summary}");
}
