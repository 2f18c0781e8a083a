//! What happens to the n-th request of a call, and which calls were sent in which order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use roomctl::model::Call;
use roomctl::provider::http::HttpRequest;
use serde::Deserialize;

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mishap {
    /// The connection is refused: it is known not to be done.
    Refused,
    /// It is not carried out, and answered with this code.
    Answered(i64),
    /// It is lost on its way, and nobody knows.
    LostBefore,
    /// It is carried out, and the answer is lost.
    LostAfter,
    /// The answer is lost at once, and the request is carried out nine seconds later.
    Late,
    /// It is carried out, and the answer is a page of something else.
    Garbled,
    /// It is lost on its way, and no answer ever comes.
    Hangs,
}

/// A script of mishaps. Clones share one.
#[derive(Clone, Default)]
pub(crate) struct Script(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    every: Option<Mishap>,
    planned: BTreeMap<(Call, u64), Mishap>,
    count: BTreeMap<Call, u64>,
    sent: Vec<Call>,
    /// The UserSigs of the requests.
    signatures: BTreeSet<String>,
}

impl Script {
    /// From now on the `nth` request of `call`, counted from 1, meets a mishap.
    pub(crate) fn strike(&self, call: Call, nth: u64, mishap: Mishap) {
        let mut inner = self.inner();
        let before = inner.count.get(&call).copied().unwrap_or_default();
        inner.planned.insert((call, before + nth), mishap);
    }

    /// From now on every request that nothing else is planned for meets a mishap, or none does.
    pub(crate) fn strike_all(&self, mishap: Option<Mishap>) {
        self.inner().every = mishap;
    }

    /// What the request that is sent now meets.
    pub(super) fn send(&self, request: &HttpRequest) -> Option<Mishap> {
        let mut inner = self.inner();
        let call = request.call;
        let mut pairs = request.query.split('&').filter_map(|pair| pair.split_once('='));
        if let Some((_, signature)) = pairs.find(|(name, _)| *name == "usersig") {
            inner.signatures.insert(signature.to_owned());
        }
        let count = inner.count.entry(call).or_default();
        *count += 1;
        let nth = *count;
        let mishap = inner.planned.remove(&(call, nth)).or(inner.every);
        if mishap != Some(Mishap::Refused) {
            inner.sent.push(call);
        }
        mishap
    }

    /// Returns how many requests there were.
    pub(crate) fn count(&self) -> u64 {
        self.inner().count.values().sum()
    }

    /// Returns the calls that were sent since this was last asked, in order: not those that were
    /// refused.
    pub(crate) fn sent(&self) -> Vec<Call> {
        std::mem::take(&mut self.inner().sent)
    }

    /// Returns how many UserSigs the requests had.
    pub(crate) fn signatures(&self) -> usize {
        self.inner().signatures.len()
    }

    /// Returns whether everything that was to happen happened.
    pub(crate) fn is_over(&self) -> bool {
        self.inner().planned.is_empty()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("the script")
    }
}
