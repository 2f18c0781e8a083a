//! A state made for one application is never applied to another.

use crate::model::{
    Address, Desired, Kind, Provider, ProviderIdentity, ProviderName, Recorded, RoomId,
};

/// Why a state does not belong to what the file declares. All of them are refusals (exit code 3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The recorded rooms are at another service.
    #[error(
        "the state's rooms of `{provider}` are of kind {recorded}, and the file says {declared}: {WAY_OUT}"
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
        "the state's rooms of `{provider}` were made in the app {recorded}, and the file says \
         {declared}: {WAY_OUT}"
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
        "the state's rooms of `{provider}` are on the built-in emulator, and the file names a real \
         service: {WAY_OUT}"
    )]
    MadeOnEmulator {
        /// The provider.
        provider: ProviderName,
    },
    /// The recorded rooms are at a real service, and the file says `endpoint: emulator`.
    #[error(
        "the state's rooms of `{provider}` are at a real service, and the file says `endpoint: \
         emulator`: {WAY_OUT}"
    )]
    MadeForReal {
        /// The provider.
        provider: ProviderName,
    },
}

const WAY_OUT: &str = "give this one a state of its own (`state: other.state.json`, or `--state`), or \
                       change the file back and run `roomctl destroy` first";

/// Checks that the recorded rooms were made where the file says.
///
/// A provider without recorded rooms may go anywhere.
///
/// # Errors
/// Returns [`IdentityError`] for the first provider, by name, whose rooms were made elsewhere.
pub fn identity(desired: &Desired, recorded: &Recorded) -> Result<(), IdentityError> {
    for provider in desired.providers.values() {
        if let Some(made) = recorded.providers.get(&provider.name)
            && has_rooms(recorded, &provider.name)
        {
            same(provider, made)?;
        }
    }
    Ok(())
}

fn has_rooms(recorded: &Recorded, provider: &ProviderName) -> bool {
    let first = Address::new(provider.clone(), RoomId::new(""));
    recorded.rooms.range(first..).next().is_some_and(|(address, _)| address.provider == *provider)
}

fn same(provider: &Provider, made: &ProviderIdentity) -> Result<(), IdentityError> {
    let emulated = made.is_emulated();
    let ProviderIdentity { kind, app_id, host: _ } = *made;
    let name = provider.name.clone();
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
