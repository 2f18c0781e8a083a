//! `init`, `validate`, `schema`, `completions`, `man`: commands that need no state, network or credentials.

use super::test_dir::{CommandResult, THREE_ROOMS, TestDir, files_below};

#[test]
fn the_starter_file_applies_cleanly() {
    let dir = TestDir::empty();
    dir.run("init").exits(0).stderr_has("wrote rooms.yaml").stderr_has("roomctl plan");
    dir.run("validate").exits(0).stdout_has("Valid: 2 rooms.").output_lacks("warning");
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 2 created.");
    dir.run("plan --detailed-exitcode --refresh all").exits(0).stdout_has("No changes: ");
}

#[test]
fn init_does_not_make_git_ignore_the_state_and_its_journal() {
    let dir = TestDir::empty();
    dir.run("init").exits(0).stderr_has("wrote .gitignore").stderr_has("wrote .gitattributes");
    dir.run("apply -y").exits(0);
    dir.write("rooms.state.json.journal", "");
    let git = |line: &str| {
        let mut git = std::process::Command::new("git");
        git.args(line.split(' '))
            .current_dir(dir.path("."))
            .env_clear()
            .env("PATH", "/usr/bin:/bin");
        CommandResult::new(line, git.output().expect("git runs"))
    };
    git("init -q").exits(0);
    let listed = git("ls-files --others --exclude-standard").exits(0).stdout;
    let listed: Vec<&str> = listed.lines().collect();
    for name in ["rooms.yaml", "rooms.state.json", "rooms.state.json.journal"] {
        assert!(listed.contains(&name), "{name} is ignored: {listed:?}");
    }
    for name in ["rooms.state.json.lock", "rooms.emulator.json"] {
        assert!(dir.holds(name) && !listed.contains(&name), "{name} is not ignored: {listed:?}");
    }
    let attributes = git("check-attr text merge -- rooms.state.json.journal").exits(0);
    attributes.stdout_has("text: unset").stdout_has("merge: unset");
}

#[test]
fn init_writes_a_schema_and_refers_editors_to_it() {
    let dir = TestDir::empty();
    dir.run("init").exits(0).stderr_has("wrote rooms.schema.json");
    let first = dir.read("rooms.yaml").lines().next().map(str::to_owned);
    assert_eq!(first.as_deref(), Some("# yaml-language-server: $schema=rooms.schema.json"));
    assert_eq!(dir.read("rooms.schema.json"), dir.run("schema").exits(0).stdout);
}

#[test]
fn init_writes_a_valid_file_for_every_kind() {
    for kind in ["zim", "rtc", "tencent-live"] {
        let dir = TestDir::empty();
        dir.run(&format!("init --kind {kind}")).exits(0).stderr_has("wrote rooms.yaml");
        assert!(dir.read("rooms.yaml").contains(&format!("kind: {kind}\n")), "{kind}");
        dir.run("validate").exits(0).stdout_has("Valid: 2 rooms.").output_lacks("warning");
    }
    let dir = TestDir::empty();
    dir.run("init --kind zmi").exits(64).stderr_has("zim, rtc, tencent-live");
    dir.run("init --help").exits(0).stdout_has("created by their first user");
}

#[test]
fn init_never_overwrites() {
    let dir = TestDir::with("mine");
    dir.write(".gitignore", "mine");
    dir.run("init").exits(1).stderr_has("never overwrites");
    assert_eq!(dir.read("rooms.yaml"), "mine");
    dir.run("init -f rooms.yaml/below.yaml").exits(1).stderr_has("could not be written");
    dir.run("init -f live/rooms.yaml").exits(0).stderr_has("roomctl -f live/rooms.yaml plan");
    dir.run("plan -f live/rooms.yaml").exits(0).stdout_has("2 to create");
    let ran = dir.run("init -f other.yaml").exits(0).stderr_has("was not changed");
    ran.stderr_has("add to it: *.state.json.lock, rooms.emulator.json*");
    assert_eq!(dir.read(".gitignore"), "mine");
}

#[test]
fn a_missing_file_error_suggests_init() {
    TestDir::empty()
        .run("plan")
        .exits(1)
        .stderr_has("`rooms.yaml` does not exist")
        .stderr_has("roomctl init");
}

