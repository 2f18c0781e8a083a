//! roomctl manages chat and live rooms declaratively: it plans and applies what YAML files declare.
//!
//! ```text
//!  rooms.yaml ── config ───▶ Desired  ┐
//!  state ─────── state ────▶ Recorded ├─ planner ─▶ Plan ─ gate ─▶ ApprovedPlan ─ applier ─▶ Outcome
//!  service ───── provider ─▶ Observed ┘               └────────────── render ───────────┘
//! ```
//!
//! First everything is loaded. A pure function then compares it and makes a [`model::Plan`]. Only a
//! [`model::ApprovedPlan`], which passed the gate, can be applied. [`engine`] runs these steps in order.
//! This example goes from a file to rooms on the built-in emulator:
//!
//! ```
//! use std::collections::{BTreeMap, BTreeSet};
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use roomctl::applier::{Connection, Report, StopSwitch};
//! use roomctl::emulator::{App, Data, Emulator, EmulatorConfig};
//! use roomctl::engine::{
//!     self, Access, ApplyRequest, Approver, Connected, Connector, Lock, Reviewed, Session, SessionError,
//! };
//! use roomctl::model::{
//!     Approval, ApprovedPlan, Clock, Consent, Desired, Destroys, EndpointUrl, Event, Kind, Plan,
//!     Refresh, Scope, Secret,
//! };
//! use roomctl::planner::HostChange;
//! use roomctl::provider::Clocks;
//! use roomctl::provider::http::{AllowedHosts, SystemClock};
//! use roomctl::state::{Holder, StoreEnvironment};
//! use roomctl::{config, provider, state};
//!
//! /// Ignores all events.
//! struct Silent;
//! impl Report for Silent {
//!     fn event(&self, _: &Event) {}
//! }
//!
//! /// Approves a plan with one create.
//! struct OneRoom;
//! impl Approver<SessionError> for OneRoom {
//!     async fn approve(&self, plan: Plan) -> Result<ApprovedPlan, SessionError> {
//!         assert_eq!(plan.summary.create, 1);
//!         Ok(ApprovedPlan::new(plan, Consent {
//!             approval: Approval::Automatic,
//!             allow_destroy: None,
//!             allow_recreate: None,
//!             destroys: Destroys::Wanted,
//!         }))
//!     }
//! }
//!
//! /// Connects every provider to the same URL.
//! struct OneEndpoint<'a> {
//!     desired: &'a Desired,
//!     url: EndpointUrl,
//!     secret: Secret,
//! }
//! impl Connector for OneEndpoint<'_> {
//!     type Error = SessionError;
//!
//!     async fn connect(&self, _: Access) -> Result<Connected, SessionError> {
//!         let (mut connections, allowed) = (BTreeMap::new(), AllowedHosts::none());
//!         for (name, provider) in &self.desired.providers {
//!             let clocks = Clocks::same(Arc::new(SystemClock));
//!             let secret = self.secret.clone();
//!             let client = provider::connect(provider, &self.url, secret, clocks, &allowed);
//!             let client = Arc::new(client.expect("a loopback address"));
//!             let (provider, clock) = (provider.clone(), Arc::new(SystemClock));
//!             connections.insert(name.clone(), Connection { provider, client, clock });
//!         }
//!         Ok(Connected { connections, missing: BTreeMap::new() })
//!     }
//!
//!     async fn close(&self) -> Result<(), SessionError> {
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // config: what the file declares.
//! let folder = tempfile::tempdir()?;
//! let file = folder.path().join("rooms.yaml");
//! std::fs::write(&file, "\
//! version: 1
//! providers: {chat: {kind: zim, app_id: 1, operator: admin, endpoint: emulator}}
//! defaults: {destroy_delay_time: 1h}
//! rooms: [{id: lobby, name: Lobby, attributes: {topic: welcome}}]
//! ")?;
//! let desired = config::load(&[file], &|_| None).map_err(|_| "the file has mistakes")?.desired;
//!
//! // The service: here the emulator.
//! let app = App::with_own_secret(Kind::Zim, 1);
//! let secret = app.secret.clone();
//! let settings = EmulatorConfig::new(vec![app]);
//! let emulator = Emulator::open(settings, Arc::new(SystemClock), Data::Memory)?;
//! let running = emulator.listen(([127, 0, 0, 1], 0).into()).await?;
//! let url = format!("http://{}", running.address()).parse()?;
//!
//! // engine: lock, connect, recover, refresh, plan, approve, apply, close.
//! let (_switch, stop) = StopSwitch::new();
//! let session = Session {
//!     desired: &desired,
//!     store: &*state::open(&desired.state, &StoreEnvironment::default())?,
//!     connector: &OneEndpoint { desired: &desired, url, secret },
//!     clock: &SystemClock,
//!     stop: &stop,
//!     events: Arc::new(Silent),
//!     host_change: HostChange::Refused,
//! };
//! let holder = Holder {
//!     pid: std::process::id(),
//!     host: "localhost".into(),
//!     user: "user".into(),
//!     command: "an example".into(),
//!     time: SystemClock.now(),
//! };
//! let request = ApplyRequest {
//!     refresh: Refresh::Due,
//!     scope: &Scope::default(),
//!     reviewed: Reviewed::default(),
//!     evict: &BTreeSet::new(),
//!     concurrency: None,
//!     lock: Lock { holder, timeout: Duration::ZERO },
//!     warnings: &[],
//! };
//! let applied = engine::apply(&session, request, &OneRoom).await?;
//! applied.closed?;
//! assert_eq!(applied.outcome.done.len(), 1);
//! # running.shutdown().await?;
//! # Ok(())
//! # }
//! ```

pub mod model;

pub mod config;
pub mod state;

pub mod planner;
pub mod render;

pub mod applier;
pub mod provider;

pub mod engine;

pub mod cli;
pub mod emulator;
mod tls;
