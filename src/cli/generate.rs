//! `import --generate`: looks up ids, and writes a file of the rooms that exist.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::args::{Format, Global, ImportArgs};
use super::connect::{self, Providers};
use super::console::Console;
use super::exit::{Exit, Stopped};
use super::progress::ProgressReport;
use super::{session, signals};
use crate::config::{self, ReadError, RoomsFile, Size};
use crate::engine::{self, GenerateRequest, GenerateResult, Generated, Session};
use crate::model::{Desired, Finding, Kind, Place, Provider, ProviderName, RoomId};
use crate::provider::http::SystemClock;
use crate::render;

/// The largest list of ids that is read.
const LARGEST: Size = Size(64 << 20);

/// How many errors of a list are shown.
const SHOWN: usize = 100;

/// The number of ids by result.
#[derive(Default)]
struct Tally {
    written: u64,
    declared: u64,
    missing: u64,
    unread: u64,
}

/// Looks up the given ids, and writes `file`; nothing is recorded, and no file is overwritten.
pub(super) async fn run(
    file: &Path,
    args: &ImportArgs,
    global: &Global,
    console: &Console,
) -> Result<Exit, Stopped> {
    let stop = signals::listen(console.output())?;
    session::named_without_secret(file.to_owned(), "the file", console)?;
    if fs::symlink_metadata(file).is_ok() {
        return Err(exists(file));
    }
    let files = session::files(global, console)?;
    let desired = &files.desired;
    let declared = provider(args.provider.as_deref(), desired)?;
    let (provider, kind) = (declared.name.clone(), declared.kind());
    let ids = ids(args.ids.as_deref().unwrap_or(Path::new("-")), kind, global)?;
    let path = session::state_path(global, desired, console)?;
    connect::require_secrets(desired)?;
    let session = Session {
        desired,
        store: &*session::store(&path)?,
        connector: &Providers::new(desired, &path, global),
        clock: &SystemClock,
        stop: &stop,
        events: ProgressReport::start(console, args.format),
        host_change: session::host_change(args.allow_endpoint_change),
    };
    let request = GenerateRequest { provider: provider.clone(), ids };
    let Generated { rooms, hosts, closed } = engine::generate(&session, request).await?;
    console.findings(&hosts);
    let tally = Tally::of(&rooms, &provider, console);
    if tally.exit() != Exit::Failed {
        console.refuse_secrets("the file", rooms.iter())?;
        create(file, &contents(&rooms, declared))?;
        console.note(&render::plain(format_args!("wrote {}", file.display())));
    }
    match args.format {
        Format::Text => console.print(|out| writeln!(out, "Generate: {tally}."))?,
        Format::Json => {
            let document = document(&rooms, &provider, file, &tally);
            console.document(|out| writeln!(out, "{document}"))?;
        }
    }
    closed.map(|()| tally.exit())
}

/// The declared provider of this name.
fn provider<'a>(name: Option<&str>, desired: &'a Desired) -> Result<&'a Provider, Stopped> {
    let name = name.unwrap_or_default();
    let found = desired.providers.values().find(|provider| provider.name.as_str() == name);
    let names: Vec<&str> = desired.providers.keys().map(ProviderName::as_str).collect();
    let unknown = || {
        let message =
            format!("--provider {name}: unknown provider; the files declare {}", names.join(", "));
        Stopped::failed("unknown_provider", message)
    };
    found.ok_or_else(unknown)
}

/// Reads the ids, one per line; blank lines and comments (`# …`) are skipped.
fn ids(path: &Path, kind: Kind, global: &Global) -> Result<BTreeSet<RoomId>, Stopped> {
    let streamed = config::is_standard_input(path);
    if streamed && global.files.iter().any(|file| config::is_standard_input(file)) {
        return Err(Stopped::usage("-f - and the ids cannot both be read from standard input"));
    }
    let shown = if streamed { "standard input".into() } else { path.display().to_string() };
    let unreadable = |error: &dyn fmt::Display| {
        Stopped::failed("unreadable_file", format!("{shown} cannot be read: {error}"))
    };
    let read: Result<Vec<u8>, ReadError> = if streamed {
        config::read_stream(io::stdin(), LARGEST)
    } else {
        config::read_regular(path, LARGEST)
    };
    let text = String::from_utf8(read.map_err(|error| unreadable(&error))?);
    let text = text.map_err(|_| unreadable(&"it is not UTF-8"))?;
    let (mut ids, mut findings) = (BTreeSet::new(), Vec::new());
    for (at, line) in text.strip_prefix('\u{feff}').unwrap_or(&text).lines().enumerate() {
        let id = line.trim();
        // An id may begin with `#`: a comment has a space after it.
        if id.is_empty() || id == "#" || id.starts_with("# ") {
            continue;
        }
        match config::room_id_error(kind, id) {
            None => drop(ids.insert(RoomId::new(id))),
            Some(finding) => findings.push(finding.at(place(&shown, at, line))),
        }
    }
    let wrong = findings.len();
    if wrong > 0 {
        findings.truncate(SHOWN);
        if let Some(more) = wrong.checked_sub(SHOWN).filter(|more| *more > 0) {
            findings.push(Finding::error("more", format!("{more} more errors are not shown")));
        }
        let stopped = Stopped::failed("invalid_ids", "the ids have errors: nothing was done");
        return Err(Stopped { findings, ..stopped });
    }
    if ids.is_empty() {
        let message = format!("{shown} contains no ids: write one per line");
        return Err(Stopped::failed("no_ids", message));
    }
    Ok(ids)
}

