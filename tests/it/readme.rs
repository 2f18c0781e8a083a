//! Runs every command of the README and the user pages, and compares its output with the page.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use roomctl::model::{Change, Kind};

use crate::cli::served::Served;
use crate::cli::test_dir::{CommandResult, ROOMCTL, TestDir, repository};

/// The user pages; each is run in its own folder.
const PAGES: [&str; 5] =
    ["README.md", "docs/rooms-yaml.md", "docs/services.md", "docs/going-live.md", "docs/state.md"];

/// Replaces cargo: the binary is built already, and the tests already run.
const CARGO: &str = "\
#!/bin/sh
case \"$*\" in
  'run --release -- '*) shift 3; exec roomctl \"$@\" ;;
  'test --locked' | 'install --path . --locked') ;;
  *) echo \"unexpected command: cargo $*\"; exit 99 ;;
esac
";

/// Separates the outputs of the commands.
const SEPARATOR: char = '\u{1e}';

/// A fenced code block of a page.
struct Block {
    language: String,
    text: String,
}

/// A command, and the output that the page shows.
struct Shown {
    command: String,
    output: Vec<String>,
}

#[test]
fn every_command_prints_the_output_shown() {
    for page in PAGES {
        let dir = TestDir::empty();
        dir.copy("examples");
        dir.write("rooms.yaml", &repository_file("rooms.yaml"));
        let secret = "0123456789abcdef0123456789abcdef";
        let served = Served::start_with(&dir, secret, "--app-id 1234567890");
        let shown: Vec<Shown> = blocks(page, "console").iter().flat_map(commands).collect();
        let script: String = shown.iter().map(|it| step(&it.command, &served.url)).collect();
        let ran = run(&dir, &script);
        let mut ran = ran.stdout.split(SEPARATOR);
        for Shown { command, output } in &shown {
            let actual = ran.next().unwrap_or_else(|| panic!("{page}: `{command}` did not run"));
            let (code, actual) =
                actual.split_once('\n').map_or((actual, ""), |(code, rest)| (code, rest));
            assert_eq!(code, "0", "{page}: `{command}` ended with {code}\n{actual}");
            let actual: Vec<String> = actual.lines().map(normalised).collect();
            assert!(fits(output, &actual), "{page}: `{command}` shows\n{}", actual.join("\n"));
        }
    }
}

#[test]
fn the_readme_begins_with_an_apply_and_the_tests() {
    let first: Vec<String> = blocks("README.md", "console")
        .iter()
        .take(2)
        .flat_map(commands)
        .map(|it| it.command)
        .collect();
    assert_eq!(first, ["cargo run --release -- apply --auto-approve", "cargo test --locked"]);
    let checks = repository_file(".ci/run");
    assert!(checks.lines().any(|line| line == first[1]), ".ci/run does not run `{}`", first[1]);
}

#[test]
fn the_yaml_blocks_are_valid_files() {
    let shown: Vec<Block> = PAGES.iter().flat_map(|page| blocks(page, "yaml")).collect();
    assert_eq!(shown.len(), 2);
    for yaml in shown {
        let dir = TestDir::with(&yaml.text);
        dir.run("validate").exits(0).output_lacks("warning");
        dir.run("apply --auto-approve").exits(0);
    }
}

#[test]
fn every_code_block_has_a_tested_language() {
    for page in PAGES {
        let all = repository_file(page).lines().filter(|line| *line == "```").count();
        let known = ["console", "yaml", "json", "sql"].map(|language| blocks(page, language).len());
        assert_eq!(known.iter().sum::<usize>(), all, "{page}");
    }
}

#[test]
fn the_json_blocks_are_valid() {
    let shown: Vec<Block> = PAGES.iter().flat_map(|page| blocks(page, "json")).collect();
    assert_eq!(shown.len(), 3);
    for json in shown {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(&json.text);
        parsed.unwrap_or_else(|error| panic!("{error}\n{}", json.text));
    }
}

#[test]
fn the_readme_lists_every_command_and_exit_code() {
    let readme = repository_file("README.md");
    let help = TestDir::empty().run("-h").exits(0).stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    for command in commands.filter_map(|line| line.split_whitespace().next()) {
        let listed =
            ["| `", ", `"].iter().any(|before| readme.contains(&format!("{before}{command}")));
        assert!(listed || command == "help", "the README does not list `{command}`");
    }
    for code in [0, 1, 2, 3, 4, 5, 64] {
        assert!(readme.contains(&format!("\n| {code} | ")), "exit code {code} is not listed");
    }
}

