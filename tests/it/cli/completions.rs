//! Shell completions: bash is run, the other shells' protocols are called directly.

use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use rexpect::reader::Options;
use rexpect::session::spawn_with_options;

use super::test_dir::{CommandResult, ROOMCTL, THREE_ROOMS, TestDir};

/// Completes the words of its arguments as bash does when Tab is pressed after the last one.
const TAB: &str = r#"
source ./roomctl.bash
COMP_LINE=$1; COMP_POINT=${#COMP_LINE}; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
word=${COMP_WORDS[COMP_CWORD]}
case $word in =|:) word= ;; esac
_roomctl roomctl "$word" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"#;

/// Returns a folder that contains the binary in `bin`, and the completion script for bash.
fn dir(rooms: &str) -> TestDir {
    let dir = TestDir::with(rooms);
    dir.write("roomctl.bash", &dir.run("completions bash").exits(0).stdout);
    dir.write("tab.bash", TAB);
    std::fs::create_dir(dir.path("bin")).expect("a folder");
    symlink(ROOMCTL, dir.path("bin/roomctl")).expect("a link to the binary");
    dir
}

fn bash(dir: &TestDir) -> Command {
    let mut command = Command::new("bash");
    let path = format!("{}:/usr/bin:/bin", dir.path("bin").display());
    command.current_dir(dir.path(".")).env_clear().env("PATH", path);
    command
}

