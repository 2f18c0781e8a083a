//! The world of a test: a folder with files and a state, the services, and a paused clock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use roomctl::applier::{Connection, Connections};
use roomctl::config;
use roomctl::emulator::{Action, App, Data, Emulator, EmulatorConfig};
use roomctl::model::{
    Address, Application, Clock, Desired, Kind, Provider, Recorded, Secret, Timestamp,
};
use roomctl::provider::http::{AllowedHosts, TokioClock};
use roomctl::provider::{Clocks, connect_over};
use roomctl::state::{StateError, Store};
use tempfile::TempDir;

use super::other_client::OtherClient;
use super::stats::{AppStats, CallLog, Stats};
use super::transport::InMemory;
use super::{Fuse, Script};
use crate::stores::lease::LeaseStore;
use crate::stores::opened;

/// The application of all tests.
pub(crate) const APP: u32 = 1;

/// The start time of a world.
const START: i64 = 1_700_000_000_000;

/// A loopback URL to which nothing is sent.
const NOWHERE: &str = "http://127.0.0.1:1";

/// A folder, the services, a clock, and the faults of requests.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) emulator: Emulator,
    calls: CallLog,
    pub(crate) clock: Arc<dyn Clock>,
    /// The clock for signatures: the same clock, unless a test replaces it.
    pub(crate) signing: Arc<dyn Clock>,
    pub(crate) script: Script,
    /// A store with a lease, used instead of the file.
    pub(crate) leased: Option<LeaseStore>,
}

/// Returns the services with rate limits above what the clients send, since other callers use them
/// too.
pub(crate) fn service() -> EmulatorConfig {
    let rate_limits = Action::ALL.iter().map(|action| (*action, 1_000)).collect();
    EmulatorConfig { rate_limits, ..plain_service() }
}

/// Returns the services with the vendors' limits.
pub(crate) fn plain_service() -> EmulatorConfig {
    EmulatorConfig::new(Kind::ALL.iter().map(|kind| App::with_own_secret(*kind, APP)).collect())
}

/// Returns the address of a room.
pub(crate) fn at(provider: &str, room: &str) -> Address {
    format!("{provider}/{room}").parse().expect("an address")
}

/// Writes a file of a test.
#[expect(clippy::disallowed_methods, reason = "no crash is to be survived by a test's own files")]
pub(crate) fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file");
}

impl World {
    /// Creates a world with tokio's clock.
    pub(crate) fn new(config: EmulatorConfig) -> Self {
        Self::by(Arc::new(TokioClock::starting_at(Timestamp::from_millis(START))), config)
    }

    /// Creates a world with a clock.
    pub(crate) fn by(clock: Arc<dyn Clock>, config: EmulatorConfig) -> Self {
        let (calls, config) = CallLog::attached_to(config);
        let emulator = Emulator::open(config, clock.clone(), Data::Memory).expect("an emulator");
        let (signing, script) = (clock.clone(), Script::default());
        Self { folder: folder(), emulator, calls, clock, signing, script, leased: None }
    }

    /// Creates a world whose state is in a store with a lease.
    pub(crate) fn leased(config: EmulatorConfig, store: &LeaseStore) -> Self {
        Self { leased: Some(store.clone()), ..Self::new(config) }
    }

    /// Loads files in the folder.
    pub(crate) fn load(&self, files: &[String]) -> Desired {
        let paths: Vec<PathBuf> = files.iter().map(|file| self.folder.path().join(file)).collect();
        config::load(&paths, &|_| None).expect("files without findings").desired
    }

    /// Writes a text as rooms.yaml, and loads it.
    pub(crate) fn declare(&self, text: &str) -> Desired {
        write(&self.folder.path().join("rooms.yaml"), text);
        self.load(&["rooms.yaml".to_owned()])
    }

    /// Opens the state on disk, or in the store with a lease.
    pub(crate) fn store(&self) -> Box<dyn Store> {
        if let Some(store) = &self.leased {
            return Box::new(store.clone());
        }
        opened(&self.folder.path().join("rooms.state.json"))
    }

    /// Returns the record as a reader sees it.
    pub(crate) async fn recorded(&self) -> Result<Arc<Recorded>, StateError> {
        Ok(self.store().read().await?.recorded)
    }

    /// Returns the internal state and the call counts of ZIM.
    pub(crate) fn stats(&self) -> AppStats {
        self.stats_of(Kind::Zim)
    }

    /// Returns the internal state and the call counts of a service.
    pub(crate) fn stats_of(&self, kind: Kind) -> AppStats {
        self.all_stats().app(kind, APP)
    }

    /// Returns the internal state and the call counts of all services.
    pub(crate) fn all_stats(&self) -> Stats {
        self.calls.stats(&self.emulator)
    }

    /// Deletes the state and all files beside it.
    pub(crate) fn lose_state(&self) {
        for entry in std::fs::read_dir(self.folder.path()).expect("the folder") {
            let path = entry.expect("an entry").path();
            if path.to_string_lossy().contains("rooms.state.json") {
                std::fs::remove_file(path).expect("removed");
            }
        }
    }

    /// Creates new connections, as each run of the command does.
    pub(crate) fn connect(&self, desired: &Desired, fuse: &Fuse) -> Connections {
        let connect = |provider: &Provider| Connection {
            provider: provider.clone(),
            client: Arc::new(self.client(provider, fuse, &self.signing, &self.script)),
            clock: Arc::new(self.emulator.clone()),
        };
        let providers: BTreeMap<_, _> = desired.providers.clone();
        providers.into_iter().map(|(name, provider)| (name, connect(&provider))).collect()
    }

    /// Returns another caller of the first provider's service.
    pub(crate) async fn other_client(&self, desired: &Desired) -> OtherClient {
        let name = desired.providers.keys().next().expect("a provider").as_str().to_owned();
        self.other_client_at(desired, &name).await
    }

    /// Returns another caller of a provider's service.
    pub(crate) async fn other_client_at(&self, desired: &Desired, provider: &str) -> OtherClient {
        let mut providers = desired.providers.values();
        let provider = providers.find(|it| it.name.as_str() == provider).expect("it").clone();
        let application = Application::new(provider.kind(), Some("other_client".to_owned()))
            .with_is_test(provider.application.is_test());
        let provider = Provider { application, ..provider };
        let client = self.client(&provider, &Fuse::never(), &self.clock, &Script::default());
        OtherClient::new(client, provider.kind()).await
    }

    fn client(
        &self,
        provider: &Provider,
        fuse: &Fuse,
        signing: &Arc<dyn Clock>,
        script: &Script,
    ) -> roomctl::provider::Client {
        let App { kind: _, app_id: _, secret } = App::with_own_secret(provider.kind(), APP);
        let secret: Secret = secret;
        let transport = InMemory {
            emulator: self.emulator.clone(),
            fuse: fuse.clone(),
            script: script.clone(),
            leased: self.leased.clone(),
        };
        let clocks = Clocks { signing: signing.clone(), rooms: Arc::new(self.emulator.clone()) };
        let allowed = AllowedHosts::none();
        let url = NOWHERE.parse().expect("a URL");
        connect_over(provider, &url, secret, clocks, &allowed, Arc::new(transport))
            .expect("a client")
    }
}

/// Returns a folder, in memory if the system has a memory file system: other tests cover durability
/// on disk.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("a folder")
}
