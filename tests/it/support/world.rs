//! The world of a test: a folder with files and a state, a service, and a clock that is moved.

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

use super::stats::{AppStats, CallLog, Stats};
use super::stranger::Stranger;
use super::transport::InMemory;
use super::{Fuse, Script};
use crate::stores::lease::LeaseStore;
use crate::stores::opened;

/// The application of all tests.
pub(crate) const APP: u32 = 1;

/// When the world begins.
const START: i64 = 1_700_000_000_000;

/// A URL of this machine that nothing is ever sent to.
const NOWHERE: &str = "http://127.0.0.1:1";

/// A folder, a service, a clock, and what happens to the requests of runs.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) emulator: Emulator,
    calls: CallLog,
    pub(crate) clock: Arc<dyn Clock>,
    /// The clock that signs: the same, but where a test puts another in its place.
    pub(crate) signing: Arc<dyn Clock>,
    pub(crate) script: Script,
    /// A store with a lease, in the place of the file.
    pub(crate) leased: Option<LeaseStore>,
}

/// Returns a service that takes more requests a second than a client sends: strangers call it too.
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
    /// Returns a world whose time tokio moves.
    pub(crate) fn new(config: EmulatorConfig) -> Self {
        Self::by(Arc::new(TokioClock::starting_at(Timestamp::from_millis(START))), config)
    }

    /// Returns a world by a clock.
    pub(crate) fn by(clock: Arc<dyn Clock>, config: EmulatorConfig) -> Self {
        let (calls, config) = CallLog::attached_to(config);
        let emulator = Emulator::open(config, clock.clone(), Data::Memory).expect("an emulator");
        let (signing, script) = (clock.clone(), Script::default());
        Self { folder: folder(), emulator, calls, clock, signing, script, leased: None }
    }

    /// Returns a world whose state is in a store with a lease.
    pub(crate) fn leased(config: EmulatorConfig, store: &LeaseStore) -> Self {
        Self { leased: Some(store.clone()), ..Self::new(config) }
    }

    /// Reads files that lie in the folder.
    pub(crate) fn load(&self, files: &[String]) -> Desired {
        let paths: Vec<PathBuf> = files.iter().map(|file| self.folder.path().join(file)).collect();
        config::load(&paths, &|_| None).expect("files without findings").desired
    }

    /// Reads a text as rooms.yaml.
    pub(crate) fn declare(&self, text: &str) -> Desired {
        write(&self.folder.path().join("rooms.yaml"), text);
        self.load(&["rooms.yaml".to_owned()])
    }

    /// Returns the state on disk, or in the store with a lease.
    pub(crate) fn store(&self) -> Box<dyn Store> {
        if let Some(store) = &self.leased {
            return Box::new(store.clone());
        }
        opened(&self.folder.path().join("rooms.state.json"))
    }

    /// Returns the record as a reader meets it.
    pub(crate) async fn recorded(&self) -> Result<Arc<Recorded>, StateError> {
        Ok(self.store().read().await?.recorded)
    }

    /// ZIM as only a test sees it.
    pub(crate) fn stats(&self) -> AppStats {
        self.stats_of(Kind::Zim)
    }

    /// Returns a service as only a test sees it.
    pub(crate) fn stats_of(&self, kind: Kind) -> AppStats {
        self.all_stats().app(kind, APP)
    }

    /// All services as only a test sees them.
    pub(crate) fn all_stats(&self) -> Stats {
        self.calls.stats(&self.emulator)
    }

    /// Loses the state and everything beside it.
    pub(crate) fn lose_state(&self) {
        for entry in std::fs::read_dir(self.folder.path()).expect("the folder") {
            let path = entry.expect("an entry").path();
            if path.to_string_lossy().contains("rooms.state.json") {
                std::fs::remove_file(path).expect("removed");
            }
        }
    }

    /// Fresh connections, as every run of the command has them.
    pub(crate) fn connect(&self, desired: &Desired, fuse: &Fuse) -> Connections {
        let connect = |provider: &Provider| Connection {
            provider: provider.clone(),
            client: Arc::new(self.client(provider, fuse, &self.signing, &self.script)),
            clock: Arc::new(self.emulator.clone()),
        };
        let providers: BTreeMap<_, _> = desired.providers.clone();
        providers.into_iter().map(|(name, provider)| (name, connect(&provider))).collect()
    }

    /// Somebody else who may call the service of the first provider.
    pub(crate) async fn stranger(&self, desired: &Desired) -> Stranger {
        let name = desired.providers.keys().next().expect("a provider").as_str().to_owned();
        self.stranger_at(desired, &name).await
    }

    /// Somebody else who may call the service of a provider.
    pub(crate) async fn stranger_at(&self, desired: &Desired, provider: &str) -> Stranger {
        let mut providers = desired.providers.values();
        let provider = providers.find(|it| it.name.as_str() == provider).expect("it").clone();
        let application = Application::new(provider.kind(), Some("stranger".to_owned()))
            .with_is_test(provider.application.is_test());
        let provider = Provider { application, ..provider };
        let client = self.client(&provider, &Fuse::never(), &self.clock, &Script::default());
        Stranger::new(client, provider.kind()).await
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

/// Returns a folder in memory where the system has one: the tests of the state hold it to its disk.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("a folder")
}