/// Returns what bash offers for a line that it splits into these words.
#[track_caller]
fn offers_for_words(dir: &TestDir, line: &str, words: &[&str]) -> Vec<String> {
    let mut command = bash(dir);
    command.args(["tab.bash", line]).args(words).stdin(Stdio::null());
    let ran = CommandResult::new(line, command.output().expect("bash runs")).exits(0);
    assert_eq!(ran.stderr, "", "{ran}");
    ran.stdout.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Returns what bash offers for a line that it splits at spaces only.
#[track_caller]
fn offers(dir: &TestDir, line: &str) -> Vec<String> {
    offers_for_words(dir, line, &line.split(' ').collect::<Vec<_>>())
}

#[test]
fn values_of_enumerated_options_are_offered() {
    let dir = dir(THREE_ROOMS);
    assert_eq!(offers(&dir, "roomctl vali"), ["validate"]);
    for (line, values) in [
        ("roomctl plan --refresh ", ["never", "due", "all"].as_slice()),
        ("roomctl plan --format ", &["text", "json", "markdown", "github"]),
        ("roomctl --color ", &["auto", "always", "never"]),
        ("roomctl apply --log-format ", &["text", "json"]),
        ("roomctl init --kind ", &["zim", "rtc", "tencent-live"]),
    ] {
        assert_eq!(offers(&dir, line), values, "{line}");
    }
    assert_eq!(
        offers_for_words(
            &dir,
            "roomctl plan --refresh=d",
            &["roomctl", "plan", "--refresh", "=", "d"]
        ),
        ["due"]
    );
}

#[test]
fn addresses_are_offered_from_the_state() {
    let dir = dir(THREE_ROOMS);
    dir.run("apply --auto-approve").exits(0);
    dir.run("state rm chat/news --auto-approve").exits(0);
    let all = ["chat/lobby", "chat/support"];
    for line in [
        "roomctl state show chat/",
        "roomctl state rm chat/",
        "roomctl state list chat/",
        "roomctl state rm chat/lobby chat/",
        "roomctl apply --evict chat/",
        "roomctl destroy --evict chat/",
        "roomctl emulator enter chat/",
    ] {
        assert_eq!(offers(&dir, line), all, "{line}");
    }
    // `import` offers rooms that are declared and not recorded first.
    assert_eq!(offers(&dir, "roomctl import chat/"), ["chat/news", "chat/lobby", "chat/support"]);
    let split = ["roomctl", "apply", "--evict", "=", "chat/l"];
    assert_eq!(offers_for_words(&dir, "roomctl apply --evict=chat/l", &split), ["chat/lobby"]);
}

#[test]
fn completion_honours_the_file_and_state_options() {
    let other = dir("");
    other.write("conf/rooms.yaml", THREE_ROOMS);
    other.run("apply -f conf/rooms.yaml --auto-approve").exits(0);
    let all = ["chat/lobby", "chat/news", "chat/support"];
    assert_eq!(offers(&other, "roomctl -f conf/rooms.yaml state show chat/"), all);
    assert_eq!(offers(&other, "roomctl state show -f conf/rooms.yaml chat/"), all);
    let by_state = "roomctl --state conf/rooms.state.json state show chat/";
    assert_eq!(offers(&other, by_state), all);
    std::fs::remove_file(other.path("rooms.yaml")).expect("the file");
    assert_eq!(offers(&other, by_state), all);
}

#[test]
fn completion_prints_nothing_for_unreadable_files() {
    let dir = dir("this is: [not\nYAML");
    assert_eq!(offers(&dir, "roomctl state show chat/"), [""; 0]);
    assert_eq!(offers(&dir, "roomctl -f nowhere.yaml state show chat/"), [""; 0]);
    assert_eq!(offers(&dir, "roomctl -f - state show chat/"), [""; 0]);
    dir.write("rooms.yaml", THREE_ROOMS);
    dir.write("rooms.state.json", "damaged");
    assert_eq!(offers(&dir, "roomctl state show chat/"), [""; 0]);
    let shell = [("ROOMCTL_COMPLETE", "no-such-shell")];
    let ran = dir.run_with(&shell, "-- roomctl pl").exits(1);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
}

/// Ids that contain word separators of bash, and a command substitution.
const ODD: &str = "\
version: 1
providers:
  chat: {kind: zim, app_id: 1, operator: admin, endpoint: emulator}
defaults: {destroy_delay_time: 1h}
rooms: [{id: 'a b$(touch run)'}, {id: 'a:b=c'}]
";

#[test]
fn ids_with_shell_metacharacters_are_quoted() {
    let dir = dir(ODD);
    dir.run("apply --auto-approve").exits(0);
    let quoted = offers(&dir, "roomctl state show chat/");
    assert_eq!(quoted, [r"chat/a\ b\$\(touch\ run\)", "chat/a:b=c"]);
    let split = ["roomctl", "state", "show", "chat/a", ":"];
    assert_eq!(offers_for_words(&dir, "roomctl state show chat/a:", &split), ["b=c"]);
}

#[test]
fn tab_completes_in_an_interactive_bash() {
    let dir = dir(ODD);
    dir.run("apply --auto-approve").exits(0);
    let mut command = bash(&dir);
    // The test terminal starts without echo; bash would not show completed text.
    let shell = "stty echo cols 100; PS1='ready> ' exec bash --norc --noprofile -i";
    command.args(["-c", shell]).env("TERM", "dumb");
    let options = Options::new().timeout_ms(Some(120_000));
    let mut terminal = spawn_with_options(command, options).expect("a terminal");
    terminal.exp_string("ready> ").expect("a prompt");
    terminal.send_line("source ./roomctl.bash").expect("typed");
    terminal.exp_string("ready> ").expect("a prompt");
    terminal.send("roomctl sta\tsho\tchat/a:\t").expect("typed");
    terminal.flush().expect("typed");
    terminal.exp_string("state show chat/a:b=c ").expect("the completed word");
    terminal.send_line("").expect("Enter");
    terminal.exp_string("address                chat/a:b=c").expect("the room");
    terminal.exp_string("ready> ").expect("a prompt");
    terminal.send("roomctl state show 'chat/a b\t").expect("typed");
    terminal.flush().expect("typed");
    terminal.exp_string("chat/a b$(touch run)' ").expect("the completed word");
    terminal.send_line("").expect("Enter");
    terminal.exp_string("address                chat/a b$(touch run)").expect("the room");
    terminal.send_line("exit").expect("typed");
    terminal.exp_eof().expect("the end");
    assert!(!dir.holds("run"), "the shell ran a command substitution in a room's id");
}

#[test]
fn other_shells_get_scripts_and_completions() {
    let dir = TestDir::applied();
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        let script = dir.run(&format!("completions {shell}")).exits(0);
        script.stdout_has("roomctl").stdout_has("ROOMCTL_COMPLETE");
    }
    let variables = [("ROOMCTL_COMPLETE", "zsh"), ("_CLAP_COMPLETE_INDEX", "3")];
    let zsh = dir.run_with(&variables, "-- roomctl state show chat/l").exits(0);
    assert_eq!(zsh.stdout, "chat/lobby");
    let fish = dir.run_with(&[("ROOMCTL_COMPLETE", "fish")], "-- roomctl state show chat/l");
    assert_eq!(fish.exits(0).stdout, "chat/lobby\n");
}
