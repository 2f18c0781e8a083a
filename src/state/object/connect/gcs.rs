//! Google Cloud Storage.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use object_store::gcp::GoogleCloudStorageBuilder;
use serde_json::Value;

use super::super::http::Http;
use super::{Connected, ServiceAddress, client_options, no_retries, unusable};
use crate::state::StoreEnvironment;

/// The vendor's host.
const HOST: &str = "storage.googleapis.com";

/// Variables that hold an access token.
const TOKENS: &[&str] = &["GOOGLE_OAUTH_ACCESS_TOKEN"];

/// Variables that hold a key as JSON.
const KEYS: &[&str] = &["GOOGLE_SERVICE_ACCOUNT_KEY"];

/// Variables that name a file with a key.
const FILES: &[&str] =
    &["GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH"];

/// The file that `gcloud auth application-default login` writes in the home folder.
const DEFAULT_FILE: &str = ".config/gcloud/application_default_credentials.json";

/// The members of a key file that hold secrets.
const SECRETS: &[&str] = &["private_key", "client_secret", "refresh_token"];

pub(super) fn connect(bucket: &str, environment: &StoreEnvironment) -> Result<Connected, String> {
    let emulator = environment.variable("STORAGE_EMULATOR_HOST");
    let address = match emulator {
        Some(host) if host.contains("://") => {
            ServiceAddress::custom("STORAGE_EMULATOR_HOST", host)?
        }
        Some(host) => ServiceAddress::custom("STORAGE_EMULATOR_HOST", &format!("http://{host}"))?,
        None => ServiceAddress::vendor(HOST.to_owned()),
    };
    let builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(bucket)
        .with_base_url(&address.url)
        .with_client_options(client_options())
        .with_retry(no_retries())
        .with_http_connector(Http::default());
    let builder = match emulator {
        Some(_) => builder.with_bearer_token("").with_skip_signature(true),
        None => with_credentials(builder, environment)?,
    };
    let store = builder.build().map_err(|error| unusable(&error))?;
    let ServiceAddress { url: _, host, endpoint } = address;
    Ok(Connected { store: Arc::new(store), host, endpoint })
}

pub(super) fn secrets(environment: &StoreEnvironment) -> Vec<String> {
    let mut secrets = environment.values(TOKENS);
    let mut texts = environment.values(KEYS);
    let files = FILES.iter().filter_map(|name| environment.variable(name));
    texts.extend(files.filter_map(|file| fs::read_to_string(file).ok()));
    let default = default_file(environment).and_then(|file| fs::read_to_string(file).ok());
    texts.extend(default);
    for text in texts {
        let Ok(key) = serde_json::from_str::<Value>(&text) else { continue };
        let texts = SECRETS.iter().filter_map(|name| key.get(*name)?.as_str().map(str::to_owned));
        secrets.extend(texts);
    }
    secrets
}

/// Adds the credentials: a token, a service account's key, or else those of the machine.
fn with_credentials(
    builder: GoogleCloudStorageBuilder,
    environment: &StoreEnvironment,
) -> Result<GoogleCloudStorageBuilder, String> {
    if let Some((_, token)) = environment.first(TOKENS) {
        return Ok(builder.with_bearer_token(token));
    }
    if let Some((setting, key)) = environment.first(KEYS) {
        check_kind(setting, key)?;
        return Ok(builder.with_service_account_key(key));
    }
    let named = environment.first(FILES).map(|(setting, file)| (setting, file.to_owned()));
    let default = || Some(("the default file", default_file(environment)?));
    let Some((setting, file)) = named.or_else(default) else { return Ok(builder) };
    let key = fs::read_to_string(&file)
        .map_err(|error| format!("{setting} names {file}, which cannot be read: {error}"))?;
    check_kind(&format!("{file} ({setting})"), &key)?;
    Ok(builder.with_application_credentials(file))
}

/// Checks that a key is of a supported type.
fn check_kind(what: &str, key: &str) -> Result<(), String> {
    let key: Value = serde_json::from_str(key).map_err(|_| format!("{what} is not JSON"))?;
    match key.get("type").and_then(Value::as_str) {
        Some("service_account" | "authorized_user") => Ok(()),
        Some(kind) => Err(format!(
            "{what} contains credentials of the type `{kind}`, which roomctl does not support: put an \
             access token into GOOGLE_OAUTH_ACCESS_TOKEN, as `gcloud auth print-access-token` or \
             google-github-actions/auth gives it"
        )),
        None => Err(format!("{what} contains no credentials of Google Cloud")),
    }
}

fn default_file(environment: &StoreEnvironment) -> Option<String> {
    let (_, home) = environment.first(&["HOME"])?;
    let file = Path::new(home).join(DEFAULT_FILE);
    file.exists().then(|| file.to_string_lossy().into_owned())
}
