//! `for_each`, which declares many rooms in one entry, and `import --generate`, which writes a file from
//! existing rooms.

use std::io::Write;
use std::process::Stdio;

use super::served::Served;
use super::test_dir::{CommandResult, THREE_ROOMS, TestDir};

/// 200 tables from one entry, on the built-in emulator.
const TABLES: &str = "\
version: 1
x-topic: &topic {topic: welcome}
providers:
  chat: {kind: zim, app_id: 1, operator: admin, endpoint: emulator}
  video: {kind: rtc, app_id: 1, endpoint: emulator}
defaults: {provider: chat, destroy_delay_time: 1h}
rooms:
  - id: table-${n}
    for_each: {n: 001..200}
    name: Table ${n}
    attributes: *topic
  - {id: '${team}-${side}', for_each: {team: [red, blue], side: [a, b]}, attributes: {team: '${team}'}}
";

#[test]
fn an_entry_with_for_each_is_planned_and_applied_as_many_rooms() {
    let dir = TestDir::with(TABLES);
    dir.run("validate").exits(0).stdout_has("Valid: 204 rooms.");
    dir.run("plan").exits(0).stdout_has("Plan: 204 to create, ").stdout_has("chat/table-001");
    let plan = dir.run("plan --format json").exits(0).document();
    let steps = plan["steps"].as_array().expect("steps").iter();
    let at_line = |line: &str| steps.clone().filter(|step| step["source"] == line).count();
    assert_eq!((at_line("rooms.yaml:8"), at_line("rooms.yaml:12")), (200, 4));
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 204 created.");
    dir.run("plan --refresh all").exits(0).stdout_has("No changes: 204 rooms, 204 asked");
    let shown = dir.run("state show chat/table-007 chat/blue-b").exits(0);
    shown
        .stdout_has("\"Table 007\"")
        .stdout_has("\"welcome\"")
        .stdout_has("\"blue\"")
        .output_lacks("${");
    dir.edit("001..200", "001..198");
    dir.run("plan").exits(0).stdout_has("2 to destroy").stdout_has("chat/table-199");
}

#[test]
fn an_invalid_for_each_entry_is_an_error_before_any_call() {
    let dir = TestDir::with(TABLES);
    for (right, wrong, message) in [
        ("001..200", "200..001", "the range `200..001` runs backwards"),
        ("001..200", "0000001..1000001", "expands to more than 1,000,000 rooms"),
        ("[red, blue]", "[red, red]", "`team` has the value `red` twice"),
        ("Table ${n}", "Table ${m}", "`${m}` is not a variable of `for_each`"),
        ("id: table-${n}", "id: table", "the id is the same for 200 values of `n`"),
        (
            "id: table-${n}",
            "id: a-table-of-the-east-wing-number-${n}",
            "zim accepts at most 32 (n: 001, and 199 more rooms of the entry)",
        ),
    ] {
        dir.write("rooms.yaml", TABLES);
        dir.edit(right, wrong);
        dir.run("apply --auto-approve").exits(1).stderr_has(message).stderr_has("rooms.yaml:");
        assert!(!dir.holds("rooms.state.json"), "{wrong}");
    }
}

/// Returns a service with three rooms that are not in `rooms.state.json`, and a file that declares none.
fn with_existing_rooms() -> (TestDir, Served) {
    let topic = r##"topic: "it's \"#1\": \\ {x} ${n}\n\té\u2028", "no": "yes", "7": " ""##;
    let dir = TestDir::with(&THREE_ROOMS.replace("topic: welcome", topic));
    let served = Served::start(&dir, "");
    served.run(&dir, "apply --auto-approve --state theirs.json").exits(0);
    let (head, _) = THREE_ROOMS.split_once("rooms:").expect("rooms");
    dir.write("rooms.yaml", &format!("{head}rooms: []\n"));
    (dir, served)
}

const GENERATE: &str = "import --generate existing.yaml --provider chat";

#[test]
fn a_generated_file_can_be_imported_and_then_has_no_steps() {
    let (dir, served) = with_existing_rooms();
    dir.write("ids.txt", "# ours\nlobby\n\n  news\r\nsupport\ngone\nnews\n");
    let ran = served.run(&dir, &format!("{GENERATE} --ids ids.txt")).exits(0);
    ran.stdout_has("Generate: 3 written, 0 declared already, 1 not found, 0 unread.")
        .stderr_has("wrote existing.yaml");
    assert!(!dir.holds("rooms.state.json"), "a state was written");
    insta::assert_snapshot!(dir.read("existing.yaml"));
    let both = "-f rooms.yaml -f existing.yaml";
    served.run(&dir, &format!("{both} import --all-declared")).exits(0).stdout_has("3 recorded");
    let plan = served.run(&dir, &format!("{both} plan --refresh all --detailed-exitcode"));
    plan.exits(0).stdout_has("No changes: 3 rooms, 3 asked.");
}

