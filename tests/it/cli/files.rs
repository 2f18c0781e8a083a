//! `init`, `validate`, `schema`, `completions`, `man`: commands that need no state, network or credentials.

use super::desk::{Desk, Ran, THREE_ROOMS, files_below};

#[test]
fn the_starter_file_applies_cleanly() {
    let desk = Desk::empty();
    desk.run("init").ends(0).says("wrote rooms.yaml").says("roomctl plan");
    desk.run("validate").ends(0).prints("Valid: 2 rooms.").keeps_from("warning");
    desk.run("apply --auto-approve").ends(0).prints("Applied: 2 created.");
    desk.run("plan --detailed-exitcode --refresh all").ends(0).prints("No changes: ");
}

#[test]
fn init_does_not_make_git_ignore_the_state_and_its_journal() {
    let desk = Desk::empty();
    desk.run("init").ends(0).says("wrote .gitignore").says("wrote .gitattributes");
    desk.run("apply -y").ends(0);
    desk.write("rooms.state.json.journal", "");
    let git = |line: &str| {
        let mut git = std::process::Command::new("git");
        git.args(line.split(' '))
            .current_dir(desk.path("."))
            .env_clear()
            .env("PATH", "/usr/bin:/bin");
        Ran::new(line, git.output().expect("git runs"))
    };
    git("init -q").ends(0);
    let listed = git("ls-files --others --exclude-standard").ends(0).stdout;
    let listed: Vec<&str> = listed.lines().collect();
    for name in ["rooms.yaml", "rooms.state.json", "rooms.state.json.journal"] {
        assert!(listed.contains(&name), "{name} is ignored: {listed:?}");
    }
    for name in ["rooms.state.json.lock", "rooms.emulator.json"] {
        assert!(desk.holds(name) && !listed.contains(&name), "{name} is not ignored: {listed:?}");
    }
    let attributes = git("check-attr text merge -- rooms.state.json.journal").ends(0);
    attributes.prints("text: unset").prints("merge: unset");
}

#[test]
fn init_writes_a_schema_and_refers_editors_to_it() {
    let desk = Desk::empty();
    desk.run("init").ends(0).says("wrote rooms.schema.json");
    let first = desk.read("rooms.yaml").lines().next().map(str::to_owned);
    assert_eq!(first.as_deref(), Some("# yaml-language-server: $schema=rooms.schema.json"));
    assert_eq!(desk.read("rooms.schema.json"), desk.run("schema").ends(0).stdout);
}

#[test]
fn init_writes_a_valid_file_for_every_kind() {
    for kind in ["zim", "rtc", "tencent-live"] {
        let desk = Desk::empty();
        desk.run(&format!("init --kind {kind}")).ends(0).says("wrote rooms.yaml");
        assert!(desk.read("rooms.yaml").contains(&format!("kind: {kind}\n")), "{kind}");
        desk.run("validate").ends(0).prints("Valid: 2 rooms.").keeps_from("warning");
    }
    let desk = Desk::empty();
    desk.run("init --kind zmi").ends(64).says("zim, rtc, tencent-live");
    desk.run("init --help").ends(0).prints("created by their first user");
}

#[test]
fn init_never_overwrites() {
    let desk = Desk::with("mine");
    desk.write(".gitignore", "mine");
    desk.run("init").ends(1).says("never overwrites");
    assert_eq!(desk.read("rooms.yaml"), "mine");
    desk.run("init -f rooms.yaml/below.yaml").ends(1).says("could not be written");
    desk.run("init -f live/rooms.yaml").ends(0).says("roomctl -f live/rooms.yaml plan");
    desk.run("plan -f live/rooms.yaml").ends(0).prints("2 to create");
    let ran = desk.run("init -f other.yaml").ends(0).says("was not changed");
    ran.says("add to it: *.state.json.lock, rooms.emulator.json*");
    assert_eq!(desk.read(".gitignore"), "mine");
}

