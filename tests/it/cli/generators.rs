//! `for_each`, which declares many rooms in one entry, and `import --generate`, which writes a file from
//! existing rooms.

use std::io::Write;
use std::process::Stdio;

use super::desk::{Desk, Ran, THREE_ROOMS};
use super::served::Served;

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
    let desk = Desk::with(TABLES);
    desk.run("validate").ends(0).prints("Valid: 204 rooms.");
    desk.run("plan").ends(0).prints("Plan: 204 to create, ").prints("chat/table-001");
    let plan = desk.run("plan --format json").ends(0).document();
    let steps = plan["steps"].as_array().expect("steps").iter();
    let at_line = |line: &str| steps.clone().filter(|step| step["source"] == line).count();
    assert_eq!((at_line("rooms.yaml:8"), at_line("rooms.yaml:12")), (200, 4));
    desk.run("apply --auto-approve").ends(0).prints("Applied: 204 created.");
    desk.run("plan --refresh all").ends(0).prints("No changes: 204 rooms, 204 asked");
    let shown = desk.run("state show chat/table-007 chat/blue-b").ends(0);
    shown.prints("\"Table 007\"").prints("\"welcome\"").prints("\"blue\"").keeps_from("${");
    desk.edit("001..200", "001..198");
    desk.run("plan").ends(0).prints("2 to destroy").prints("chat/table-199");
}

#[test]
fn an_invalid_for_each_entry_is_an_error_before_any_call() {
    let desk = Desk::with(TABLES);
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
        desk.write("rooms.yaml", TABLES);
        desk.edit(right, wrong);
        desk.run("apply --auto-approve").ends(1).says(message).says("rooms.yaml:");
        assert!(!desk.holds("rooms.state.json"), "{wrong}");
    }
}

/// Returns a service with three rooms that are not in `rooms.state.json`, and a file that declares none.
fn with_existing_rooms() -> (Desk, Served) {
    let topic = r##"topic: "it's \"#1\": \\ {x} ${n}\n\té\u2028", "no": "yes", "7": " ""##;
    let desk = Desk::with(&THREE_ROOMS.replace("topic: welcome", topic));
    let served = Served::start(&desk, "");
    served.run(&desk, "apply --auto-approve --state theirs.json").ends(0);
    let (head, _) = THREE_ROOMS.split_once("rooms:").expect("rooms");
    desk.write("rooms.yaml", &format!("{head}rooms: []\n"));
    (desk, served)
}

const GENERATE: &str = "import --generate existing.yaml --provider chat";

#[test]
fn a_generated_file_can_be_imported_and_then_has_no_steps() {
    let (desk, served) = with_existing_rooms();
    desk.write("ids.txt", "# ours\nlobby\n\n  news\r\nsupport\ngone\nnews\n");
    let ran = served.run(&desk, &format!("{GENERATE} --ids ids.txt")).ends(0);
    ran.prints("Generate: 3 written, 0 declared already, 1 not found, 0 unread.")
        .says("wrote existing.yaml");
    assert!(!desk.holds("rooms.state.json"), "a state was written");
    insta::assert_snapshot!(desk.read("existing.yaml"));
    let both = "-f rooms.yaml -f existing.yaml";
    served.run(&desk, &format!("{both} import --all-declared")).ends(0).prints("3 recorded");
    let plan = served.run(&desk, &format!("{both} plan --refresh all --detailed-exitcode"));
    plan.ends(0).prints("No changes: 3 rooms, 3 asked.");
}

#[test]
fn an_id_that_starts_with_a_hash_is_not_a_comment() {
    let (desk, served) = with_existing_rooms();
    desk.write("ids.txt", "# theirs\n#\n#lobby\n");
    let ran = served.run(&desk, &format!("{GENERATE} --ids ids.txt")).ends(0);
    ran.prints("Generate: 0 written, 0 declared already, 1 not found, 0 unread.");
    assert!(desk.read("existing.yaml").contains("\n#   \"#lobby\"\n"));
}

#[test]
fn generate_omits_declared_rooms_and_never_overwrites_a_file() {
    let (desk, served) = with_existing_rooms();
    desk.write("ids.txt", "lobby\nnews\n");
    desk.edit("rooms: []", "rooms: [{id: lobby}]");
    let line = format!("{GENERATE} --ids ids.txt");
    served.run(&desk, &line).ends(0).prints("1 written, 1 declared already");
    let first = desk.read("existing.yaml");
    served.run(&desk, "-f rooms.yaml -f existing.yaml validate").ends(0).prints("Valid: 2 rooms.");
    served.run(&desk, &line).ends(1).says("existing.yaml exists already");
    assert_eq!(desk.read("existing.yaml"), first);
}

/// Runs a command with this text on standard input.
fn with_input(served: &Served, desk: &Desk, line: &str, text: &str) -> Ran {
    let mut command = desk.command(line);
    command.env("ZIM_ENDPOINT", &served.url).env("ZEGO_SERVER_SECRET", super::served::SECRET);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("the binary runs");
    let mut input = child.stdin.take().expect("its input");
    input.write_all(text.as_bytes()).expect("it reads its input");
    drop(input);
    Ran::new(line, child.wait_with_output().expect("its output"))
}

#[test]
fn generate_reads_ids_from_stdin_and_prints_json() {
    let (desk, served) = with_existing_rooms();
    let line = format!("{GENERATE} --format json");
    let ran = with_input(&served, &desk, &line, "lobby\ngone\n").ends(0);
    let document = ran.document();
    assert_eq!(document["rooms"][0]["address"], "chat/gone", "{ran}");
    assert_eq!(document["rooms"][0]["result"], "missing", "{ran}");
    assert_eq!(document["rooms"][1]["result"], "written", "{ran}");
    assert_eq!(document["summary"]["written"], 1, "{ran}");
    assert_eq!(document["file"], "existing.yaml", "{ran}");
    let both = "-f rooms.yaml -f existing.yaml import --all-declared --format json";
    let imported = served.run(&desk, both).ends(0).document();
    assert_eq!(imported["rooms"][0]["address"], "chat/lobby");
    assert_eq!(imported["rooms"][0]["result"], "recorded");
    assert_eq!(imported["rooms"][0]["assumed"], true);
    assert_eq!(imported["summary"]["recorded"], 1);
}

#[test]
fn invalid_ids_are_refused_with_their_locations() {
    let (desk, served) = with_existing_rooms();
    desk.write("ids.txt", "lobby\na/b\n# fine\n  caf\u{e9}\n");
    let ran = served.run(&desk, &format!("{GENERATE} --ids ids.txt")).ends(1);
    ran.says("ids.txt:2:1").says("ids.txt:4:3").says("nothing was done");
    assert!(!desk.holds("existing.yaml"));
    desk.write("ids.txt", "# none\n\n");
    served.run(&desk, &format!("{GENERATE} --ids ids.txt")).ends(1).says("contains no ids");
    served.run(&desk, &format!("{GENERATE} --ids nowhere.txt")).ends(1).says("nowhere.txt");
    let other = "import --generate existing.yaml --provider talk --ids ids.txt";
    served.run(&desk, other).ends(1).says("the files declare chat");
    served.run(&desk, "import --generate existing.yaml").ends(64).says("--provider");
    served.run(&desk, &format!("-f - {GENERATE}")).ends(1);
    assert!(!desk.holds("existing.yaml"));
}
