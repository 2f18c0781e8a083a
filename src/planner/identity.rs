//! Refuses to apply a state of one application to another.

use crate::model::{
    Desired, Finding, Kind, Moved, Provider, ProviderIdentity, ProviderName, Recorded,
};

use super::moved::{has_rooms, recorded_twice};

/// Whether the recorded rooms of a provider may be queried at another host than the recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostChange {
    /// Refused: another host may be another region, which has none of the rooms.
    Refused,
    /// Allowed: the host serves the same rooms (`--allow-endpoint-change`).
    Allowed,
}

/// Why a state does not belong to what the file declares. All of them are refusals (exit code 3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The recorded rooms are at another service.
    #[error(
        "the state's rooms of `{provider}` are of kind {recorded}, but the file declares {declared}: \
         {WAY_OUT}"
    )]
    Kind {
        /// The provider.
        provider: ProviderName,
        /// The kind in the state.
        recorded: Kind,
        /// The kind in the file.
        declared: Kind,
    },
    /// The recorded rooms are in another application.
    #[error(
        "the state's rooms of `{provider}` belong to app {recorded}, but the file declares {declared}: \
         {WAY_OUT}"
    )]
    App {
        /// The provider.
        provider: ProviderName,
        /// The app id in the state.
        recorded: u32,
        /// The app id in the file.
        declared: u32,
    },
    /// The recorded rooms are on the built-in emulator, and the file names a real service.
    #[error(
        "the state's rooms of `{provider}` are on the built-in emulator, but the file names a real \
         service: {WAY_OUT}"
    )]
    MadeOnEmulator {
        /// The provider.
        provider: ProviderName,
    },
    /// The recorded rooms are at a real service, and the file declares `endpoint: emulator`.
    #[error(
        "the state's rooms of `{provider}` are at a real service, but the file has `endpoint: emulator`: \
         {WAY_OUT}"
    )]
    MadeForReal {
        /// The provider.
        provider: ProviderName,
    },
    /// The recorded rooms are at another host of the same application.
    #[error(
        "the state's rooms of `{provider}` are at {recorded}, but the file names {declared}: another \
         region does not have them. If this host serves the same rooms, pass `--allow-endpoint-change`; \
         otherwise {WAY_OUT}"
    )]
    Host {
        /// The provider.
        provider: ProviderName,
        /// The host in the state.
        recorded: Box<str>,
        /// The host in the file.
        declared: Box<str>,
    },
    /// The recorded rooms are in an application that the file declares under another name.
    #[error(
        "the application of `{declared}` is recorded as `{recorded}`, which is no longer declared: declare \
         `moved: [{{from: {recorded}, to: {declared}}}]` to move its records"
    )]
    Renamed {
        /// The name in the state.
        recorded: ProviderName,
        /// The name in the file.
        declared: ProviderName,
    },
    /// Rooms are recorded under an old name and under the new one.
    #[error("a provider was renamed, and rooms of it are recorded under both names")]
    RecordedTwice(Vec<Finding>),
}

const WAY_OUT: &str = "use a separate state (`state: other.state.json`, or `--state`), or revert the file \
                       and run `roomctl destroy` first";

/// Checks that the recorded rooms were made in the applications that the file declares, and returns a
/// warning for each provider whose host is recorded from now on.
///
/// A provider without recorded rooms may change its application and host.
///
/// # Errors
/// Returns [`IdentityError`] for the first provider, by name, whose rooms were made elsewhere, or are
/// recorded under a name that is no longer declared and not `moved`.
pub fn identity(
    desired: &Desired,
    recorded: &Recorded,
    change: HostChange,
) -> Result<Vec<Finding>, IdentityError> {
    let mut findings = Vec::new();
    for (name, made) in recorded.providers.iter().filter(|(name, _)| has_rooms(recorded, name)) {
        match desired.providers.get(new_name(desired, name)) {
            Some(provider) => {
                same_application(name, made, provider)?;
                findings.extend(same_host(name, made, provider, change)?);
            }
            None => not_renamed(name, made, desired)?,
        }
    }
    let twice = recorded_twice(desired, recorded);
    if twice.is_empty() { Ok(findings) } else { Err(IdentityError::RecordedTwice(twice)) }
}

/// Returns the name that the files give to a recorded provider.
fn new_name<'a>(desired: &'a Desired, name: &'a ProviderName) -> &'a ProviderName {
    let moved = desired.moved.iter().find(|moved| moved.from == *name);
    moved.map_or(name, |Moved { from: _, to }| to)
}

pub(super) fn same_application(
    name: &ProviderName,
    made: &ProviderIdentity,
    provider: &Provider,
) -> Result<(), IdentityError> {
    let emulated = made.is_emulated();
    let ProviderIdentity { kind, app_id, host: _ } = *made;
    let name = name.clone();
    if kind != provider.kind() {
        return Err(IdentityError::Kind {
            provider: name,
            recorded: kind,
            declared: provider.kind(),
        });
    }
    match (emulated, provider.emulated()) {
        (true, false) => Err(IdentityError::MadeOnEmulator { provider: name }),
        (false, true) => Err(IdentityError::MadeForReal { provider: name }),
        (true, true) | (false, false) if app_id != provider.app_id => {
            Err(IdentityError::App { provider: name, recorded: app_id, declared: provider.app_id })
        }
        (true, true) | (false, false) => Ok(()),
    }
}

pub(super) fn same_host(
    name: &ProviderName,
    made: &ProviderIdentity,
    provider: &Provider,
    change: HostChange,
) -> Result<Option<Finding>, IdentityError> {
    let declared = &provider.host;
    let (code, message) = match (&made.host, change) {
        (Some(recorded), _) if recorded == declared => return Ok(None),
        (Some(recorded), HostChange::Refused) => {
            return Err(IdentityError::Host {
                provider: name.clone(),
                recorded: recorded.clone(),
                declared: declared.clone(),
            });
        }
        (Some(recorded), HostChange::Allowed) => (
            "host_changed",
            format!(
                "the rooms of `{name}` were recorded at {recorded}, and are now expected at {declared}"
            ),
        ),
        (None, _) => (
            "host_learned",
            format!(
                "the state does not record the host of the rooms of `{name}`: {declared} is assumed"
            ),
        ),
    };
    let help = "the next apply or import records that host";
    Ok(Some(Finding::warning(code, message).help(help)))
}

/// Refuses a provider that is no longer declared if its application is declared under another name.
fn not_renamed(
    name: &ProviderName,
    made: &ProviderIdentity,
    desired: &Desired,
) -> Result<(), IdentityError> {
    let same = |provider: &&Provider| {
        (made.kind, made.app_id) == (provider.kind(), provider.app_id)
            && made.is_emulated() == provider.emulated()
    };
    match desired.providers.values().find(same) {
        Some(provider) => {
            Err(IdentityError::Renamed { recorded: name.clone(), declared: provider.name.clone() })
        }
        None => Ok(()),
    }
}