/// The place of an id on its line.
fn place(file: &str, at: usize, line: &str) -> Place {
    let indent = line.chars().take_while(|c| c.is_whitespace()).count();
    let width = line.trim().chars().count();
    Place { file: file.into(), line: at + 1, column: indent + 1, width, text: line.to_owned() }
}

fn contents(rooms: &[(RoomId, GenerateResult)], provider: &Provider) -> String {
    let (mut existing, mut declared, mut missing, mut unread) = (vec![], vec![], vec![], vec![]);
    for (id, result) in rooms {
        match result {
            GenerateResult::Exists(room) => existing.push((id, &**room)),
            GenerateResult::Declared => declared.push(id),
            GenerateResult::Missing => missing.push(id),
            GenerateResult::Unread(_) => unread.push(id),
        }
    }
    let others = vec![
        ("These ids do not exist", missing),
        ("These rooms are declared in another file already", declared),
        ("These rooms could not be read", unread),
    ];
    let (name, kind) = (&provider.name, provider.kind());
    let ownership_key = provider.application.ownership().map(|ownership| &**ownership.key());
    RoomsFile { provider: name, kind, ownership_key, rooms: existing, others }.to_string()
}

fn create(path: &Path, text: &str) -> Result<(), Stopped> {
    let mut file = File::create_new(path).map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists {
            exists(path)
        } else {
            unwritten(path, &error)
        }
    })?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // A partial file would be read as a complete one.
        drop(fs::remove_file(path));
        unwritten(path, &error)
    })
}

fn exists(path: &Path) -> Stopped {
    let path = path.display();
    Stopped::failed(
        "exists",
        format!("{path} exists already: `import --generate` never overwrites"),
    )
}

fn unwritten(path: &Path, error: &io::Error) -> Stopped {
    Stopped::failed("io", format!("{} could not be written: {error}", path.display()))
}

fn document(
    rooms: &[(RoomId, GenerateResult)],
    provider: &ProviderName,
    file: &Path,
    tally: &Tally,
) -> Value {
    let room = |(id, result): &(RoomId, GenerateResult)| {
        let address = format!("{provider}/{id}");
        match result {
            GenerateResult::Exists(_) => json!({"address": address, "result": "written"}),
            GenerateResult::Declared => json!({"address": address, "result": "declared"}),
            GenerateResult::Missing => json!({"address": address, "result": "missing"}),
            GenerateResult::Unread(why) => {
                json!({"address": address, "result": "unread", "message": why})
            }
        }
    };
    let Tally { written, declared, missing, unread } = tally;
    let file = (tally.exit() != Exit::Failed).then(|| file.display().to_string());
    json!({
        "format_version": 1,
        "file": file,
        "rooms": rooms.iter().map(room).collect::<Vec<_>>(),
        "summary": {
            "written": written, "declared": declared, "missing": missing, "unread": unread,
        },
    })
}

impl Tally {
    /// Counts the results, and reports the rooms that could not be read.
    fn of(rooms: &[(RoomId, GenerateResult)], provider: &ProviderName, console: &Console) -> Self {
        let mut tally = Self::default();
        for (id, result) in rooms {
            match result {
                GenerateResult::Exists(_) => tally.written += 1,
                GenerateResult::Declared => tally.declared += 1,
                GenerateResult::Missing => tally.missing += 1,
                GenerateResult::Unread(why) => {
                    tally.unread += 1;
                    let line = format_args!("{provider}/{id}: could not be read: {why}");
                    console.say(&render::plain(line));
                }
            }
        }
        tally
    }

    fn exit(&self) -> Exit {
        let Self { written, declared, missing, unread } = self;
        match (unread, written + declared + missing) {
            (0, _) => Exit::Done,
            (_, 0) => Exit::Failed,
            (_, _) => Exit::Partly,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { written, declared, missing, unread } = self;
        write!(
            f,
            "{written} written, {declared} declared already, {missing} not found, {unread} unread"
        )
    }
}
