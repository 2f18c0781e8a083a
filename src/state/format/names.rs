//! Names that many rooms share are kept once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::model::{Address, AddressError, ProviderName, RoomId};

/// The providers and source files that were met so far.
#[derive(Default)]
pub(in crate::state) struct Names {
    providers: HashMap<Box<str>, ProviderName>,
    sources: HashSet<Arc<str>>,
}

impl Names {
    /// Reads an address.
    pub(super) fn address(&mut self, text: &str) -> Result<Address, AddressError> {
        if let Some((provider, room)) = text.split_once('/')
            && !room.is_empty()
            && let Some(known) = self.providers.get(provider)
        {
            return Ok(Address::new(known.clone(), RoomId::new(room)));
        }
        let address: Address = text.parse()?;
        self.providers.insert(address.provider.as_str().into(), address.provider.clone());
        Ok(address)
    }

    /// Keeps the path of a source file.
    pub(super) fn source(&mut self, path: &str) -> Arc<str> {
        if let Some(known) = self.sources.get(path) {
            return known.clone();
        }
        let path: Arc<str> = path.into();
        self.sources.insert(path.clone());
        path
    }
}
