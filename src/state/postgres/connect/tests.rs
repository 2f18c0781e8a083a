//! Combining the URL, the service file, the password file and the environment.

mod failures;
mod tls;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::model::StateLocation;

type Variables<'a> = &'a [(&'a str, &'a str)];

/// A home folder with its files.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self) -> &str {
        self.0.path().to_str().expect("a path")
    }

    #[expect(clippy::disallowed_methods, reason = "a test's own files need not survive a crash")]
    fn with(self, name: &str, text: &str) -> Self {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        allow(&path, 0o600);
        self
    }

    fn environment(&self, variables: &[(&str, &str)]) -> StoreEnvironment {
        environment(&[&[("HOME", self.path()), ("USER", "me")], variables].concat())
    }
}

#[cfg(unix)]
fn allow(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
}

#[cfg(not(unix))]
fn allow(_: &Path, _: u32) {}

fn environment(variables: &[(&str, &str)]) -> StoreEnvironment {
    StoreEnvironment::of(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())))
}

fn url(text: &str) -> PostgresUrl {
    match text.parse().expect(text) {
        StateLocation::Postgres(url) => url,
        other @ (StateLocation::File(_) | StateLocation::Object(_)) => {
            panic!("not the URL of a database: {other}")
        }
    }
}

fn connector(text: &str, environment: &StoreEnvironment) -> Connector {
    Connector::new(&url(text), environment).expect(text)
}

fn refusal(text: &str, environment: &StoreEnvironment) -> String {
    Connector::new(&url(text), environment).expect_err(text).to_string()
}

/// Returns servers, user, database and application name as one line.
fn shown(connector: &Connector) -> String {
    let shared = &connector.shared;
    let parts = [shared.get_user(), shared.get_dbname(), shared.get_application_name()];
    format!(
        "{} {}",
        connector.servers().replace(", ", ","),
        parts.map(Option::unwrap_or_default).join(" ")
    )
}

fn passwords(connector: &Connector) -> Vec<Option<&str>> {
    connector.servers.iter().map(|server| server.password.as_ref().map(Secret::expose)).collect()
}

