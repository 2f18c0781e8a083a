//! The environment of the process, which is read only here.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

use tracing_subscriber::EnvFilter;

use super::args::{Color, LogFormat};
use super::console::Console;
use super::user;
use crate::config::is_standard_input;
use crate::state::StoreEnvironment;

/// The environment of the process.
#[derive(Clone, Debug)]
pub(super) struct Context {
    /// The abilities of the terminal.
    pub(super) terminal: Terminal,
    /// Whether stdout is coloured.
    pub(super) stdout_color: anstream::ColorChoice,
    /// Whether stderr is coloured.
    pub(super) stderr_color: anstream::ColorChoice,
    /// Whether `CI` is set.
    pub(super) ci: bool,
    /// The user.
    pub(super) user: String,
    /// The host name.
    pub(super) host: String,
    /// Whether only the result and errors are printed.
    pub(super) quiet: bool,
}

/// The abilities of the terminal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terminal {
    /// Whether questions can be asked, or why not.
    pub(super) asks: Result<(), &'static str>,
    /// Progress can be drawn.
    pub(super) draws: bool,
}

impl Context {
    /// Reads the environment.
    #[must_use]
    pub(super) fn look(wish: Color, quiet: bool, files: &[PathBuf]) -> Self {
        Self {
            terminal: Terminal {
                asks: asks(files),
                draws: std::io::stderr().is_terminal() && !quiet,
            },
            stdout_color: color(wish, std::io::stdout().is_terminal()),
            stderr_color: color(wish, std::io::stderr().is_terminal()),
            ci: variable("CI").is_some(),
            user: variable("USER").or_else(|| variable("LOGNAME")).unwrap_or_else(user::name),
            host: host(),
            quiet,
        }
    }
}

/// Returns an environment variable; one that is empty or not UTF-8 counts as unset.
#[must_use]
pub(super) fn variable(name: &str) -> Option<String> {
    variable_as_set(name).filter(|value| !value.is_empty())
}

/// Returns an environment variable, possibly empty; one that is not UTF-8 counts as empty.
#[expect(clippy::disallowed_methods, reason = "the one home of the environment")]
#[must_use]
pub(super) fn variable_as_set(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.into_string().unwrap_or_default())
}

/// The variables that configure shared stores.
#[expect(clippy::disallowed_methods, reason = "the one home of the environment")]
#[must_use]
pub(super) fn store_environment() -> StoreEnvironment {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    StoreEnvironment::of(std::env::vars_os().filter_map(text))
}

/// Starts the log on stderr, by `ROOMCTL_LOG` and `--log-format`.
///
/// # Errors
/// Returns a sentence if `ROOMCTL_LOG` is not a valid filter.
pub(super) fn start_log(format: LogFormat, console: &Console) -> anyhow::Result<()> {
    let filter = variable("ROOMCTL_LOG").unwrap_or_else(|| "warn".to_owned());
    let filter = EnvFilter::try_new(&filter).map_err(|error| {
        anyhow::anyhow!(
            "ROOMCTL_LOG=`{filter}` is not a valid log filter ({error}): use a level such as \
                         `debug`"
        )
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(console.clone());
    match format {
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}

fn asks(files: &[PathBuf]) -> Result<(), &'static str> {
    if files.iter().any(|path| is_standard_input(path)) {
        return Err(
            "standard input is used for the files (`-f -`), so no confirmation can be asked for",
        );
    }
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if terminal {
        Ok(())
    } else {
        Err("stdin is not a terminal, so no confirmation can be asked for")
    }
}

fn color(wish: Color, terminal: bool) -> anstream::ColorChoice {
    match wish {
        Color::Always => anstream::ColorChoice::Always,
        Color::Auto if automatic(terminal) => anstream::ColorChoice::Always,
        Color::Auto | Color::Never => anstream::ColorChoice::Never,
    }
}

/// Whether there is colour by default: <https://bixense.com/clicolors/>.
fn automatic(terminal: bool) -> bool {
    let forced = variable("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    variable("NO_COLOR").is_none() && (forced || terminal)
}

fn host() -> String {
    let named = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let named = named.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    named.or_else(|| variable("HOSTNAME")).unwrap_or_else(unknown)
}

fn unknown() -> String {
    "unknown".to_owned()
}
