//! The commands with a state in PostgreSQL, on a real server.

use super::served::{SECRET, Served, Silent};
use super::test_dir::{CommandResult, THREE_ROOMS, TestDir};
use crate::support::postgres::{self, Database, PASSWORD};
use crate::support::tcp::TcpProxy;

/// A folder, and the database that its commands use.
struct Fleet {
    dir: TestDir,
    database: Database,
    environment: Vec<(String, String)>,
}

impl Fleet {
    /// Returns a folder with [`THREE_ROOMS`] and a new schema, or `None`, after a message, if there is no server.
    fn new() -> Option<Self> {
        let database = postgres::database()?;
        let environment = database.environment();
        Some(Self { dir: TestDir::with(THREE_ROOMS), database, environment })
    }

    /// Returns a fleet whose provider uses the service at this URL instead of the built-in emulator.
    fn with_service(url: &str) -> Option<Self> {
        let mut fleet = Self::new()?;
        fleet.environment.push(("ZIM_ENDPOINT".to_owned(), url.to_owned()));
        fleet.environment.push(("ZEGO_SERVER_SECRET".to_owned(), SECRET.to_owned()));
        Some(fleet)
    }

    /// Runs a command with the environment of the database; asserts that the password is not printed.
    fn run_on(&self, line: &str) -> CommandResult {
        let environment =
            self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let ran = self.dir.run_with(&environment.collect::<Vec<_>>(), line);
        for stream in [&ran.stdout, &ran.stderr] {
            assert!(!stream.contains(PASSWORD), "the password was printed\n{ran}");
        }
        ran
    }

    /// Runs a command on the state in the database.
    fn run(&self, line: &str) -> CommandResult {
        self.run_on(&format!("--state {} {line}", self.database.url()))
    }

    /// Starts an apply whose first call is never answered, and kills it.
    fn kill_an_apply(&self, silent: &Silent) {
        let line = format!("--state {} apply --auto-approve", self.database.url());
        let mut apply = self.dir.command(&line);
        let mut apply = apply.envs(self.environment.iter().cloned()).spawn().expect("apply starts");
        let call = silent.called();
        apply.kill().expect("killed");
        apply.wait().expect("its exit status");
        drop(call);
    }
}

#[test]
fn rooms_are_recorded_whichever_answer_of_the_server_is_lost() {
    for answers in [3, 8, 10, 12, 14, 16] {
        let Some(mut fleet) = Fleet::new() else { return };
        let direct = fleet.database.clone();
        let proxy = TcpProxy::start(direct.address);
        fleet.database = direct.at(proxy.address);
        proxy.lose_answer_after(answers);
        fleet.run("apply --auto-approve").exits(0).stdout_has("Applied: 3 created.");
        assert!(proxy.has_lost_answer(), "an apply has no more than {answers} answers");
        fleet.run("plan --refresh all").exits(0).stdout_has("No changes: 3 rooms, 3 asked");
        assert_eq!(direct.sql("SELECT count(*), (SELECT epoch FROM head) FROM rooms"), "3|1");
        assert!(!fleet.dir.holds("rooms.state.json"), "a local state was written");
    }
}

#[test]
fn state_unlock_ends_the_lease_of_a_killed_run() {
    let silent = Silent::start();
    let Some(fleet) = Fleet::with_service(&silent.url) else { return };
    fleet.kill_an_apply(&silent);
    fleet
        .run("state rm chat/lobby -y")
        .exits(4)
        .stderr_has("roomctl apply")
        .stderr_has("`roomctl state unlock`");
    fleet.run("state list").exits(0).stderr_has("being changed by");
    let asked = fleet.run("state unlock").exits(3).stderr_has("its lease ends in ");
    assert!(asked.stderr.contains("renewed.\nEnd it only if that run is gone."), "{asked}");
    fleet.run("state unlock -y").exits(0).stdout_has("Unlocked");
    fleet.run("state unlock").exits(0).stdout_has("Nothing to unlock");
    fleet.run("state fold").exits(0);
    let pulled = fleet.run("state pull").exits(0);
    assert!(pulled.stdout.contains("\"pending\""), "{pulled}");
}

#[test]
fn a_pulled_state_can_be_pushed_back() {
    let Some(fleet) = Fleet::new() else { return };
    fleet.run("apply --auto-approve").exits(0);
    let pulled = fleet.run("state pull --out kept.json").exits(0);
    pulled.stderr_has("wrote the state to kept.json");
    assert_eq!(fleet.dir.read("kept.json"), fleet.run("state pull").exits(0).stdout);
    fleet.run("state push kept.json").exits(0).stdout_has("No changes: ");
    fleet.run("state rm chat/news -y").exits(0);
    fleet.run("state list").exits(0).stdout_has("chat/lobby\nchat/support\n");
    fleet.run("state push kept.json -y").exits(3).stderr_has("it is older");
    fleet.run("state push kept.json -y --force").exits(0).stdout_has("Pushed: serial 3.");
    fleet.run("state list").exits(0).stdout_has("chat/lobby\nchat/news\nchat/support\n");
    fleet.run("plan --refresh all --detailed-exitcode").exits(0).stdout_has("No changes: 3 rooms");
}