#[test]
fn the_url_overrides_the_service_file_which_overrides_the_environment() {
    let services = "[other]\nhost=wrong\n[fleet]\n# ours\nhost=s\nport=1\n\nuser=su\nuser=again\n\
                    keepalives=1\n  dbname=sd\n[last]\ndbname=wrong\n";
    let home = Home::new().with(".pg_service.conf", services);
    let all = [
        ("PGHOST", "e"),
        ("PGPORT", "2"),
        ("PGUSER", "eu"),
        ("PGDATABASE", "ed"),
        ("PGAPPNAME", "ea"),
        ("PGPASSWORD", ""),
    ];
    let cases: [(&str, Variables<'_>, &str); 11] = [
        ("postgres://h/", &[], "h:5432 me me roomctl"),
        ("postgres://u@h/", &[], "h:5432 u u roomctl"),
        ("postgres://u@h:3,g/d?application_name=mine", &all, "h:3,g:5432 u d mine"),
        ("postgres://", &all, "e:2 eu ed ea"),
        ("postgres://h,g/", &all, "h:2,g:2 eu ed ea"),
        ("postgres:///?service=fleet", &all, "s:1 su sd ea"),
        ("postgres://h/d?service=fleet", &all, "h:1 su d ea"),
        ("postgres://", &[("PGSERVICE", "fleet")], "s:1 su sd roomctl"),
        ("postgres:///?service=other", &[("PGSERVICE", "fleet")], "wrong:5432 me me roomctl"),
        ("postgres://[::1]/d", &[], "[::1]:5432 me d roomctl"),
        ("postgres://%2Frun/d", &[], "/run:5432 me d roomctl"),
    ];
    for (text, variables, expected) in cases {
        assert_eq!(shown(&connector(text, &home.environment(variables))), expected, "{text}");
    }
}

#[test]
fn a_service_is_read_from_the_configured_files() {
    let home = Home::new()
        .with(".pg_service.conf", "[own]\nhost=own\n")
        .with("named", "[named]\nhost=named\n")
        .with("common/pg_service.conf", "[common]\nhost=common\n[own]\nhost=wrong\n");
    let (named, common) = (format!("{}/named", home.path()), format!("{}/common", home.path()));
    let both = [("PGSYSCONFDIR", common.as_str())];
    let only_named = [("PGSERVICEFILE", named.as_str())];
    for (service, variables) in [("own", &both), ("common", &both), ("named", &only_named)] {
        let connector =
            connector(&format!("postgres:///?service={service}"), &home.environment(variables));
        assert_eq!(connector.servers[0].host, service);
    }
    let none = refusal("postgres:///?service=own", &home.environment(&only_named));
    assert!(none.contains("there is no service `own`"), "{none}");
    let none = refusal(
        "postgres://",
        &home.environment(&[("PGSERVICEFILE", "/none"), ("PGSERVICE", "x")]),
    );
    assert!(none.contains("the service file /none cannot be read"), "{none}");
}

#[test]
fn an_error_in_a_service_file_contains_the_line_but_no_value() {
    for (line, part) in [
        ("hush", "line 2 is not of the form `key=value`"),
        ("service=hush", "line 2: a service cannot name another one"),
        ("ldap://hush=1", "line 2 has a key that roomctl does not support"),
        ("options=-c hush", "line 2 has a key that roomctl does not support"),
        ("sslmode=hush", "`sslmode` in the service file is invalid: expected disable"),
        ("port=hush", "`port` in the service file is invalid"),
    ] {
        let home = Home::new().with(".pg_service.conf", &format!("[s]\n{line}\n"));
        let why = refusal("postgres:///?service=s", &home.environment(&[]));
        assert!(why.contains(part) && !why.contains("hush"), "{line}: {why}");
    }
}

#[test]
fn an_invalid_or_unsupported_variable_is_reported() {
    for (name, value, part) in [
        ("PGPORT", "x", "PGPORT is invalid: expected numbers from 1 to 65535"),
        ("PGSSLMODE", "on", "PGSSLMODE is invalid: expected disable"),
        ("PGTARGETSESSIONATTRS", "standby", "PGTARGETSESSIONATTRS is invalid"),
        ("PGHOSTADDR", "10.0.0.1", "PGHOSTADDR is set, which roomctl does not support: unset it"),
        ("PGOPTIONS", "-c role=x", "PGOPTIONS is set"),
        ("PGPORT", "1,2,3", "the numbers of ports and hosts differ"),
    ] {
        let why = refusal("postgres://u@h1,h2/", &environment(&[(name, value)]));
        assert!(why.contains(part), "{name}: {why}");
    }
    let why = refusal("postgres://h/", &environment(&[]));
    assert!(why.contains("no user is set"), "{why}");
}

#[test]
fn a_service_password_overrides_pgpassword_and_the_password_file() {
    let home = Home::new()
        .with(".pg_service.conf", "[s]\nhost=h\npassword=of-service\n[t]\nhost=h\n")
        .with(".pgpass", "h:*:*:*:of-file\n");
    let variable = [("PGPASSWORD", "of-variable"), ("PGHOST", "h")];
    let cases: [(&str, Variables<'_>, Option<&str>); 5] = [
        ("postgres:///?service=s", &variable, Some("of-service")),
        ("postgres:///?service=t", &variable, Some("of-variable")),
        ("postgres:///?service=t", &[], Some("of-file")),
        ("postgres://h/", &[], Some("of-file")),
        ("postgres://g/", &[], None),
    ];
    for (text, variables, expected) in cases {
        let environment = home.environment(variables);
        assert_eq!(passwords(&connector(text, &environment)), [expected], "{text}");
    }
}

#[test]
fn the_first_matching_line_of_a_password_file_is_used() {
    let file = "# h:5432:d:u:comment\nshort:line\nh:5433:d:u:port\nh:5432:x:u:database\n\
                h:5432:d:v:user\na\\:b:5432:d:u:colon\n\\:\\:1:*:*:*:address\n\
                localhost:5432:*:*:local\nh:5432:d:u:a\\:b\\\\c:d\\e\r\nh:*:*:*:later\n/run/x:*:*:*:socket\n";
    let home = Home::new().with(".pgpass", file);
    let cases = [
        ("postgres://u@h/d", Some("a:b\\c:de")),
        ("postgres://u@h:5433/d", Some("port")),
        ("postgres://u@h/x", Some("database")),
        ("postgres://v@h/d", Some("user")),
        ("postgres://w@h/d", Some("later")),
        ("postgres://u@[::1]/d", Some("address")),
        ("postgres://u@localhost/d", Some("local")),
        ("postgres://u@%2Fvar%2Frun%2Fpostgresql/d", Some("local")),
        ("postgres://u@%2Frun%2Fx/d", Some("socket")),
        ("postgres://u@g/d", None),
    ];
    for (text, expected) in cases {
        assert_eq!(passwords(&connector(text, &home.environment(&[]))), [expected], "{text}");
    }
    let both = connector("postgres://u@h,localhost/d", &home.environment(&[]));
    assert_eq!(passwords(&both), [Some("a:b\\c:de"), Some("local")]);
}

#[test]
fn a_named_password_file_overrides_the_default() {
    let home = Home::new().with(".pgpass", "h:*:*:*:own\n").with("named", "h:*:*:*:named\n");
    let named = format!("{}/named", home.path());
    let by_variable = connector("postgres://h/", &home.environment(&[("PGPASSFILE", &named)]));
    assert_eq!(passwords(&by_variable), [Some("named")]);
    let by_url = connector(&format!("postgres://h/?passfile={named}"), &home.environment(&[]));
    assert_eq!(passwords(&by_url), [Some("named")]);
    let why = refusal("postgres://h/", &home.environment(&[("PGPASSFILE", "/none")]));
    assert!(why.contains("the password file /none cannot be read"), "{why}");
    let why = refusal("postgres://h/", &home.environment(&[("PGPASSFILE", home.path())]));
    assert!(why.contains("is not a regular file"), "{why}");
}

#[cfg(unix)]
#[test]
fn a_password_file_with_access_for_others_is_refused() {
    let home = Home::new().with(".pgpass", "h:*:*:*:hush\n");
    for mode in [0o644, 0o640, 0o602] {
        allow(&home.0.path().join(".pgpass"), mode);
        let why = refusal("postgres://h/", &home.environment(&[]));
        assert!(why.contains("`chmod 0600` it") && !why.contains("hush"), "{why}");
    }
    // With PGPASSWORD set, the file is not read.
    let variables = [("PGPASSWORD", "of-variable"), ("PGHOST", "h")];
    let connector = connector("postgres://h/", &home.environment(&variables));
    assert_eq!(passwords(&connector), [Some("of-variable")]);
}

#[test]
fn a_host_that_only_the_url_names_gets_no_general_password() {
    let home = Home::new().with(".pgpass", "*:*:*:*:for any\nh:*:*:*:for h\n");
    let with_service = Home::new().with(".pg_service.conf", "[s]\nhost=S\npassword=x\n");
    let variable = [("PGPASSWORD", "of-variable")];
    for (text, environment, word) in [
        ("postgres://evil/", home.environment(&variable), "PGPASSWORD"),
        ("postgres://localhost,evil/", home.environment(&variable), "PGPASSWORD"),
        ("postgres://evil/", home.environment(&[]), "the password file has for any host"),
        (
            "postgres://evil/?service=s",
            with_service.environment(&[]),
            "the password of the service",
        ),
    ] {
        let why = refusal(text, &environment);
        assert!(why.contains("only the URL names the host evil") && why.contains(word), "{why}");
        assert!(why.contains("set PGHOST=evil too"), "{why}");
    }
    for host in ["localhost", "127.0.0.2", "[::1]", "%2Frun", "named", "Other"] {
        let variables = [("PGPASSWORD", "of-variable"), ("PGHOST", "named,other")];
        let connector = connector(&format!("postgres://{host}/"), &home.environment(&variables));
        assert_eq!(passwords(&connector), [Some("of-variable")], "{host}");
    }
    let of_service = connector("postgres://s/?service=s", &with_service.environment(&[]));
    assert_eq!(passwords(&of_service), [Some("x")]);
}

#[test]
fn debug_output_has_no_password_and_all_passwords_are_secrets() {
    let home = Home::new()
        .with(".pg_service.conf", "[s]\nhost=h\npassword=hush-1\n")
        .with(".pgpass", "h:*:*:*:hush-2\ng:*:*:*:hush-3\n");
    let environment = home.environment(&[("PGPASSWORD", "hush-4"), ("PGHOST", "h")]);
    let url = url("postgres://h,localhost/?service=s");
    let connector = Connector::new(&url, &environment).expect("a connector");
    assert!(connector.servers.iter().all(|server| server.password.is_some()));
    let debugged = format!("{connector:?}");
    assert!(debugged.contains("localhost") && !debugged.contains("hush"), "{debugged}");
    let secrets = secrets(&url, &environment);
    let secrets: Vec<&str> = secrets.iter().map(Secret::expose).collect();
    assert_eq!(secrets, ["hush-4", "hush-1", "hush-2", "hush-3"]);
    // Unreadable files contribute no secrets.
    let variables = [("PGPASSWORD", "hush-5"), ("PGPASSFILE", "/none"), ("PGSERVICE", "none")];
    let broken = super::secrets(&self::url("postgres://h/"), &home.environment(&variables));
    assert_eq!(broken.iter().map(Secret::expose).collect::<Vec<_>>(), ["hush-5"]);
}

#[test]
fn the_connect_timeout_is_clamped() {
    for (seconds, expected) in
        [(None, 5), (Some("2"), 2), (Some("0"), 60), (Some("4000000000"), 60)]
    {
        assert_eq!(connect_timeout(seconds).as_secs(), expected, "{seconds:?}");
    }
}

#[test]
fn a_location_without_a_host_names_the_server_that_is_used() {
    let location = |text: &str, variables: &[(&str, &str)]| {
        let environment = environment(&[&[("USER", "me"), ("PGPORT", "6543")], variables].concat());
        super::super::database(&url(text), &environment).expect(text).location
    };
    let host = [("PGHOST", "db1,db2"), ("PGPASSWORD", "do-not-show-it")];
    assert_eq!(location("postgres:///", &host), "postgres:/// (server db1:6543, db2:6543)");
    assert_eq!(location("postgres:///fleet", &[]), "postgres:///fleet (server localhost:6543)");
    assert_eq!(location("postgres://db/fleet", &[]), "postgres://db/fleet");
}
