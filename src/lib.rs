//! roomctl keeps a fleet of chat and live rooms as a YAML file says.
//!
//! ```text
//!  rooms.yaml ── config ───▶ Desired  ┐
//!  state ─────── state ────▶ Recorded ├─ planner ─▶ Plan ─ gate ─▶ ApprovedPlan ─ applier ─▶ Outcome
//!  service ───── provider ─▶ Observed ┘               └────────────── render ───────────┘
//! ```
//!
//! First everything is loaded, then a pure function compares it and makes a [`model::Plan`]; only an
//! [`model::ApprovedPlan`], which passed the gate, can be carried out. From a file to rooms on the
//! built-in emulator:
//!
//! ```
//! use std::collections::{BTreeMap, BTreeSet};
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use roomctl::applier::{self, Connection, Report, Run, Settings, StopSwitch};
//! use roomctl::emulator::{App, Data, Emulator, Settings as Service};
//! use roomctl::model::{
//!     Approval, ApprovedPlan, Refreshed, Clock, Consent, Destroys, Event, Kind, Observed, OnConflict,
//!     Refresh,
//! };
//! use roomctl::planner::PlanInputs;
//! use roomctl::provider::Clocks;
//! use roomctl::provider::http::{AllowedHosts, SystemClock};
//! use roomctl::state::{FileStore, Holder, WriteStore};
//! use roomctl::{config, planner, provider};
//!
//! struct Silent;
//! impl Report for Silent {
//!     fn event(&self, _: &Event) {}
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // config: what the file says.
//! let folder = tempfile::tempdir()?;
//! let file = folder.path().join("rooms.yaml");
//! std::fs::write(&file, "\
//! version: 1
//! providers: {chat: {kind: zim, app_id: 1, operator: admin, endpoint: emulator}}
//! defaults: {destroy_delay_time: 1h}
//! rooms: [{id: lobby, name: Lobby, attributes: {topic: welcome}}]
//! ")?;
//! let desired = config::load(&[file], &|_| None).map_err(|_| "mistakes in the file")?.desired;
//!
//! // state: what is recorded, under the lock.
//! let holder = Holder {
//!     pid: std::process::id(),
//!     host: "here".into(),
//!     user: "somebody".into(),
//!     command: "an example".into(),
//!     time: SystemClock.now(),
//! };
//! let store = Arc::new(FileStore::new(&desired.state).lock(holder, Duration::ZERO).await?);
//! let recorded = store.snapshot().recorded.clone();
//!
//! // planner: a pure function of what was loaded. Nothing is recorded, so nothing was asked after.
//! let observed = Observed::default();
//! let plan = planner::plan(PlanInputs {
//!     desired: &desired,
//!     recorded: &recorded,
//!     observed: &observed,
//!     evict: &BTreeSet::new(),
//!     refreshed: Refreshed::As(Refresh::Due),
//!     in_progress: None,
//! });
//! assert_eq!(plan.summary.create, 1);
//!
//! // gate: consent is a type.
//! let consent = Consent {
//!     approval: Approval::Automatic,
//!     allow_destroy: None,
//!     allow_recreate: None,
//!     destroys: Destroys::Wanted,
//! };
//! let approved = ApprovedPlan::new(plan, consent);
//!
//! // provider: the means to call the service, here the emulator.
//! let app = App::with_own_secret(Kind::Zim, 1);
//! let secret = app.secret.clone();
//! let emulator = Emulator::open(Service::new(vec![app]), Arc::new(SystemClock), Data::Memory)?;
//! let running = emulator.listen(([127, 0, 0, 1], 0).into()).await?;
//! let url = format!("http://{}", running.address());
//! let connections = desired.providers.iter().map(|(name, provider)| {
//!     let (clock, allowed) = (Arc::new(SystemClock), AllowedHosts::none());
//!     let client = provider::connect(
//!         provider,
//!         &url,
//!         secret.clone(),
//!         Clocks::same(clock.clone()),
//!         &allowed,
//!     )?;
//!     let client = Arc::new(client);
//!     Ok((name.clone(), Connection { provider: provider.clone(), client, clock }))
//! });
//! let connections = connections.collect::<Result<BTreeMap<_, _>, provider::ConnectError>>()?;
//!
//! // applier: the only part that changes anything.
//! let (_switch, stop) = StopSwitch::new();
//! let outcome = applier::run(approved, Run {
//!     recorded,
//!     observed,
//!     connections,
//!     settings: Settings {
//!         concurrency: None,
//!         on_conflict: OnConflict::Fail,
//!     },
//!     store: store.clone(),
//!     report: Arc::new(Silent),
//!     stop,
//! })
//! .await;
//! assert_eq!(outcome.done.len(), 1);
//! store.finish(BTreeMap::new()).await?;
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

pub mod cli;
pub mod emulator;
