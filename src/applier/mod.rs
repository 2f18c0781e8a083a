//! The imperative part: look, carry out, record, and recover what was left open.
//!
//! A call that changes something is never sent before its intent is durable, and never repeated
//! with an unknown outcome before the room was looked at.

mod alive;
mod change;
mod executor;
mod guard;
mod ledger;
mod observe;
mod recover;
mod run;
mod seen;
mod settle;
mod side_dependencies;
mod step;
mod stop;
mod users;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Clock, Provider, ProviderName};
use crate::provider::{Client, Observer};

pub use observe::{Observers, observe, observed_rooms};
pub use recover::{Recovered, recover};
pub use run::{Run, run};
pub use seen::{Seen, imported, seen};
pub use stop::{Stop, StopSwitch};

/// Everything a run needs of one provider.
#[derive(Clone)]
pub struct Connection {
    /// What the file says of it.
    pub provider: Provider,
    /// The means to call it.
    pub client: Arc<Client>,
    /// The clock by which its rooms live.
    pub clock: Arc<dyn Clock>,
}

/// The providers of a run.
pub type Connections = BTreeMap<ProviderName, Connection>;

/// How a run is to behave.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Steps of one provider under way at once; enough to hide the latency where it is left out.
    pub concurrency: Option<usize>,
}

/// Steps of one provider under way at once, where nothing else is said: enough to hide three seconds
/// of latency at its fastest limit, and never more than so many connections.
fn concurrency(provider: &Provider) -> usize {
    let rates = provider.kind().calls().iter().map(|(call, _)| provider.rate(*call));
    let fastest = rates.fold(0.0, f64::max);
    let hidden =
        |steps: &usize| f64::from(u16::try_from(*steps).unwrap_or(u16::MAX)) >= 3.0 * fastest;
    (64..=512).find(hidden).unwrap_or(512)
}

/// Hears what happens while a plan is applied.
pub trait Report: Send + Sync {
    /// Takes one event.
    fn event(&self, event: &crate::model::Event);
}

/// The observers of connections: what looks, and cannot change anything.
#[must_use]
pub fn observers(connections: &Connections) -> Observers {
    let eye = |(name, connection): (&ProviderName, &Connection)| {
        (name.clone(), connection.client.clone() as Arc<dyn Observer>)
    };
    connections.iter().map(eye).collect()
}
