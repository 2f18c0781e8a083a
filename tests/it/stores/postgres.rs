//! States in PostgreSQL, on a real server: directly, and through PgBouncer in transaction mode.

mod damage;
mod faults;
mod lease;
mod log_in;
mod schema;
mod servers;

use std::pin::Pin;

use roomctl::state::{self, Store, StoreEnvironment};

use super::{Subject, check_every_rule, end_lease};
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
async fn postgres_passes_every_rule() {
    let Some(server) = postgres::shared() else { return };
    check_every_rule(|_| server.database()).await;
}

#[tokio::test]
async fn postgres_passes_every_rule_behind_a_pooler() {
    let Some(server) = postgres::shared() else { return };
    let Some(bouncer) = postgres::bouncer(server) else { return };
    check_every_rule(|_| server.database().at(bouncer.address)).await;
}
