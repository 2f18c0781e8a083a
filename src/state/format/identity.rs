//! The application of a provider as JSON.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::model::{EMULATOR_HOST, Kind, ProviderIdentity};

/// Which application a provider's rooms were made in.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::state) struct IdentityText<'a> {
    kind: Kind,
    app_id: u32,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    host: Option<Cow<'a, str>>,
    /// Format version 1 said this instead of the host.
    #[serde(default, skip_serializing)]
    emulated: bool,
}

impl<'a> IdentityText<'a> {
    /// The text of an identity.
    pub(in crate::state) fn of(identity: &'a ProviderIdentity) -> Self {
        let ProviderIdentity { kind, app_id, host } = identity;
        let host = host.as_deref().map(Cow::Borrowed);
        Self { kind: *kind, app_id: *app_id, host, emulated: false }
    }

    /// The identity that the text means.
    pub(in crate::state) fn into_identity(self) -> ProviderIdentity {
        let Self { kind, app_id, host, emulated } = self;
        let told = host.map(Into::into);
        ProviderIdentity { kind, app_id, host: told.or(emulated.then(|| EMULATOR_HOST.into())) }
    }
}
