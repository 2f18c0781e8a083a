//! Opens the store of a location, with the environment variables that it needs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Desired, Holder, Secret, StateLocation};

use super::file::FileStore;
use super::format::SharedRooms;
#[cfg(feature = "object-store")]
use super::object;
#[cfg(feature = "postgres")]
use super::postgres;
use super::{Repair, StateError, Store};

/// The environment variables that shared stores read: regions, endpoints, credentials.
#[derive(Clone, Default)]
#[cfg_attr(
    not(any(feature = "object-store", feature = "postgres")),
    expect(dead_code, reason = "only shared stores read it")
)]
pub struct StoreEnvironment(pub(super) BTreeMap<String, String>);

/// The prefixes of the variables that shared stores read.
const STORE_VARIABLES: &[&str] = &[
    "AWS_",
    "AZURE_",
    "GOOGLE_",
    "STORAGE_EMULATOR_HOST",
    "IDENTITY_",
    "PG",
    "HOME",
    "LOGNAME",
    "USER",
    "APPDATA",
];

impl StoreEnvironment {
    /// Keeps the variables that shared stores read; empty ones count as unset.
    #[must_use]
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let is_read = |(name, value): &(String, String)| {
            !value.is_empty() && STORE_VARIABLES.iter().any(|prefix| name.starts_with(prefix))
        };
        Self(variables.into_iter().filter(is_read).collect())
    }
}

#[cfg(any(feature = "object-store", feature = "postgres"))]
impl StoreEnvironment {
    /// Returns the first variable of `names` that is set, with its value.
    pub(super) fn first(&self, names: &[&'static str]) -> Option<(&'static str, &str)> {
        names.iter().find_map(|name| Some((*name, self.0.get(*name)?.as_str())))
    }

    /// Returns the value of a variable, if it is set.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// Opens the store of a location. Reads nothing yet.
///
/// # Errors
/// Returns [`StateError::Unusable`] if `environment` lacks or contradicts what a shared store
/// needs.
pub fn open(
    location: &StateLocation,
    environment: &StoreEnvironment,
) -> Result<Box<dyn Store>, StateError> {
    open_store(location, environment, SharedRooms::default())
}

/// Opens the store of a location. Its record shares the rooms that are recorded exactly as
/// `desired` declares them, to save memory.
///
/// # Errors
/// Returns what [`open`] returns.
pub fn open_sharing(
    location: &StateLocation,
    environment: &StoreEnvironment,
    desired: Arc<Desired>,
) -> Result<Box<dyn Store>, StateError> {
    open_store(location, environment, SharedRooms::declared(desired))
}

#[cfg_attr(
    not(any(feature = "object-store", feature = "postgres")),
    expect(unused_variables, reason = "only shared stores read the environment")
)]
fn open_store(
    location: &StateLocation,
    environment: &StoreEnvironment,
    shared: SharedRooms,
) -> Result<Box<dyn Store>, StateError> {
    match location {
        StateLocation::File(path) => Ok(Box::new(FileStore::new(path).sharing(shared))),
        #[cfg(feature = "object-store")]
        StateLocation::Object(url) => object::open(url, environment, shared),
        #[cfg(not(feature = "object-store"))]
        StateLocation::Object(_) => Err(not_built_in(location, OBJECT_STORES)),
        #[cfg(feature = "postgres")]
        StateLocation::Postgres(url) => postgres::open(url, environment, shared),
        #[cfg(not(feature = "postgres"))]
        StateLocation::Postgres(_) => Err(not_built_in(location, POSTGRES)),
    }
}

/// Returns the secrets of a location's store that the environment, and the files that it names,
/// contain. They must not be printed.
#[cfg_attr(
    not(any(feature = "object-store", feature = "postgres")),
    expect(unused_variables, reason = "only shared stores read the environment")
)]
#[must_use]
pub fn store_secrets(location: &StateLocation, environment: &StoreEnvironment) -> Vec<Secret> {
    match location {
        StateLocation::File(_) => Vec::new(),
        #[cfg(feature = "object-store")]
        StateLocation::Object(url) => object::secrets(url, environment),
        #[cfg(not(feature = "object-store"))]
        StateLocation::Object(_) => Vec::new(),
        #[cfg(feature = "postgres")]
        StateLocation::Postgres(url) => postgres::secrets(url, environment),
        #[cfg(not(feature = "postgres"))]
        StateLocation::Postgres(_) => Vec::new(),
    }
}

/// Takes the lock, even of a damaged state, and computes what a repair would write; `None` if there
/// is nothing to repair. Waits at most `wait` for another run's lock.
///
/// # Errors
/// Returns [`StateError::Locked`] if another run still holds the lock after `wait`, and
/// [`StateError::Unrepairable`] if the state cannot be repaired.
#[cfg_attr(
    not(any(feature = "object-store", feature = "postgres")),
    expect(unused_variables, reason = "only shared stores read the environment")
)]
pub async fn repair(
    location: &StateLocation,
    environment: &StoreEnvironment,
    holder: Holder,
    wait: Duration,
) -> Result<Option<Repair>, StateError> {
    match location {
        StateLocation::File(path) => FileStore::new(path).repair(holder, wait).await,
        #[cfg(feature = "object-store")]
        StateLocation::Object(url) => object::repair(url, environment, holder, wait).await,
        #[cfg(not(feature = "object-store"))]
        StateLocation::Object(_) => Err(not_built_in(location, OBJECT_STORES)),
        #[cfg(feature = "postgres")]
        StateLocation::Postgres(url) => postgres::repair(url, environment, holder, wait).await,
        #[cfg(not(feature = "postgres"))]
        StateLocation::Postgres(_) => Err(not_built_in(location, POSTGRES)),
    }
}

#[cfg(not(feature = "object-store"))]
const OBJECT_STORES: &str = "object stores (feature `object-store`)";
#[cfg(not(feature = "postgres"))]
const POSTGRES: &str = "PostgreSQL (feature `postgres`)";

#[cfg(not(all(feature = "object-store", feature = "postgres")))]
fn not_built_in(location: &StateLocation, what: &str) -> StateError {
    let why = format!("this roomctl was built without {what}");
    StateError::Unusable { location: location.to_string(), why }
}