#[test]
fn a_missing_file_error_suggests_init() {
    Desk::empty().run("plan").ends(1).says("`rooms.yaml` does not exist").says("roomctl init");
}

#[test]
fn every_finding_has_its_location_source_line_and_help() {
    let desk = Desk::with(
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
    let ran = desk.run("validate").ends(1);
    assert_eq!(ran.stdout, "");
    insta::assert_snapshot!(ran.stderr);
}

#[test]
fn an_option_that_is_not_built_is_an_error() {
    Desk::with(THREE_ROOMS).run("reconcile --every 60s").says("not built yet").ends(64);
}

#[test]
fn validate_needs_neither_state_nor_credentials() {
    let desk = Desk::with(THREE_ROOMS);
    desk.write("rooms.state.json", "damaged");
    desk.run_with(&[("ZIM_ENDPOINT", "vendor")], "validate").ends(0).prints("Valid: 3 rooms.");
}

#[test]
fn a_warning_does_not_change_the_exit_code() {
    let desk = Desk::with(&THREE_ROOMS.replace("defaults: {destroy_delay_time: 1h}\n", ""));
    desk.run("validate").ends(0).says("warning").says("destroy_delay_time");
}

#[test]
fn the_schema_is_a_draft_07_document() {
    let schema = Desk::empty().run("schema").ends(0).document();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert!(schema["properties"]["rooms"].is_object(), "{schema}");
}

#[test]
fn completion_scripts_and_the_manual_are_printed() {
    let desk = Desk::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        desk.run(&format!("completions {shell}")).ends(0).prints("roomctl");
    }
    desk.run("man").ends(0).prints(".TH roomctl 1").prints("lock");
}

#[test]
fn every_command_has_a_manual_page() {
    let desk = Desk::empty();
    let main = desk.run("man").ends(0).stdout;
    desk.run("man --out share/man1").ends(0).says("share/man1");
    assert_eq!(desk.read("share/man1/roomctl.1"), main);
    let pages = files_below(&desk.path("share/man1"));
    let help = desk.run("-h").ends(0).stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    for command in commands.filter_map(|line| line.split_whitespace().next()) {
        let page = format!("roomctl-{command}.1");
        assert!(pages.contains(&page) || command == "help", "{page} is not written: {pages:?}");
    }
    for page in ["roomctl-state-rm.1", "roomctl-emulator-enter.1", "roomctl-plan.1"] {
        let text = desk.read(&format!("share/man1/{page}"));
        for section in ["ENVIRONMENT", "FILES", "\"EXIT STATUS\""] {
            assert!(text.contains(&format!(".SH {section}\n")), "{page} has no {section}");
        }
    }
    let plan = desk.read("share/man1/roomctl-plan.1");
    for text in ["ZEGO_SERVER_SECRET", "rooms.state.json.journal", "roomctl plan", "CLICOLOR_FORCE"]
    {
        assert!(plan.contains(text), "the page of plan does not contain {text}");
    }
    let schema = desk.read("share/man1/roomctl-schema.1");
    assert!(!schema.contains("ZEGO_SERVER_SECRET"), "the page of schema lists a secret's variable");
    desk.run("man --out rooms.yaml/below").ends(0);
    desk.write("file", "");
    desk.run("man --out file/below").ends(1).says("file/below");
}

#[test]
fn files_in_subfolders_are_read_only_with_recursive() {
    let desk = Desk::empty();
    desk.write("conf/rooms.yaml", THREE_ROOMS);
    desk.write("conf/more/a.yaml", "version: 1\nrooms: [{id: a, destroy_delay_time: 1h}]\n");
    let ran = desk.run("-f conf validate").ends(0).prints("3 rooms").says("warning: 1 file ");
    ran.says("-R");
    desk.run("-f conf plan").ends(0).prints("subfolders of `conf`");
    let read = desk.run("-R -f conf validate").ends(0).prints("4 rooms");
    assert_eq!(read.stderr, "", "{read}");
    desk.run("plan --recursive -f conf").ends(0).prints("chat/a ");
}