#[test]
fn the_table_of_kinds_shows_how_each_field_changes() {
    let services = repository_file("docs/services.md");
    let row = |beginning: &str| {
        let line = services.lines().find(|line| line.starts_with(&format!("| {beginning} | ")));
        let cells = line.unwrap_or_else(|| panic!("no row `{beginning}`")).split('|').skip(2);
        cells.map(str::to_owned).collect::<Vec<_>>()
    };
    let (changed, replaced, secret) =
        (row("changed in place"), row("replaced (destroy, then create) for"), row("secret"));
    for (column, kind) in Kind::ALL.iter().enumerate() {
        for field in kind.fields() {
            let (top, _) = field.as_str().split_once('.').unwrap_or((field.as_str(), ""));
            let named = |cells: &[String]| cells[column].contains(&format!("`{top}`"));
            let expected = match kind.change_of(field) {
                Some(Change::InPlace | Change::Record) => (true, false),
                Some(Change::Replace) => (false, true),
                None => (false, false),
            };
            assert_eq!((named(&changed), named(&replaced)), expected, "{field} of {kind}");
        }
        let variable = kind.default_secret_variable();
        assert_eq!(secret[column].trim(), format!("`{variable}`"), "{kind}");
    }
}

#[test]
fn every_path_in_the_pages_exists() {
    let mut checked = 0;
    for page in PAGES.iter().chain(&["docs/architecture.md", "docs/providers.md"]) {
        let text = repository_file(page);
        let folder = Path::new(page).parent().expect("a folder");
        let is_path = |word: &&str| word.starts_with("src/") || word.starts_with("tests/");
        let named = text.split('`').filter(is_path).map(PathBuf::from);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let links = links.filter(|link| !link.contains("://"));
        let links = links.filter_map(|link| link.split('#').next()).map(|link| folder.join(link));
        for path in named.chain(links) {
            assert!(repository().join(&path).exists(), "{page} names {}", path.display());
            checked += 1;
        }
    }
    assert!(checked > 20, "{checked}");
}

#[test]
fn a_difference_in_the_output_is_detected() {
    let lines = |text: &str| text.split('|').map(str::to_owned).collect::<Vec<_>>();
    assert!(fits(&lines("a|…|d"), &lines("a|b|c|d")));
    assert!(fits(&lines("a|…|d|…"), &lines("a|d")));
    assert!(fits(&[], &lines("anything")));
    assert!(!fits(&lines("a|…|d"), &lines("a|b|c")));
    assert!(!fits(&lines("a|d"), &lines("a|b|d")));
    assert_eq!(normalised("x sha256:00ffaa y"), "x sha256:… y");
}

/// Returns the script for one command: it prints the exit code, the output and [`SEPARATOR`].
fn step(command: &str, url: &str) -> String {
    let command = command.replace("ZIM_ENDPOINT=vendor", &format!("ZIM_ENDPOINT={url}"));
    format!("{{ {command}\n}} > actual 2>&1; printf '%s\\n' $?; cat actual; printf '\\036'\n")
}

fn run(dir: &TestDir, script: &str) -> CommandResult {
    dir.write("bin/cargo", CARGO);
    let executable = PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(dir.path("bin/cargo"), executable).expect("an executable");
    symlink(ROOMCTL, dir.path("bin/roomctl")).expect("a link to the binary");
    let path = format!("{}:/usr/bin:/bin", dir.path("bin").display());
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).current_dir(dir.path(".")).env_clear().env("PATH", path);
    let output = shell.stdin(Stdio::null()).output().expect("a shell");
    CommandResult::new("(a page)", output)
}

/// Whether the output matches the shown lines, where `…` matches any number of lines and no shown line
/// matches any output.
fn fits(shown: &[String], actual: &[String]) -> bool {
    shown.is_empty() || matches(shown, actual)
}

fn matches(shown: &[String], actual: &[String]) -> bool {
    match shown.split_first() {
        None => actual.is_empty(),
        Some((first, rest)) if first == "…" => {
            (0..=actual.len()).any(|skipped| matches(rest, &actual[skipped..]))
        }
        Some((first, rest)) => actual.first() == Some(first) && matches(rest, &actual[1..]),
    }
}

/// Replaces the digest in a line, which differs between runs.
fn normalised(line: &str) -> String {
    let Some((before, after)) = line.split_once("sha256:") else { return line.to_owned() };
    format!("{before}sha256:…{}", after.trim_start_matches(|c: char| c.is_ascii_hexdigit()))
}

fn commands(block: &Block) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    for line in block.text.lines() {
        match (line.strip_prefix("$ "), shown.last_mut()) {
            (Some(command), _) => {
                shown.push(Shown { command: command.to_owned(), output: Vec::new() });
            }
            (None, Some(last)) => last.output.push(line.to_owned()),
            (None, None) => panic!("a block that begins with `{line}`"),
        }
    }
    shown
}

fn blocks(page: &str, language: &str) -> Vec<Block> {
    let text = repository_file(page);
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        match (line.strip_prefix("```"), open) {
            (Some(_), true) => open = false,
            (Some(language), false) => {
                open = true;
                blocks.push(Block { language: language.to_owned(), text: String::new() });
            }
            (None, true) => {
                let block = blocks.last_mut().expect("an open block");
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, false) => {}
        }
    }
    blocks.retain(|block| block.language == language);
    blocks
}

fn repository_file(name: &str) -> String {
    std::fs::read_to_string(repository().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}
