//! Fault injection for the n-th request of a call, and a log of the calls that were sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use roomctl::model::Call;
use roomctl::provider::http::HttpRequest;
use serde::Deserialize;

/// The fault of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InjectedFault {
    /// The connection is refused: the request is known not to be executed.
    Refused,
    /// It is not executed, and answered with this code.
    Answered(i64),
    /// It is lost before it arrives, and the connection is reset.
    LostBefore,
    /// It is executed, and the answer is lost.
    LostAfter,
    /// The connection is reset at once, and the request is executed nine seconds later.
    Late,
    /// It is executed, and the answer is replaced by an HTML page.
    Garbled,
    /// It is lost before it arrives, and there is never an answer.
    Hangs,
}

/// A script of faults. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Script(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    every: Option<InjectedFault>,
    planned: BTreeMap<(Call, u64), InjectedFault>,
    count: BTreeMap<Call, u64>,
    sent: Vec<Call>,
    /// The UserSigs of the requests.
    signatures: BTreeSet<String>,
}

impl Script {
    /// Plans a fault for the `nth` request of `call` from now on, counted from 1.
    pub(crate) fn inject(&self, call: Call, nth: u64, fault: InjectedFault) {
        let mut inner = self.inner();
        let before = inner.count.get(&call).copied().unwrap_or_default();
        inner.planned.insert((call, before + nth), fault);
    }

    /// Sets the fault of all requests without a planned one; `None` for no fault.
    pub(crate) fn inject_all(&self, fault: Option<InjectedFault>) {
        self.inner().every = fault;
    }

    /// Records a request, and returns its fault.
    pub(super) fn send(&self, request: &HttpRequest) -> Option<InjectedFault> {
        let mut inner = self.inner();
        let call = request.call;
        let mut pairs = request.query.split('&').filter_map(|pair| pair.split_once('='));
        if let Some((_, signature)) = pairs.find(|(name, _)| *name == "usersig") {
            inner.signatures.insert(signature.to_owned());
        }
        let count = inner.count.entry(call).or_default();
        *count += 1;
        let nth = *count;
        let fault = inner.planned.remove(&(call, nth)).or(inner.every);
        if fault != Some(InjectedFault::Refused) {
            inner.sent.push(call);
        }
        fault
    }

    /// Returns the number of requests.
    pub(crate) fn count(&self) -> u64 {
        self.inner().count.values().sum()
    }

    /// Returns the calls that were sent since the last call of this function, in order, without the
    /// refused ones.
    pub(crate) fn sent(&self) -> Vec<Call> {
        std::mem::take(&mut self.inner().sent)
    }

    /// Returns the number of different UserSigs in the requests.
    pub(crate) fn signatures(&self) -> usize {
        self.inner().signatures.len()
    }

    /// Returns whether all planned faults have happened.
    pub(crate) fn is_over(&self) -> bool {
        self.inner().planned.is_empty()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("the script")
    }
}
