//! `--metrics-file`: what a run did, as Prometheus text in a file that is written whole.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tokio::time::Instant;

use super::args::{Command, RunArgs};
use super::connect::now;
use super::console::Console;
use super::exit::{Exit, Stopped};
use super::session;
use crate::render::{self, RunEnd};

/// The metrics file of a run.
pub(super) struct MetricsFile {
    path: PathBuf,
    command: &'static str,
    start: Instant,
}

impl MetricsFile {
    /// Checks that the file can be written, before anything is done; `None` if no file is requested.
    ///
    /// # Errors
    /// Returns why it cannot be written.
    pub(super) fn open(command: &Command, console: &Console) -> Result<Option<Self>, Stopped> {
        let Some((command, RunArgs { timeout: _, metrics_file: Some(path) })) = run_of(command)
        else {
            return Ok(None);
        };
        let path = session::named_without_secret(path.clone(), "the metrics file", console)?;
        check_target(&path)?;
        match temporary(&path) {
            Ok(_) => Ok(Some(Self { path, command, start: Instant::now() })),
            Err(error) => Err(unwritten(&path, &error)),
        }
    }

    /// Writes the metrics, and returns the exit code of the command: a file that cannot be written any
    /// more leaves it partly done.
    pub(super) fn write(&self, exit: Exit, console: &Console) -> Exit {
        match self.replace(exit, console) {
            Ok(()) => exit,
            Err(error) => {
                console.say(&render::plain(format_args!("error: {:#}", error.error)));
                exit.or(Exit::Partly)
            }
        }
    }

    fn replace(&self, exit: Exit, console: &Console) -> Result<(), Stopped> {
        let Self { path, command, start } = self;
        let (time, duration, exit_code) = (now(), start.elapsed(), exit as u8);
        let end = RunEnd { command, time, duration, exit_code };
        let mut text = Vec::new();
        console.measure(|metrics| render::metrics_text(&mut text, metrics, &end))?;
        if console.secrets().are_in(|out| out.write_all(&text))? {
            return Err(Stopped::failed("secret_in_output", "the metrics would contain a secret"));
        }
        check_target(path)?;
        let written = temporary(path).and_then(|mut file| {
            file.write_all(&text)?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|failed| failed.error)
        });
        written.map(drop).map_err(|error| unwritten(path, &error))
    }
}

/// The name of a command with metrics, and its run arguments.
fn run_of(command: &Command) -> Option<(&'static str, &RunArgs)> {
    match command {
        Command::Plan(args) => Some(("plan", &args.run)),
        Command::Drift(args) => Some(("drift", &args.run)),
        Command::Apply(args) => Some(("apply", &args.run)),
        Command::Reconcile(args) => Some(("reconcile", &args.run)),
        Command::Init(_)
        | Command::Validate(_)
        | Command::Destroy(_)
        | Command::Import(_)
        | Command::Check(_)
        | Command::State(_)
        | Command::Emulator(_)
        | Command::Explain(_)
        | Command::Schema { name: _ }
        | Command::Completions { .. }
        | Command::Man(_) => None,
    }
}

/// Refuses to overwrite anything but a metrics file: the state or its journal may be named by mistake.
fn check_target(path: &Path) -> Result<(), Stopped> {
    match fs::metadata(path) {
        Ok(there) if !there.is_file() => return Err(unwritten(path, &"it is not a regular file")),
        Ok(there) if there.len() == 0 => return Ok(()),
        Ok(_) => {}
        // A missing file is created; another error is reported when it is written.
        Err(_) => return Ok(()),
    }
    let mut start = Vec::new();
    let most = render::METRICS_START.len() as u64;
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut start));
    read.map_err(|error| unwritten(path, &error))?;
    if start == render::METRICS_START.as_bytes() {
        return Ok(());
    }
    Err(unwritten(
        path,
        &"it exists and is not a metrics file of roomctl, so it is not overwritten",
    ))
}

/// A new file beside `path`, readable by a collector of another user, removed unless it is persisted.
fn temporary(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".roomctl-metrics-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    builder.tempfile_in(folder.unwrap_or(Path::new(".")))
}

fn unwritten(path: &Path, why: &dyn std::fmt::Display) -> Stopped {
    let path = path.display();
    Stopped::failed("metrics_file", format!("the metrics file {path} cannot be written: {why}"))
}