#[test]
fn an_id_that_starts_with_a_hash_is_not_a_comment() {
    let (dir, served) = with_existing_rooms();
    dir.write("ids.txt", "# theirs\n#\n#lobby\n");
    let ran = served.run(&dir, &format!("{GENERATE} --ids ids.txt")).exits(0);
    ran.stdout_has("Generate: 0 written, 0 declared already, 1 not found, 0 unread.");
    assert!(dir.read("existing.yaml").contains("\n#   \"#lobby\"\n"));
}

#[test]
fn generate_omits_declared_rooms_and_never_overwrites_a_file() {
    let (dir, served) = with_existing_rooms();
    dir.write("ids.txt", "lobby\nnews\n");
    dir.edit("rooms: []", "rooms: [{id: lobby}]");
    let line = format!("{GENERATE} --ids ids.txt");
    served.run(&dir, &line).exits(0).stdout_has("1 written, 1 declared already");
    let first = dir.read("existing.yaml");
    served
        .run(&dir, "-f rooms.yaml -f existing.yaml validate")
        .exits(0)
        .stdout_has("Valid: 2 rooms.");
    served.run(&dir, &line).exits(1).stderr_has("existing.yaml exists already");
    assert_eq!(dir.read("existing.yaml"), first);
}

/// Runs a command with this text on standard input.
fn with_input(served: &Served, dir: &TestDir, line: &str, text: &str) -> CommandResult {
    let mut command = dir.command(line);
    command.env("ZIM_ENDPOINT", &served.url).env("ZEGO_SERVER_SECRET", super::served::SECRET);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("the binary runs");
    let mut input = child.stdin.take().expect("its input");
    input.write_all(text.as_bytes()).expect("it reads its input");
    drop(input);
    CommandResult::new(line, child.wait_with_output().expect("its output"))
}

#[test]
fn generate_reads_ids_from_stdin_and_prints_json() {
    let (dir, served) = with_existing_rooms();
    let line = format!("{GENERATE} --format json");
    let ran = with_input(&served, &dir, &line, "lobby\ngone\n").exits(0);
    let document = ran.document();
    assert_eq!(document["rooms"][0]["address"], "chat/gone", "{ran}");
    assert_eq!(document["rooms"][0]["result"], "missing", "{ran}");
    assert_eq!(document["rooms"][1]["result"], "written", "{ran}");
    assert_eq!(document["summary"]["written"], 1, "{ran}");
    assert_eq!(document["file"], "existing.yaml", "{ran}");
    let both = "-f rooms.yaml -f existing.yaml import --all-declared --format json";
    let imported = served.run(&dir, both).exits(0).document();
    assert_eq!(imported["rooms"][0]["address"], "chat/lobby");
    assert_eq!(imported["rooms"][0]["result"], "recorded");
    assert_eq!(imported["rooms"][0]["assumed"], true);
    assert_eq!(imported["summary"]["recorded"], 1);
}

#[test]
fn invalid_ids_are_refused_with_their_locations() {
    let (dir, served) = with_existing_rooms();
    dir.write("ids.txt", "lobby\na/b\n# fine\n  caf\u{e9}\n");
    let ran = served.run(&dir, &format!("{GENERATE} --ids ids.txt")).exits(1);
    ran.stderr_has("ids.txt:2:1").stderr_has("ids.txt:4:3").stderr_has("nothing was done");
    assert!(!dir.holds("existing.yaml"));
    dir.write("ids.txt", "# none\n\n");
    served.run(&dir, &format!("{GENERATE} --ids ids.txt")).exits(1).stderr_has("contains no ids");
    served.run(&dir, &format!("{GENERATE} --ids nowhere.txt")).exits(1).stderr_has("nowhere.txt");
    let other = "import --generate existing.yaml --provider talk --ids ids.txt";
    served.run(&dir, other).exits(1).stderr_has("the files declare chat");
    served.run(&dir, "import --generate existing.yaml").exits(64).stderr_has("--provider");
    served.run(&dir, &format!("-f - {GENERATE}")).exits(1);
    assert!(!dir.holds("existing.yaml"));
}
