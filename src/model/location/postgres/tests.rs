//! Parsing and printing the URLs of databases.

use super::super::StateLocation;
use super::*;

fn postgres(text: &str) -> Result<PostgresUrl, LocationError> {
    match text.parse()? {
        StateLocation::Postgres(url) => Ok(url),
        other @ (StateLocation::File(_) | StateLocation::Object(_)) => {
            panic!("not the URL of a database: {other}")
        }
    }
}

#[test]
fn a_url_names_hosts_user_database_schema_and_lease() {
    let url = postgres("postgresql://me@h1:5433,h2/fleet?schema=live_2&lease=20s").expect("a URL");
    let settings = [
        (PostgresSetting::Host, "h1,h2"),
        (PostgresSetting::Port, "5433,"),
        (PostgresSetting::User, "me"),
        (PostgresSetting::Database, "fleet"),
    ];
    let settings = settings.map(|(setting, value)| (setting, value.to_owned())).into();
    let (schema, lease) = ("live_2".to_owned(), Duration::from_secs(20));
    assert_eq!(url, PostgresUrl { settings, schema, lease });
    let url = postgres("postgres://").expect("a URL");
    let (schema, lease) = ("roomctl".to_owned(), DEFAULT_LEASE);
    assert_eq!(url, PostgresUrl { settings: BTreeMap::new(), schema, lease });
}

#[test]
fn a_printed_url_parses_to_the_same_location() {
    let cases = [
        ("postgresql://me@db.example/fleet?lease=20s", "postgres://me@db.example/fleet"),
        ("postgres://h1:1,h2:2/db", "postgres://h1:1,h2:2/db"),
        ("postgres://h1,h2:2/db", "postgres://h1,h2:2/db"),
        ("postgres://[::1]:5433/db", "postgres://[::1]:5433/db"),
        ("postgres:///db?host=/var/run", "postgres://%2Fvar%2Frun/db"),
        ("postgres://%2Fvar%2Frun:5433/db", "postgres://%2Fvar%2Frun:5433/db"),
        ("postgres:///db?host=a,b&port=5433", "postgres://a:5433,b:5433/db"),
        ("postgres://:5433/db", "postgres://:5433/db"),
        ("postgres://me%40x@h/a%20b", "postgres://me%40x@h/a%20b"),
        ("postgres:///?service=fleet", "postgres:///?service=fleet"),
        ("postgres://h?user=me&dbname=d", "postgres://me@h/d"),
        ("postgres://h/db?schema=roomctl", "postgres://h/db"),
        (
            "postgres://h/db?schema=live&sslrootcert=/etc/a%26b.pem&sslmode=verify-full",
            "postgres://h/db?sslmode=verify-full&sslrootcert=/etc/a%26b.pem&schema=live",
        ),
    ];
    for (text, shown) in cases {
        let url = postgres(text).expect(text);
        assert_eq!(url.to_string(), shown);
        let again = postgres(shown).expect(shown);
        assert_eq!(again.to_string(), shown, "{text}");
        assert_eq!(again.schema, url.schema, "{text}");
    }
}

#[test]
fn a_password_anywhere_is_refused_and_not_printed() {
    for text in [
        "postgres://u:hush@h/db",
        "postgres://u:@h/db",
        "postgres://u:hu@sh@h/db",
        "postgres://u:hu/sh@h/db",
        "postgres://u:hu?sh@h/db",
        "postgres://u:hu?a=sh@h/db",
        "postgres://u%3Ahush@h/db",
        "postgres://h/db?password=hush",
        "postgres://h/db?passw%6Frd=hush",
        "postgres://h/db?sslpassword=hush",
    ] {
        let error = postgres(text).expect_err(text);
        assert_eq!(error, LocationError::DatabasePassword, "{text}");
        assert!(error.to_string().contains("PGPASSWORD"), "{error}");
    }
}

#[test]
fn an_invalid_url_of_a_database_is_refused() {
    let cases = [
        ("postgres://h:0/db", "invalid `port`"),
        ("postgres://h:65536/db", "invalid `port`"),
        ("postgres://h:+1/db", "invalid `port`"),
        ("postgres://::1/db", "brackets"),
        ("postgres://[::1/db", "brackets"),
        ("postgres://[::1]x/db", "brackets"),
        ("postgres://h/db/x", "too many `/`"),
        ("postgres://h/db#x", "`#`"),
        ("postgres://h/d%b", "`%`"),
        ("postgres://h/d%ff", "`%`"),
        ("postgres://h/d%00", "`%`"),
        ("postgres://a%2Cb/db", "comma"),
        ("postgres://a!b/db", "invalid `host`"),
        ("postgres:///db?host=a,b&port=1,2,3", "the numbers of ports and hosts differ"),
        ("postgres://h/db?host=g", "`host` is given twice"),
        ("postgres://h:1/db?port=2", "`port` is given twice"),
        ("postgres://u@h/db?user=v", "`user` is given twice"),
        ("postgres://h/db?sslmode=require&sslmode=disable", "`sslmode` is given twice"),
        ("postgres://h/db?schema=a&schema=a", "`schema` is given twice"),
        ("postgres://h/db?lease=20s&lease=20s", "`lease` is given twice"),
        ("postgres://h/db?sslmode=on", "invalid `sslmode`: expected disable, allow"),
        ("postgres://h/db?target_session_attrs=standby", "invalid `target_session_attrs`"),
        ("postgres://h/db?connect_timeout=soon", "invalid `connect_timeout`"),
        ("postgres://h/db?service=", "invalid `service`"),
        ("postgres://h/db?lease=5s", "invalid lease `5s`"),
        ("postgres://h/db?options=-crole%3Dx", "unknown parameter `options`"),
        ("postgres://h/db?Schema=x", "unknown parameter `Schema`"),
    ];
    for (text, part) in cases {
        let error = postgres(text).expect_err(text).to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn a_schema_is_a_plain_name_that_is_not_reserved() {
    let longest = "s".repeat(63);
    for name in ["live", "_1", "public", &longest] {
        assert_eq!(postgres(&format!("postgres://h/db?schema={name}")).expect(name).schema, name);
    }
    let too_long = "s".repeat(64);
    for name in ["", "Live", "1a", "a-b", "a%22b", "é", "pg_x", "information_schema", &too_long] {
        let error = postgres(&format!("postgres://h/db?schema={name}")).expect_err(name);
        assert!(matches!(error, LocationError::Parameter("schema", _)), "{name}: {error}");
    }
}
