//! systemd, cron and Kubernetes: runs the commands of their files, with the paths replaced by test
//! folders.

use std::os::unix::fs::symlink;

use serde_yaml::Value;

use super::hub::Hub;
use crate::cli::test_dir::repository;

const ROOMS: &str = "\
version: 1
providers: {chat: {kind: zim, app_id: 1, operator: admin, endpoint: emulator}}
defaults: {destroy_delay_time: 1h}
rooms: [{id: lobby, name: Lobby}, {id: support, name: Support}]
";

/// The options with the paths of the files and the state.
const FILES: &str = "--file /etc/roomctl/rooms.yaml --state /var/lib/roomctl/rooms.state.json";

/// A machine whose `/etc/roomctl` and `/var/lib/roomctl` are folders of the test.
struct Machine {
    hub: Hub,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { hub: Hub::new() };
        machine.hub.dir.write("etc/rooms.yaml", ROOMS);
        machine.hub.dir.write("var/.keep", "");
        machine
    }

    /// Returns a command with its paths replaced by this machine's folders.
    fn localize(&self, command: &str) -> String {
        let (etc, var) = (self.hub.dir.path("etc"), self.hub.dir.path("var"));
        let command = command.replace("/etc/roomctl", &etc.display().to_string());
        let command = command.replace("/var/lib/roomctl", &var.display().to_string());
        command.replace("/usr/local/bin/roomctl", "roomctl")
    }

    /// Runs a command, asserts that it succeeds, and returns its output.
    fn shell(&self, command: &str) -> String {
        let variables = "export ZEGO_APP_ID=1 ZIM_ENDPOINT=emulator";
        self.hub.shell(&format!("{variables}; {}", self.localize(command)))
    }

    /// Asserts that a reconcile two hours later recreates the vanished rooms and writes its metrics, and that
    /// the next one has nothing to do.
    fn assert_recreates(&self, reconcile: &str) {
        self.shell(&format!("roomctl {FILES} emulator advance 2h"));
        assert!(self.shell(reconcile).contains("2 recreated"));
        assert!(!self.shell(reconcile).contains("recreated"));
        assert!(self.hub.dir.read("var/reconcile.prom").contains("roomctl_"));
    }

    /// Returns the digest of the plan.
    fn digest(&self) -> String {
        let plan = self.shell(&format!("roomctl {FILES} plan --format json"));
        let plan: serde_json::Value = serde_json::from_str(&plan).expect("a plan");
        plan["digest"].as_str().expect("a digest").to_owned()
    }
}

/// Reads a file of `examples/gitops`.
pub(super) fn file(name: &str) -> String {
    let path = repository().join("examples/gitops").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Returns the values of a key in a unit file.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

#[test]
fn the_units_apply_and_reconcile() {
    let machine = Machine::new();
    let digest = machine.digest();
    let (apply, reconcile) =
        (file("systemd/roomctl-apply.service"), file("systemd/roomctl-reconcile.service"));
    let command = |unit: &str| {
        let [command] = values(unit, "ExecStart").try_into().expect("one command");
        format!("DIGEST={digest}; {command}")
    };
    assert!(machine.shell(&command(&apply)).contains("Applied: 2 created."));
    machine.assert_recreates(&command(&reconcile));
}

#[test]
fn the_units_have_the_same_sandbox() {
    let sandbox = |name: &str| {
        let unit = file(name);
        unit.split_once("# The user, and what it can write").expect("a sandbox").1.to_owned()
    };
    let unit = sandbox("systemd/roomctl-apply.service");
    assert_eq!(unit, sandbox("systemd/roomctl-reconcile.service"));
    for line in ["DynamicUser=yes", "StateDirectory=roomctl", "ProtectSystem=strict"] {
        assert!(unit.lines().any(|it| it == line), "{line}");
    }
}

#[test]
fn the_cron_jobs_reconcile_and_print_nothing_without_changes() {
    let machine = Machine::new();
    let crontab = file("cron/roomctl.cron");
    let jobs = crontab.lines().filter(|line| line.starts_with(['*', '4']));
    let command = |line: &str| line.split_once(" roomctl roomctl ").expect("a job").1.to_owned();
    let jobs: Vec<String> = jobs.map(|line| format!("roomctl {}", command(line))).collect();
    let [reconcile, drift] = jobs.try_into().expect("two jobs");
    machine.shell(&format!("roomctl {FILES} apply --auto-approve"));
    assert_eq!(machine.shell(&drift), "");
    assert_eq!(machine.shell(&reconcile), "");
    machine.assert_recreates(&reconcile);
}

#[test]
fn the_pods_apply_and_reconcile_the_files_of_the_config_map() {
    let machine = Machine::new();
    let map: Value = serde_yaml::from_str(&file("kubernetes/rooms.yml")).expect("a ConfigMap");
    let rooms = map["data"]["rooms.yaml"].as_str().expect("a file");
    // The kubelet mounts a file as a link into `..data`, which is a link to a versioned folder.
    machine.hub.dir.write("etc/..2026/rooms.yaml", rooms);
    std::fs::remove_file(machine.hub.dir.path("etc/rooms.yaml")).expect("a file");
    symlink("..2026", machine.hub.dir.path("etc/..data")).expect("a link");
    symlink("..data/rooms.yaml", machine.hub.dir.path("etc/rooms.yaml")).expect("a link");
    machine.hub.shell("chmod -R a-w etc");

    let reviewed = format!("--expect={}", machine.digest());
    let placeholder = format!("--expect=sha256:{}", "0".repeat(64));
    let apply = command("kubernetes/apply.yml", &["spec", "template", "spec"]);
    assert!(apply.contains(&placeholder), "{apply}");
    let applied = machine.shell(&apply.replace(&placeholder, &reviewed));
    assert!(applied.contains("Applied: 2 created."), "{applied}");
    let path = ["spec", "jobTemplate", "spec", "template", "spec"];
    machine.assert_recreates(&command("kubernetes/reconcile.yml", &path));
}

/// Returns the pod specification of a manifest at this path.
pub(super) fn pod(name: &str, path: &[&str]) -> Value {
    let manifest: Value = serde_yaml::from_str(&file(name)).expect("a manifest");
    path.iter().fold(&manifest, |value, key| &value[*key]).clone()
}

/// Returns the command of the pod's one container.
pub(super) fn command(name: &str, path: &[&str]) -> String {
    let pod = pod(name, path);
    let arguments = pod["containers"][0]["args"].as_sequence().expect("arguments");
    let arguments: Vec<&str> = arguments.iter().filter_map(Value::as_str).collect();
    format!("roomctl {}", arguments.join(" "))
}

#[test]
fn every_pod_has_a_restricted_security_context() {
    let manifest =
        |folder: &&str| ["apply", "reconcile"].map(|name| format!("{folder}/{name}.yml"));
    for name in ["kubernetes", "kubernetes-postgres"].iter().flat_map(manifest) {
        let text = file(&name);
        for line in [
            "runAsNonRoot: true",
            "readOnlyRootFilesystem: true",
            "allowPrivilegeEscalation: false",
            "capabilities: {drop: [ALL]}",
            "automountServiceAccountToken: false",
        ] {
            assert!(text.lines().any(|it| it.trim() == line), "{name} has no line `{line}`");
        }
    }
    assert!(file("kubernetes/reconcile.yml").contains("\n  concurrencyPolicy: Forbid\n"));
    assert!(file("kubernetes/state.yml").contains("\n  accessModes: [ReadWriteOncePod]\n"));
}
