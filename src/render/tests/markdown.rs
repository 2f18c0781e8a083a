//! Tests of Markdown pages and annotations: their content, and that untrusted text cannot break out of
//! them.

use proptest::prelude::*;

use super::*;
use crate::model::{Drift, DriftKind, DriftSummary, DriftedRoom, Place, ValueChange};

fn view(state: &str, max_bytes: usize) -> PageView<'_> {
    PageView { state, layout: Layout::Grouped, max_bytes }
}

fn page(plan: &Plan, state: &str, max_bytes: usize) -> String {
    written(|out| plan_markdown(out, plan, &view(state, max_bytes)))
}

/// Returns a plan of this number of creates, each with another name.
fn creates(number: u64) -> Plan {
    let steps = (0..number).map(|n| Step {
        after: Some(room(&format!("Table {n}"), &[("topic", "welcome")])),
        calls: vec![Call::CreateRoom],
        ..step(&format!("chat/table-{n:06}"), Action::Create, Reason::NotRecorded)
    });
    let summary = Summary { create: number, ..Summary::default() };
    Plan { steps: steps.collect(), summary, ..empty() }
}

#[test]
fn a_page_has_the_refusals_the_counts_the_steps_and_the_digest() {
    insta::assert_snapshot!(page(&full(), "rooms.state.json", 60_000));
}

#[test]
fn a_plan_without_steps_is_one_line_without_a_digest() {
    let page = page(&empty(), "rooms.state.json", 60_000);
    assert_eq!(
        page,
        "<!-- roomctl plan rooms.state.json -->\n**No changes: 38 rooms, 0 asked**.\n\n\
         Refreshed: 0 rooms asked (`refresh: due`).\n"
    );
}

#[test]
fn items_that_do_not_fit_are_counted() {
    for number in [1, 10, 1_000, 100_000] {
        for max_bytes in [2_000, 5_000, 60_000] {
            let page = page(&creates(number), "rooms.state.json", max_bytes);
            assert!(page.len() <= max_bytes, "{number} steps in {} of {max_bytes}", page.len());
            let shown = page.matches("| `chat/table-").count() as u64;
            let more = page.split_once("… and ").and_then(|(_, rest)| rest.split_once(" more"));
            let more = more.map_or(0, |(more, _)| more.parse::<u64>().expect("a number"));
            assert_eq!(shown + more, number);
            assert!(page.ends_with("`\n") && page.contains("\nDigest `sha256:dddd"), "{page}");
            assert_eq!(page.matches("<details>").count(), page.matches("</details>").count());
        }
    }
}

#[test]
fn a_page_of_drift_lists_the_rooms_that_differ() {
    let change = |before: &str, after: &str| {
        let text = |text: &str| Some(Value::Text(text.into()));
        ValueChange::of("attributes.topic", text(before), text(after)).into_iter().collect()
    };
    let drift = Drift {
        scope: None,
        emulated: false,
        state: StateRef::default(),
        rooms: vec![DriftedRoom {
            address: address("chat/lobby"),
            kind: DriftKind::AttributesChanged,
            next: Vec::new(),
            changes: change("ours", "theirs"),
        }],
        unmanaged: Vec::new(),
        unread: vec![Unread { address: address("chat/z"), why: "no answer in 10 s".to_owned() }],
        in_progress: None,
        summary: DriftSummary {
            recorded: 3,
            asked: 3,
            in_sync: 1,
            attributes_changed: 1,
            unread: 1,
            ..DriftSummary::default()
        },
        findings: Vec::new(),
    };
    insta::assert_snapshot!(written(|out| {
        drift_markdown(out, &drift, &view("rooms.state.json", 60_000))
    }));
}