#[test]
fn state_mv_renames_the_provider_of_every_record() {
    let Some(fleet) = Fleet::new() else { return };
    fleet.run("apply --auto-approve").exits(0);
    fleet.dir.edit("  chat:", "  talk:");
    fleet.run("plan").exits(3).stderr_has("recorded as `chat`");
    fleet.run("state mv chat/ talk/").exits(0).stdout_has("chat/lobby → talk/lobby");
    fleet.run("plan --refresh all --detailed-exitcode").exits(0).stdout_has("No changes: 3 rooms");
    assert_eq!(fleet.database.sql("SELECT count(*) FROM rooms WHERE address LIKE 'chat/%'"), "0");
}

#[test]
fn a_lost_schema_is_rebuilt_by_an_import() {
    let dir = TestDir::empty();
    let served = Served::start(&dir, "");
    let Some(fleet) = Fleet::with_service(&served.url) else { return };
    fleet.run("apply --auto-approve").exits(0).stdout_has("Applied: 3 created.");
    let schema = &fleet.database.schema;
    fleet.database.sql(&format!("DROP SCHEMA {schema} CASCADE"));
    fleet.run("import --all-declared").exits(0).stdout_has("3 recorded");
    fleet.run("plan --refresh all --detailed-exitcode").exits(0).stdout_has("No changes: 3 rooms");
}

#[test]
fn a_damaged_row_is_an_error_until_repaired() {
    let Some(fleet) = Fleet::new() else { return };
    fleet.run("apply --auto-approve").exits(0);
    fleet.database.sql("UPDATE rooms SET record = '{}' WHERE address = 'chat/news'");
    for command in ["plan", "apply --auto-approve", "state list"] {
        fleet.run(command).exits(1).stderr_has("chat/news").stderr_has("roomctl state repair");
    }
    fleet.run("state repair").exits(3).stderr_has("--auto-approve");
    fleet.run("state repair --auto-approve").exits(0).stdout_has("Repaired: serial");
    fleet.run("state repair").exits(0).stdout_has("Nothing to repair.");
    fleet.run("state list").exits(0).stdout_has("chat/lobby\nchat/support\n");
    fleet.run("import --all-declared").exits(0).stdout_has("1 recorded");
    fleet.run("plan --refresh all --detailed-exitcode").exits(0).stdout_has("No changes: 3 rooms");
}

/// Returns the lineage and the rooms of a pulled document.
fn content(pulled: &CommandResult) -> (serde_json::Value, serde_json::Value) {
    let document = pulled.document();
    (document["lineage"].clone(), document["rooms"].clone())
}

/// Returns two state URLs in an object store and the environment that they need; both are empty if there
/// is no object store.
#[cfg(feature = "object-store")]
fn objects() -> (Vec<String>, Vec<(String, String)>) {
    crate::support::servers::s3("between").map_or_else(Default::default, |bucket| {
        let objects = ["one.json", "two.json"].map(|key| format!("{}/{key}", bucket.url));
        (objects.into(), bucket.environment())
    })
}

#[cfg(not(feature = "object-store"))]
fn objects() -> (Vec<String>, Vec<(String, String)>) {
    Default::default()
}

#[test]
fn a_state_is_migrated_between_files_object_stores_and_schemas() {
    let Some(fleet) = Fleet::new() else { return };
    let (objects, environment) = objects();
    let fleet = Fleet { environment: [fleet.environment, environment].concat(), ..fleet };
    let schema = || postgres::database().expect("a server").url();
    let mut places =
        vec!["rooms.state.json".to_owned(), schema(), schema(), "kept.json".to_owned()];
    places.extend(objects);
    if places.len() > 4 {
        places.insert(5, schema());
    }
    places.push("last.json".to_owned());
    fleet.run_on("apply --auto-approve").exits(0);
    let pull =
        |place: &str| content(&fleet.run_on(&format!("--state {place} state pull")).exits(0));
    let first = pull("rooms.state.json");
    for hop in places.windows(2) {
        let [from, to] = hop else { unreachable!("windows of two") };
        let migrated = fleet.run_on(&format!("state migrate {from} {to}")).exits(0);
        migrated.stdout_has("Migrated: 3 rooms, serial ");
        assert_eq!(pull(to), first, "{from} → {to}");
        let plan = fleet.run_on(&format!("--state {to} plan --refresh all --detailed-exitcode"));
        plan.exits(0).stdout_has("No changes: 3 rooms, 3 asked");
        let fold = fleet.run_on(&format!("--state {from} state fold")).exits(1);
        fold.stderr_has("moved to ");
        fleet
            .run_on(&format!("--state {from} state list"))
            .exits(0)
            .stderr_has("this state was moved to ");
    }
    let back = fleet.run_on(&format!("state migrate last.json {}", places[1])).exits(1);
    back.stderr_has("contains files of a state that was moved to");
}

#[test]
fn migrate_does_not_overwrite_another_state_in_a_schema() {
    let Some(fleet) = Fleet::new() else { return };
    fleet.run("apply --auto-approve").exits(0);
    let other = TestDir::applied();
    fleet.dir.write("other.json", &other.read("rooms.state.json"));
    let before = fleet.run("state pull").exits(0).stdout;
    let refused = fleet.run_on(&format!("state migrate other.json {}", fleet.database.url()));
    refused.exits(1).stderr_has("already contains another state, serial 1: nothing was written");
    assert_eq!(fleet.run("state pull").exits(0).stdout, before);
    fleet.run_on("--state other.json state list").exits(0).output_lacks("moved");
}
