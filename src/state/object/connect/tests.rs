//! Reading the settings and secrets of each service from the environment.

use std::fs;
use std::path::Path;

use super::*;

fn environment(variables: &[(&str, &str)]) -> StoreEnvironment {
    StoreEnvironment::of(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())))
}

fn result(
    service: ObjectService,
    variables: &[(&str, &str)],
) -> Result<(String, Endpoint), String> {
    let lease = std::time::Duration::from_mins(1);
    let url = ObjectUrl { service, bucket: "b".to_owned(), key: "k".to_owned(), lease };
    let connected = connect(&url, &environment(variables))?;
    Ok((connected.host, connected.endpoint))
}

fn failure(service: ObjectService, variables: &[(&str, &str)]) -> String {
    result(service, variables).expect_err("an error")
}

const AWS_KEY: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "aws secret key")];

fn with<'a>(
    variables: &[(&'a str, &'a str)],
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    [variables, more].concat()
}

#[test]
fn each_service_uses_the_vendors_host_or_the_configured_one() {
    use ObjectService::{Azure, Gcs, S3};
    let vendor = |host: &str| Ok((host.to_owned(), Endpoint::Vendor));
    let custom = |host: &str| Ok((host.to_owned(), Endpoint::Custom));
    let s3 = |more: &[_]| result(S3, &with(&AWS_KEY, more));
    assert_eq!(s3(&[]), vendor("s3.us-east-1.amazonaws.com"));
    assert_eq!(s3(&[("AWS_REGION", "eu-west-1")]), vendor("s3.eu-west-1.amazonaws.com"));
    assert_eq!(
        s3(&[("AWS_DEFAULT_REGION", "cn-north-1")]),
        vendor("s3.cn-north-1.amazonaws.com.cn")
    );
    assert_eq!(s3(&[("AWS_ENDPOINT_URL", "https://a.example/")]), custom("a.example"));
    let both = [("AWS_ENDPOINT_URL", "https://a"), ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")];
    assert_eq!(s3(&both), custom("127.0.0.1:9"));
    let private = "vpce-1.s3.eu-west-1.vpce.amazonaws.com";
    let url = format!("https://{private}");
    assert_eq!(s3(&[("AWS_ENDPOINT_URL_S3", url.as_str())]), vendor(private));
    assert_eq!(s3(&[("AWS_ENDPOINT_URL_S3", "https://xamazonaws.com")]), custom("xamazonaws.com"));

    let token = ("GOOGLE_OAUTH_ACCESS_TOKEN", "token");
    assert_eq!(result(Gcs, &[token]), vendor("storage.googleapis.com"));
    assert_eq!(result(Gcs, &[("STORAGE_EMULATOR_HOST", "[::1]:9")]), custom("[::1]:9"));

    let account = [("AZURE_STORAGE_ACCOUNT", "acc"), ("AZURE_STORAGE_KEY", "a2V5a2V5")];
    assert_eq!(result(Azure, &account), vendor("acc.blob.core.windows.net"));
    let endpoint = ("AZURE_STORAGE_ENDPOINT", "http://localhost:9/acc");
    assert_eq!(result(Azure, &with(&account, &[endpoint])), custom("localhost:9"));
    let connection = "AccountName=acc;AccountKey=a2V5a2V5;EndpointSuffix=core.chinacloudapi.cn";
    let connection = ("AZURE_STORAGE_CONNECTION_STRING", connection);
    assert_eq!(result(Azure, &[connection]), vendor("acc.blob.core.chinacloudapi.cn"));
}

#[test]
fn plain_http_to_another_machine_is_refused() {
    use ObjectService::{Azure, Gcs, S3};
    let cases = [
        (S3, with(&AWS_KEY, &[("AWS_ENDPOINT_URL_S3", "http://s3.example:9000")])),
        (Gcs, vec![("STORAGE_EMULATOR_HOST", "gcs.example:9000")]),
        (
            Azure,
            vec![("AZURE_STORAGE_ACCOUNT", "a"), ("AZURE_STORAGE_ENDPOINT", "http://az.example")],
        ),
    ];
    for (service, variables) in cases {
        let error = failure(service, &variables);
        assert!(error.contains("plain HTTP to") && error.contains("use https"), "{error}");
    }
}

#[test]
fn an_endpoint_with_credentials_is_refused_and_not_printed() {
    for url in ["https://user:hush-hush@h", "https://h/?sig=hush-hush", "ftp://hush-hush", "hush"] {
        let error = failure(ObjectService::S3, &with(&AWS_KEY, &[("AWS_ENDPOINT_URL", url)]));
        assert!(error.starts_with("AWS_ENDPOINT_URL"), "{error}");
        assert!(!error.contains("hush"), "{error}");
    }
}

#[test]
fn incomplete_credentials_are_refused_with_what_is_missing() {
    use ObjectService::{Azure, Gcs, S3};
    let account = ("AZURE_STORAGE_ACCOUNT", "acc");
    let cases: [(_, &[(&str, &str)], &str); 12] = [
        (S3, &[("AWS_ACCESS_KEY_ID", "a")], "AWS_SECRET_ACCESS_KEY is not"),
        (S3, &[("AWS_SECRET_ACCESS_KEY", "a")], "AWS_ACCESS_KEY_ID is not"),
        (S3, &[("AWS_WEB_IDENTITY_TOKEN_FILE", "/dev/null")], "AWS_ROLE_ARN is not"),
        (
            S3,
            &[("AWS_WEB_IDENTITY_TOKEN_FILE", "/no/file"), ("AWS_ROLE_ARN", "arn")],
            "/no/file, which cannot be read",
        ),
        (S3, &[("AWS_EC2_METADATA_DISABLED", "true")], "set AWS_ACCESS_KEY_ID"),
        (
            S3,
            &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1")],
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE is not",
        ),
        (Gcs, &[("GOOGLE_APPLICATION_CREDENTIALS", "/no/file")], "/no/file, which cannot be read"),
        (Gcs, &[("GOOGLE_SERVICE_ACCOUNT_KEY", "{")], "is not JSON"),
        (
            Gcs,
            &[("GOOGLE_SERVICE_ACCOUNT_KEY", r#"{"type": "external_account"}"#)],
            "put an access token into GOOGLE_OAUTH_ACCESS_TOKEN",
        ),
        (Azure, &[], "AZURE_STORAGE_ACCOUNT is not set"),
        (Azure, &[account, ("AZURE_CLIENT_SECRET", "hush")], "AZURE_CLIENT_ID or AZURE_TENANT_ID"),
        (Azure, &[account, ("AZURE_STORAGE_SAS_TOKEN", "hush")], "the SAS token is invalid"),
    ];
    for (service, variables, part) in cases {
        let error = failure(service, variables);
        assert!(error.contains(part), "{variables:?}: {error}");
        assert!(!error.contains("hush"), "{error}");
    }
}

#[test]
fn every_supported_kind_of_credentials_is_accepted() {
    use ObjectService::{Azure, S3};
    let account = ("AZURE_STORAGE_ACCOUNT", "acc");
    let client = [account, ("AZURE_CLIENT_ID", "c"), ("AZURE_TENANT_ID", "t")];
    let cases: [(_, Vec<(&str, &str)>); 9] = [
        (S3, vec![]),
        (S3, vec![("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2")]),
        (S3, vec![("AWS_WEB_IDENTITY_TOKEN_FILE", "/dev/null"), ("AWS_ROLE_ARN", "arn")]),
        (Azure, vec![account]),
        (Azure, vec![account, ("AZURE_CLIENT_ID", "c")]),
        (Azure, vec![account, ("AZURE_STORAGE_TOKEN", "token")]),
        (Azure, vec![account, ("AZURE_STORAGE_SAS_TOKEN", "?sv=1&sig=abc")]),
        (Azure, with(&client, &[("AZURE_CLIENT_SECRET", "secret")])),
        (Azure, with(&client, &[("AZURE_FEDERATED_TOKEN_FILE", "/dev/null")])),
    ];
    for (service, variables) in cases {
        assert!(result(service, &variables).is_ok(), "{variables:?}");
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    #[expect(clippy::disallowed_methods, reason = "a test's own files need not survive a crash")]
    fs::write(path, text).expect("written");
}

const CREDENTIALS: &str = "\
[default]
aws_access_key_id = AKDEFAULT
aws_secret_access_key = default-secret-key

; the job's
[ci]
aws_access_key_id=AKCI
aws_secret_access_key=ci-secret-key # rotated
aws_session_token=ci-session-token
[half]
aws_access_key_id = AKHALF
";

const CONFIG: &str = "\
[profile ci]
region = eu-central-1
s3 =
  region = not-this-one
[profile people]
sso_session = office
region = eu-west-3
[profile \"role\"]
role_arn = arn:aws:iam::1:role/x
source_profile = default
";

#[test]
fn a_profile_provides_key_and_region_or_a_hint_to_export_them() {
    let home = tempfile::tempdir().expect("a folder");
    write(home.path(), ".aws/credentials", CREDENTIALS);
    write(home.path(), ".aws/config", CONFIG);
    let home = home.path().to_str().expect("UTF-8");
    let of = |profile| [("HOME", home), ("AWS_PROFILE", profile)];
    let host = |variables: &[_]| Ok(result(ObjectService::S3, variables)?.0);

    assert_eq!(host(&[("HOME", home)]), Ok("s3.us-east-1.amazonaws.com".to_owned()));
    assert_eq!(host(&of("ci")), Ok("s3.eu-central-1.amazonaws.com".to_owned()));
    let region = ("AWS_REGION", "eu-west-1");
    assert_eq!(host(&with(&of("ci"), &[region])), Ok("s3.eu-west-1.amazonaws.com".to_owned()));
    let cases = [
        ("people", "`sso_session`, which roomctl does not support: export them"),
        ("role", "configure export-credentials --profile role --format env"),
        ("half", "has only one of aws_access_key_id"),
        ("nobody", "AWS_PROFILE names the profile `nobody`"),
    ];
    for (profile, part) in cases {
        let error: String = host(&of(profile)).expect_err(profile);
        assert!(error.contains(part), "{profile}: {error}");
        // A key in the environment replaces the credentials of the profile.
        if profile != "nobody" {
            assert!(host(&with(&of(profile), &AWS_KEY)).is_ok(), "{profile}");
        }
    }

    let known = secrets(ObjectService::S3, &environment(&of("ci")));
    let known: Vec<_> = known.iter().map(Secret::expose).collect();
    assert_eq!(known, ["ci-secret-key", "ci-session-token"]);
}

/// A service, the variables, and the secrets that they hold.
type SecretCase<'a> = (ObjectService, &'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn every_secret_in_the_environment_is_found() {
    use ObjectService::{Azure, Gcs, S3};
    let home = tempfile::tempdir().expect("a folder");
    let key = r#"{"type": "service_account", "private_key": "in a file", "client_email": "me"}"#;
    write(home.path(), "key.json", key);
    let file = home.path().join("key.json");
    let file = file.to_str().expect("UTF-8");
    let cases: [SecretCase<'_>; 6] = [
        (S3, &AWS_KEY, &["aws secret key"]),
        (S3, &[("AWS_SESSION_TOKEN", "session")], &["session"]),
        (
            Gcs,
            &[
                ("GOOGLE_OAUTH_ACCESS_TOKEN", "token"),
                ("GOOGLE_SERVICE_ACCOUNT_KEY", r#"{"refresh_token": "r", "client_secret": "c"}"#),
                ("GOOGLE_APPLICATION_CREDENTIALS", file),
            ],
            &["token", "c", "r", "in a file"],
        ),
        (
            Azure,
            &[("AZURE_STORAGE_KEY", "key"), ("AZURE_CLIENT_SECRET", "client")],
            &["key", "client"],
        ),
        (Azure, &[("AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=a%2Bb")], &["sv=1&sig=a%2Bb", "a+b"]),
        (
            Azure,
            &[("AZURE_STORAGE_CONNECTION_STRING", "AccountName=a;AccountKey=key==;X=1")],
            &["key=="],
        ),
    ];
    for (service, variables, expected) in cases {
        let known = secrets(service, &environment(variables));
        let known: Vec<_> = known.iter().map(Secret::expose).collect();
        assert_eq!(known, expected, "{variables:?}");
    }
}
