//! States in PostgreSQL, on a real server: directly, and through PgBouncer in transaction mode.

mod damage;
mod faults;
mod lease;
mod log_in;
mod schema;
mod servers;

use std::pin::Pin;

use roomctl::state::{self, Store, StoreEnvironment};

use super::{Subject, end_lease, every_rule};
use crate::support::postgres::{self, Database};

impl Subject for Database {
    fn store(&self) -> Box<dyn Store> {
        let location = self.url().parse().expect("a URL");
        state::open(&location, &StoreEnvironment::of(self.environment())).expect("a server")
    }

    fn lose_lock(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(end_lease(self))
    }
}

#[tokio::test]
async fn postgres_keeps_every_rule() {
    let Some(server) = postgres::shared() else { return };
    every_rule(|_| server.database()).await;
}

#[tokio::test]
async fn postgres_keeps_every_rule_behind_a_pooler() {
    let Some(server) = postgres::shared() else { return };
    let Some(bouncer) = postgres::bouncer(server) else { return };
    every_rule(|_| server.database().at(bouncer.address)).await;
}
