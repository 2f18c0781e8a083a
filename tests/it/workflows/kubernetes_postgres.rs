//! Kubernetes with the state in PostgreSQL: the example's roles on a real server, and the commands of its
//! pods.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_yaml::Value;

use super::hub::Hub;
use super::scheduled::{command, file, pod};
use crate::cli::test_dir::repository;
use crate::support::postgres::{self, Database};

const WRITER_PASSWORD: &str = "the-password-of-the-writer";
const READER_PASSWORD: &str = "the-password-of-the-reader";

const APPLY: (&str, &[&str]) = ("kubernetes-postgres/apply.yml", &["spec", "template", "spec"]);
const RECONCILE: (&str, &[&str]) =
    ("kubernetes-postgres/reconcile.yml", &["spec", "jobTemplate", "spec", "template", "spec"]);

/// The manifests that are applied, in the order of the README.
const APPLIED: [&str; 4] = [
    "kubernetes-postgres/database.yml",
    "kubernetes-postgres/secret.yml",
    "kubernetes/rooms.yml",
    "kubernetes/secret.yml",
];

/// Returns the documents of a manifest.
fn documents(name: &str) -> Vec<Value> {
    let text = file(name);
    let documents = serde_yaml::Deserializer::from_str(&text);
    documents.map(|document| Value::deserialize(document).expect("YAML")).collect()
}

/// Returns the resource of this kind and name in the applied manifests.
fn resource(kind: &str, name: &str) -> Value {
    let mut all = APPLIED.iter().flat_map(|manifest| documents(manifest));
    let found = all.find(|it| it["kind"] == kind && it["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("no {kind} {name}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value:?}"))
}

/// Returns the variables that a pod gets from ConfigMaps and Secrets.
fn variables(pod: &Value) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for source in pod["containers"][0]["envFrom"].as_sequence().expect("sources") {
        let (kind, name, key) = match source["configMapRef"]["name"].as_str() {
            Some(name) => ("ConfigMap", name, "data"),
            None => ("Secret", text(&source["secretRef"]["name"]), "stringData"),
        };
        for (name, value) in resource(kind, name)[key].as_mapping().expect("variables") {
            variables.insert(text(name).to_owned(), text(value).to_owned());
        }
    }
    variables
}

/// Returns the ConfigMaps that a pod mounts, by mount path.
fn mounted(pod: &Value) -> BTreeMap<String, Value> {
    let volumes = pod["volumes"].as_sequence().expect("volumes");
    let mount = |mount: &Value| {
        let volume = volumes.iter().find(|volume| volume["name"] == mount["name"]);
        let map = &volume.expect("a volume")["configMap"]["name"];
        (text(&mount["mountPath"]).to_owned(), resource("ConfigMap", text(map)))
    };
    let mounts = pod["containers"][0]["volumeMounts"].as_sequence().expect("mounts");
    mounts.iter().map(mount).collect()
}

/// A cluster whose pods use the test server, on loopback and without TLS.
struct Cluster {
    hub: Hub,
    database: Database,
}

impl Cluster {
    /// Returns `None`, after a message, if there is no server.
    fn new() -> Option<Self> {
        let database = postgres::database()?;
        database.sql(&file("kubernetes-postgres/roles.sql"));
        database.sql(&format!("ALTER ROLE roomctl PASSWORD '{WRITER_PASSWORD}'"));
        database.sql(&format!("ALTER ROLE roomctl_reader PASSWORD '{READER_PASSWORD}'"));
        let cluster = Self { hub: Hub::new(), database };
        for (name, path) in [APPLY, RECONCILE] {
            for (folder, map) in mounted(&pod(name, path)) {
                let folder = folder.strip_prefix("/etc/roomctl/").expect("a folder of the files");
                for (name, content) in map["data"].as_mapping().expect("files") {
                    let path = format!("etc/{folder}/{}", text(name));
                    cluster.hub.dir.write(&path, text(content));
                }
            }
        }
        Some(cluster)
    }

    /// Runs a command with the variables of a pod, and returns its output.
    fn run(&self, (name, path): (&str, &[&str]), command: &str, role: (&str, &str)) -> String {
        let mut variables = variables(&pod(name, path));
        let port = self.database.address.port().to_string();
        for (name, value) in [
            ("PGHOST", "127.0.0.1"),
            ("PGPORT", &port),
            ("PGSSLMODE", "disable"),
            ("PGUSER", role.0),
            ("PGPASSWORD", role.1),
            ("ZEGO_APP_ID", "1"),
            ("ZIM_ENDPOINT", "emulator"),
        ] {
            variables.insert(name.to_owned(), value.to_owned());
        }
        let export = |(name, value): (&String, &String)| format!("export {name}='{value}'; ");
        let exports: String = variables.iter().map(export).collect();
        let etc = self.hub.dir.path("etc").display().to_string();
        self.hub.shell(&(exports + &command.replace("/etc/roomctl", &etc)))
    }