/// Pieces of text with a meaning in Markdown, HTML, a workflow's log or on GitHub.
const PIECES: &[&str] = &[
    "`",
    "``",
    "|",
    "\\|",
    "\\",
    "\\`",
    "\n",
    "\r\n",
    "<!--",
    "-->",
    "--",
    "-",
    ">",
    "<",
    "</details>",
    "<script>",
    "@team",
    "#1",
    "[a](http://x)",
    "![a](b)",
    "http://evil.example",
    "**",
    "__",
    "$",
    "::",
    "::error::x",
    "##[error]",
    "%0A",
    "%",
    "\u{202e}",
    "\u{2028}",
    "&#124;",
    "~~~",
    "a",
    " ",
    ",",
    ":",
    "\n\n# x",
    "\n::stop-commands::x",
];

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => proptest::sample::select(PIECES).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// Returns a plan with `text` in every untrusted place.
fn plan_with(text: &str) -> Plan {
    let address = |room: &str| -> Address {
        let named = format!("chat/{room}{text}").parse();
        named.unwrap_or_else(|_| address(&format!("chat/{room}")))
    };
    let step = |room: &str, action, reason| Step {
        address: address(room),
        ..step("chat/x", action, reason)
    };
    let key = format!("k{text}");
    let value = |end: &str| super::room(&format!("{text}{end}"), &[(&key, text), ("end", end)]);
    let place = Place {
        file: format!("f{text}").into(),
        line: 3,
        column: 5,
        width: 1,
        text: text.to_owned(),
    };
    let steps = vec![
        step("a", Action::Destroy, Reason::NotDeclared),
        Step {
            before: Some(value("1")),
            after: Some(value("2")),
            carried: Carried::Known(attributes(&[(&key, text)])),
            ..step("b", Action::Replace, Reason::NameChanged)
        },
        Step { after: Some(value("3")), ..step("c", Action::Create, Reason::NotRecorded) },
    ];
    let held = step("d", Action::Create, Reason::AlreadyExists);
    let warning = Finding::warning("x", format!("m{text}")).help(format!("h{text}"));
    Plan {
        steps,
        blocked: vec![Held { step: held, reason: HeldReason::Conflict }],
        unread: vec![Unread { address: address("e"), why: format!("w{text}") }],
        gate: Gate {
            refusals: vec![Refusal { kind: RefusalKind::FileNotRead, message: format!("r{text}") }],
            counted: 2,
            recreated: 0,
        },
        summary: Summary {
            destroy: 1,
            replace: 1,
            create: 1,
            blocked: 1,
            unread: 1,
            ..Summary::default()
        },
        findings: vec![warning.at(place)],
        ..empty()
    }
}

/// Returns a page without the text of its code spans, which must be closed on their line.
fn skeleton(page: &str) -> String {
    let line = |line: &str| -> String {
        let parts: Vec<&str> = line.split('`').collect();
        assert!(parts.len() % 2 == 1, "a code span is open in {line:?}");
        parts.into_iter().step_by(2).collect::<Vec<_>>().join("`")
    };
    page.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Returns the command, the properties and the message of a line, as GitHub's runner parses it.
fn command(line: &str) -> (String, Vec<(String, String)>, String) {
    let rest = line.trim_start().strip_prefix("::").expect("a command");
    let (head, message) = rest.split_once("::").expect("a message");
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let unescape = |text: &str| {
        let text = text.replace("%3A", ":").replace("%2C", ",");
        text.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
    };
    let pairs = properties.split(',').filter_map(|pair| pair.split_once('='));
    let pairs = pairs.map(|(key, value)| (key.to_owned(), unescape(value)));
    (name.to_owned(), pairs.collect(), message.to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn untrusted_text_stays_in_its_code_span(text in hostile()) {
        let benign = page(&plan_with("x"), "x", 60_000);
        let hostile = page(&plan_with(&text), "x", 60_000);
        prop_assert_eq!(skeleton(&hostile), skeleton(&benign));
        let spans = hostile.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
        for span in spans {
            prop_assert!(!span.is_empty() && !span.contains('|'), "{span:?}");
            prop_assert!(!span.chars().any(char::is_control), "{span:?}");
        }
    }

    #[test]
    fn the_marker_is_one_comment_and_distinguishes_states(one in hostile(), other in hostile()) {
        let marker = |state: &str| {
            let page = page(&empty(), state, 60_000);
            page.split_once('\n').expect("lines").0.to_owned()
        };
        let line = marker(&one);
        let text = line.strip_prefix("<!-- roomctl plan ").and_then(|it| it.strip_suffix(" -->"));
        let text = text.expect("a comment");
        prop_assert!(!text.contains("--") && !text.contains(['<', '>']), "{text}");
        let is_short = |text: &str| text.len() <= 66;
        if one != other && is_short(&one) && is_short(&other) {
            prop_assert_ne!(line, marker(&other));
        }
    }

    #[test]
    fn an_annotation_is_one_command_with_its_place(text in hostile()) {
        let plan = plan_with(&text);
        let lines = written(|out| plan_github(out, &plan));
        let lines: Vec<&str> = lines.lines().collect();
        let names: Vec<String> = lines.iter().map(|line| command(line).0).collect();
        prop_assert_eq!(names, ["warning", "warning", "warning", "warning", "notice"]);
        let (_, properties, message) = command(lines[0]);
        let file = format!("f{text}");
        let place = [("file", plain(file)), ("line", "3".to_owned()), ("col", "5".to_owned())];
        let place = place.map(|(key, value)| (key.to_owned(), value));
        prop_assert_eq!(properties, place);
        let sentences = [plain(format!("m{text}")), plain(format!("h{text}"))];
        prop_assert_eq!(message, sentences.map(|it| it.replace('%', "%25")).join("%0A"));
    }

    #[test]
    fn a_line_of_the_log_is_not_a_command(text in hostile()) {
        let line = log_text(&format!("chat/{text}: created"));
        prop_assert!(!line.contains("##["), "{line}");
    }
}