#[test]
fn every_finding_has_its_location_source_line_and_help() {
    let dir = TestDir::with(
        "\
version: 1
providers:
  chat: {kind: zim, app_id: 1, operator: admin, server_secret: abc}
rooms:
  - id: lobby
    nmae: Lobby
    destroy_delay_time: 4h
  - id: news
    name: 7
    attributes: {topic: yes}
",
    );
    let ran = dir.run("validate").exits(1);
    assert_eq!(ran.stdout, "");
    insta::assert_snapshot!(ran.stderr);
}

#[test]
fn an_option_that_is_not_built_is_an_error() {
    TestDir::with(THREE_ROOMS).run("reconcile --every 60s").stderr_has("not built yet").exits(64);
}

#[test]
fn validate_needs_neither_state_nor_credentials() {
    let dir = TestDir::with(THREE_ROOMS);
    dir.write("rooms.state.json", "damaged");
    dir.run_with(&[("ZIM_ENDPOINT", "vendor")], "validate").exits(0).stdout_has("Valid: 3 rooms.");
}

#[test]
fn a_warning_does_not_change_the_exit_code() {
    let dir = TestDir::with(&THREE_ROOMS.replace("defaults: {destroy_delay_time: 1h}\n", ""));
    dir.run("validate").exits(0).stderr_has("warning").stderr_has("destroy_delay_time");
}

#[test]
fn the_schema_is_a_draft_07_document() {
    let schema = TestDir::empty().run("schema").exits(0).document();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert!(schema["properties"]["rooms"].is_object(), "{schema}");
}

#[test]
fn completion_scripts_and_the_manual_are_printed() {
    let dir = TestDir::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        dir.run(&format!("completions {shell}")).exits(0).stdout_has("roomctl");
    }
    dir.run("man").exits(0).stdout_has(".TH roomctl 1").stdout_has("lock");
}

#[test]
fn every_command_has_a_manual_page() {
    let dir = TestDir::empty();
    let main = dir.run("man").exits(0).stdout;
    dir.run("man --out share/man1").exits(0).stderr_has("share/man1");
    assert_eq!(dir.read("share/man1/roomctl.1"), main);
    let pages = files_below(&dir.path("share/man1"));
    let help = dir.run("-h").exits(0).stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    for command in commands.filter_map(|line| line.split_whitespace().next()) {
        let page = format!("roomctl-{command}.1");
        assert!(pages.contains(&page) || command == "help", "{page} is not written: {pages:?}");
    }
    for page in ["roomctl-state-rm.1", "roomctl-emulator-enter.1", "roomctl-plan.1"] {
        let text = dir.read(&format!("share/man1/{page}"));
        for section in ["ENVIRONMENT", "FILES", "\"EXIT STATUS\""] {
            assert!(text.contains(&format!(".SH {section}\n")), "{page} has no {section}");
        }
    }
    let plan = dir.read("share/man1/roomctl-plan.1");
    for text in ["ZEGO_SERVER_SECRET", "rooms.state.json.journal", "roomctl plan", "CLICOLOR_FORCE"]
    {
        assert!(plan.contains(text), "the page of plan does not contain {text}");
    }
    let schema = dir.read("share/man1/roomctl-schema.1");
    assert!(!schema.contains("ZEGO_SERVER_SECRET"), "the page of schema lists a secret's variable");
    dir.run("man --out rooms.yaml/below").exits(0);
    dir.write("file", "");
    dir.run("man --out file/below").exits(1).stderr_has("file/below");
}

#[test]
fn files_in_subfolders_are_read_only_with_recursive() {
    let dir = TestDir::empty();
    dir.write("conf/rooms.yaml", THREE_ROOMS);
    dir.write("conf/more/a.yaml", "version: 1\nrooms: [{id: a, destroy_delay_time: 1h}]\n");
    let ran =
        dir.run("-f conf validate").exits(0).stdout_has("3 rooms").stderr_has("warning: 1 file ");
    ran.stderr_has("-R");
    dir.run("-f conf plan").exits(0).stdout_has("subfolders of `conf`");
    let read = dir.run("-R -f conf validate").exits(0).stdout_has("4 rooms");
    assert_eq!(read.stderr, "", "{read}");
    dir.run("plan --recursive -f conf").exits(0).stdout_has("chat/a ");
}
