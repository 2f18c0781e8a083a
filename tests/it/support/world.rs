//! The world of a test: a folder with files and a state, a service, and a clock that is moved.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use roomctl::apply::{Connection, Connections};
use roomctl::desired;
use roomctl::emulator::{Action, App, AppSurvey, Data, Emulator, Settings};
use roomctl::model::{
    Address, Application, Clock, Desired, Kind, Provider, Recorded, Secret, Timestamp,
};
use roomctl::provider::connect_over;
use roomctl::provider::http::{AllowedHosts, TokioClock};
use roomctl::state::{FileStore, ReadStore, StateError};
use tempfile::TempDir;

use super::Fuse;
use super::stranger::Stranger;
use super::transport::InMemory;

/// The application of all tests.
pub(crate) const APP: u32 = 1;

/// When the world begins.
const START: i64 = 1_700_000_000_000;

/// A URL of this machine that nothing is ever sent to.
const NOWHERE: &str = "http://127.0.0.1:1";

/// A folder, a service and a clock.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) emulator: Emulator,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A service that takes more requests a second than a client sends: strangers call it too.
pub(crate) fn service() -> Settings {
    let rate_limits = Action::ALL.iter().map(|action| (*action, 1_000)).collect();
    Settings { rate_limits, ..plain_service() }
}

/// A service with the vendor's limits.
pub(crate) fn plain_service() -> Settings {
    Settings::new(vec![App::with_own_secret(Kind::Zim, APP)])
}

/// The address of a room of the one provider.
pub(crate) fn address(room: &str) -> Address {
    format!("chat/{room}").parse().expect("an address")
}

/// Writes a file of a test.
#[expect(clippy::disallowed_methods, reason = "no crash is to be survived by a test's own files")]
pub(crate) fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file");
}

impl World {
    /// A world whose time tokio moves.
    pub(crate) fn new(settings: Settings) -> Self {
        Self::by(Arc::new(TokioClock::starting_at(Timestamp::from_millis(START))), settings)
    }

    /// A world by a clock.
    pub(crate) fn by(clock: Arc<dyn Clock>, settings: Settings) -> Self {
        let emulator = Emulator::open(settings, clock.clone(), Data::Memory).expect("an emulator");
        Self { folder: folder(), emulator, clock }
    }

    /// Reads files that lie in the folder.
    pub(crate) fn load(&self, files: &[String]) -> Desired {
        let paths: Vec<PathBuf> = files.iter().map(|file| self.folder.path().join(file)).collect();
        desired::load(&paths, &|_| None).expect("files without findings").desired
    }

    /// Reads a text as rooms.yaml.
    pub(crate) fn declare(&self, text: &str) -> Desired {
        write(&self.folder.path().join("rooms.yaml"), text);
        self.load(&["rooms.yaml".to_owned()])
    }

    /// The state on disk.
    pub(crate) fn store(&self) -> FileStore {
        FileStore::new(self.folder.path().join("rooms.state.json"))
    }

    /// The record as a reader meets it.
    pub(crate) async fn recorded(&self) -> Result<Arc<Recorded>, StateError> {
        Ok(self.store().read().await?.recorded)
    }

    /// The service as only a test sees it.
    pub(crate) fn survey(&self) -> AppSurvey {
        self.emulator.survey().apps.remove(&(Kind::Zim, APP)).expect("the application")
    }

    /// Fresh connections, as every run of the command has them.
    pub(crate) fn connect(&self, desired: &Desired, fuse: &Fuse) -> Connections {
        let connect = |provider: &Provider| Connection {
            provider: provider.clone(),
            client: Arc::new(self.client(provider, fuse)),
            clock: Arc::new(self.emulator.clone()),
        };
        let providers: BTreeMap<_, _> = desired.providers.clone();
        providers.into_iter().map(|(name, provider)| (name, connect(&provider))).collect()
    }

    /// Somebody else who may call the service.
    pub(crate) async fn stranger(&self, desired: &Desired) -> Stranger {
        let provider = desired.providers.values().next().expect("a provider").clone();
        let application = Application::Zim { operator: "stranger".to_owned() };
        let provider = Provider { application, ..provider };
        Stranger::new(self.client(&provider, &Fuse::never())).await
    }

    fn client(&self, provider: &Provider, fuse: &Fuse) -> roomctl::provider::Client {
        let App { kind: _, app_id: _, secret } = App::with_own_secret(provider.kind(), APP);
        let secret: Secret = secret;
        let transport = InMemory { emulator: self.emulator.clone(), fuse: fuse.clone() };
        let (clock, allowed) = (self.clock.clone(), AllowedHosts::none());
        connect_over(provider, NOWHERE, secret, clock, &allowed, Arc::new(transport))
            .expect("a client")
    }
}

/// A folder in memory where the system has one: the tests of the state hold it to its disk.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("a folder")
}
