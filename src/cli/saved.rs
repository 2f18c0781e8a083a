//! Files of saved plans: written by `plan --out`, read by `apply PLAN`.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::connect;
use super::console::Console;
use super::exit::{Exit, Stopped};
use super::session;
use crate::config::{Size, read_regular};
use crate::model::{Plan, SavedPlan, SavedPlanError};
use crate::render;
use crate::state::random_uuid;

/// The largest file that is read.
const LARGEST: Size = Size(1 << 30);

/// Refuses, before anything is planned, to overwrite a file that is not a saved plan.
pub(super) fn check_target(path: &Path, console: &Console) -> Result<(), Stopped> {
    session::named_without_secret(path.to_owned(), "the plan", console)?;
    let there = fs::symlink_metadata(path);
    if there.is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Ok(());
    }
    let is_plan = read_regular(path, LARGEST).is_ok_and(|text| SavedPlan::parse(&text).is_ok());
    if is_plan {
        return Ok(());
    }
    let message =
        format!("{} exists and is not a saved plan, so it is not overwritten", path.display());
    Err(Stopped::failed("exists", message))
}

/// Writes a plan to a file: whole, or not at all.
pub(super) fn save(plan: &Plan, path: &Path, console: &Console) -> Result<(), Stopped> {
    let failed = |error: std::io::Error| {
        Stopped::failed("io", format!("{} could not be written: {error}", path.display()))
    };
    let (id, time) = (random_uuid().map_err(failed)?, connect::now());
    let mut text = Vec::new();
    render::saved_plan_json(&mut text, plan, &id, time).map_err(failed)?;
    if console.secrets().are_in(|out| out.write_all(&text))? {
        let message =
            "the saved plan would contain a secret: remove it from the files or the rooms";
        return Err(Stopped::failed("secret_in_output", message));
    }
    check_target(path, console)?;
    let mut next = path.as_os_str().to_owned();
    next.push(format!(".{id}.tmp"));
    let next = Path::new(&next);
    let written = create(next).and_then(|mut file| {
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(next, path)
    });
    if let Err(error) = written {
        // The first error is the one to report.
        drop(fs::remove_file(next));
        return Err(failed(error));
    }
    console.note(&format!("saved the plan: `roomctl apply {}` applies it", path.display()));
    Ok(())
}

/// Reads a saved plan.
pub(super) fn load(path: &Path) -> Result<SavedPlan, Stopped> {
    let name = path.display();
    let text = read_regular(path, LARGEST)
        .map_err(|error| Stopped::failed("io", format!("{name} could not be read: {error}")))?;
    SavedPlan::parse(&text).map_err(|error| {
        let exit = match error {
            SavedPlanError::NoPlan | SavedPlanError::Printed | SavedPlanError::Damaged(_) => {
                Exit::Failed
            }
            SavedPlanError::Newer(_) => Exit::Refused,
        };
        Stopped::new(exit, "saved_plan", anyhow::anyhow!("{name}: {error}"))
    })
}

/// Creates a file that only its owner can read.
#[cfg(unix)]
pub(super) fn create(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    File::options().write(true).create_new(true).mode(0o600).open(path)
}

/// Creates a file that does not exist yet.
#[cfg(not(unix))]
pub(super) fn create(path: &Path) -> std::io::Result<File> {
    File::create_new(path)
}
