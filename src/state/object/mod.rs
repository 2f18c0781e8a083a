//! The state in an object store: a document, and a head that is journal and lease in one.

mod answer;
mod connect;
mod http;
mod objects;
mod probe;
mod profile;
mod remote;

use crate::model::ObjectUrl;
use crate::state::format::SharedRooms;
use crate::state::{StateError, Store, StoreEnvironment};

/// Names the store of an object; nothing is read yet.
pub(super) fn open(
    url: &ObjectUrl,
    _: &StoreEnvironment,
    _: SharedRooms,
) -> Result<Box<dyn Store>, StateError> {
    let why = "a state in an object store is not built yet: give a path".to_owned();
    Err(StateError::Unusable { location: url.to_string(), why })
}