    /// Runs a command as the role that may write.
    fn write(&self, pod: (&str, &[&str]), command: &str) -> String {
        self.run(pod, command, ("roomctl", WRITER_PASSWORD))
    }
}

/// Returns `roomctl other` with the `--file` and `--state` options of `command`.
fn with_paths_of(command: &str, other: &str) -> String {
    let options =
        command.split(' ').filter(|it| it.starts_with("--file=") || it.starts_with("--state="));
    format!("roomctl {} {other}", options.collect::<Vec<_>>().join(" "))
}

#[test]
fn the_writer_role_can_apply_and_the_reader_role_can_plan() {
    let Some(cluster) = Cluster::new() else { return };
    let (apply, reconcile) = (command(APPLY.0, APPLY.1), command(RECONCILE.0, RECONCILE.1));
    let plan = |options: &str| {
        let reader = ("roomctl_reader", READER_PASSWORD);
        cluster.run(APPLY, &with_paths_of(&apply, &format!("plan {options}")), reader)
    };
    let planned: serde_json::Value = serde_json::from_str(&plan("--format json")).expect("a plan");
    let placeholder = format!("sha256:{}", "0".repeat(64));
    assert!(apply.contains(&placeholder), "{apply}");
    let reviewed = apply.replace(&placeholder, planned["digest"].as_str().expect("a digest"));
    let applied = cluster.write(APPLY, &reviewed);
    assert!(applied.contains("Applied: 2 created."), "{applied}");
    assert!(plan("").contains("No changes: 2 rooms"));

    cluster.write(RECONCILE, &with_paths_of(&reconcile, "emulator advance 2h"));
    let recreated = cluster.write(RECONCILE, &reconcile);
    assert!(recreated.contains("2 recreated"), "{recreated}");
    assert!(!cluster.write(RECONCILE, &reconcile).contains("recreated"));
    let [_, inspection] = sql_blocks().try_into().expect("the roles, and the queries of a state");
    let rows = cluster.database.sql(&inspection);
    assert!(rows.contains("roomctl reconcile") && rows.contains("cleanly|"), "{rows}");
    assert!(rows.contains("\nchat|2"), "{rows}");
    let privileges = "SELECT has_table_privilege('roomctl_reader', 'roomctl.head', 'INSERT, UPDATE, DELETE'), \
               has_schema_privilege('roomctl_reader', 'roomctl', 'CREATE'), \
               has_database_privilege('roomctl', 'fleet', 'CREATE')";
    assert_eq!(cluster.database.sql(privileges), "f|f|f");
}

/// Returns the SQL blocks of `docs/state.md`.
fn sql_blocks() -> Vec<String> {
    let page = std::fs::read_to_string(repository().join("docs/state.md")).expect("a page");
    let blocks = page.split("```sql\n").skip(1);
    blocks.map(|rest| rest.split("```").next().expect("an end").to_owned()).collect()
}

#[test]
fn the_docs_show_the_roles_of_the_example() {
    let roles = file("kubernetes-postgres/roles.sql");
    let statements = roles.split_once("\n\n").expect("a comment before the statements").1;
    assert_eq!(sql_blocks()[0], statements);
}

#[test]
fn the_pods_verify_the_server_and_reference_declared_resources() {
    for (name, path) in [APPLY, RECONCILE] {
        let pod = pod(name, path);
        let variables = variables(&pod);
        let of_postgres: BTreeSet<_> =
            variables.keys().filter(|name| name.starts_with("PG")).map(String::as_str).collect();
        let expected =
            ["PGDATABASE", "PGHOST", "PGPASSWORD", "PGSSLMODE", "PGSSLROOTCERT", "PGUSER"];
        assert_eq!(of_postgres, expected.into(), "{name}");
        assert_eq!(variables["PGSSLMODE"], "verify-full");
        let (folder, authority) = variables["PGSSLROOTCERT"].rsplit_once('/').expect("a path");
        assert!(mounted(&pod)[folder]["data"][authority].is_string(), "{name}: {folder}");
        let arguments = command(name, path);
        assert!(arguments.contains("--state=postgres:///"), "{arguments}");
        assert!(arguments.contains("--lock-timeout="), "{arguments}");
        assert!(!file(name).contains("persistentVolumeClaim"), "{name} has a volume");
    }
}
