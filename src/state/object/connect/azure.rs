//! Azure Blob Storage.

use std::sync::Arc;

use object_store::azure::{MicrosoftAzureBuilder, split_sas};

use super::super::http::Http;
use super::{Connected, ServiceAddress, check_readable, client_options, no_retries, unusable};
use crate::state::StoreEnvironment;

const ACCOUNTS: &[&str] = &["AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME"];
const CONNECTION: &str = "AZURE_STORAGE_CONNECTION_STRING";
const ENDPOINTS: &[&str] = &["AZURE_STORAGE_ENDPOINT", "AZURE_STORAGE_BLOB_ENDPOINT"];
const KEYS: &[&str] =
    &["AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_KEY"];
const SIGNATURES: &[&str] = &["AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY"];
const TOKENS: &[&str] = &["AZURE_STORAGE_TOKEN"];
const CLIENTS: &[&str] = &["AZURE_CLIENT_ID", "AZURE_STORAGE_CLIENT_ID"];
const TENANTS: &[&str] = &["AZURE_TENANT_ID", "AZURE_STORAGE_TENANT_ID"];
const CLIENT_SECRETS: &[&str] = &["AZURE_CLIENT_SECRET", "AZURE_STORAGE_CLIENT_SECRET"];
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";

/// The parts of a connection string.
#[derive(Default)]
struct Connection<'a> {
    account: Option<&'a str>,
    key: Option<&'a str>,
    signature: Option<&'a str>,
    endpoint: Option<&'a str>,
    suffix: Option<&'a str>,
}

pub(super) fn connect(
    container: &str,
    environment: &StoreEnvironment,
) -> Result<Connected, String> {
    let connection = Connection::of(environment);
    let account = environment.first(ACCOUNTS).map(|(_, account)| account);
    let account = account.or(connection.account);
    let account = account
        .ok_or("AZURE_STORAGE_ACCOUNT is not set: set it to the name of the storage account")?;
    let address = service_address(account, &connection, environment)?;
    let builder = MicrosoftAzureBuilder::new()
        .with_account(account)
        .with_container_name(container)
        .with_endpoint(address.url.clone())
        .with_client_options(client_options())
        .with_retry(no_retries())
        .with_disable_tagging(true)
        .with_http_connector(Http::default());
    let builder = with_credentials(builder, &connection, environment)?;
    let store = builder.build().map_err(|error| unusable(&error))?;
    let ServiceAddress { url: _, host, endpoint } = address;
    Ok(Connected { store: Arc::new(store), host, endpoint })
}

pub(super) fn secrets(environment: &StoreEnvironment) -> Vec<String> {
    let connection = Connection::of(environment);
    let names = [KEYS, TOKENS, CLIENT_SECRETS].concat();
    let mut secrets = environment.values(&names);
    secrets.extend(connection.key.map(str::to_owned));
    let signatures = environment.first(SIGNATURES).map(|(_, signature)| signature);
    for token in signatures.into_iter().chain(connection.signature) {
        secrets.push(token.to_owned());
        let signature = split_sas(token).unwrap_or_default().into_iter();
        secrets.extend(signature.filter(|(name, _)| name == "sig").map(|(_, value)| value));
    }
    secrets
}

fn service_address(
    account: &str,
    connection: &Connection<'_>,
    environment: &StoreEnvironment,
) -> Result<ServiceAddress, String> {
    let set = environment.first(ENDPOINTS);
    let set = set.or_else(|| Some((CONNECTION, connection.endpoint?)));
    match (set, connection.suffix) {
        (Some((setting, url)), _) => ServiceAddress::custom(setting, url),
        (None, Some(suffix)) => {
            ServiceAddress::custom(CONNECTION, &format!("https://{account}.blob.{suffix}"))
        }
        (None, None) => Ok(ServiceAddress::vendor(format!("{account}.blob.core.windows.net"))),
    }
}

/// Adds the credentials: a key, a shared access signature, a token, a client with its secret or the
/// token of a workload, or else the managed identity of the machine.
fn with_credentials(
    builder: MicrosoftAzureBuilder,
    connection: &Connection<'_>,
    environment: &StoreEnvironment,
) -> Result<MicrosoftAzureBuilder, String> {
    let value = |names| environment.first(names).map(|(_, value)| value);
    if let Some(key) = value(KEYS).or(connection.key) {
        return Ok(builder.with_access_key(key));
    }
    if let Some(token) = value(SIGNATURES).or(connection.signature) {
        let pairs = split_sas(token).map_err(|_| "the SAS token is invalid".to_owned())?;
        return Ok(builder.with_sas_authorization(pairs));
    }
    if let Some(token) = value(TOKENS) {
        return Ok(builder.with_bearer_token_authorization(token));
    }
    let (client, tenant) = (value(CLIENTS), value(TENANTS));
    let builder = match environment.variable("AZURE_AUTHORITY_HOST") {
        Some(host) => builder.with_authority_host(host),
        None => builder,
    };
    let builder = match environment.variable("IDENTITY_ENDPOINT") {
        Some(endpoint) => builder.with_msi_endpoint(endpoint),
        None => builder,
    };
    match (client, tenant, environment.variable(TOKEN_FILE), value(CLIENT_SECRETS)) {
        (Some(client), Some(tenant), Some(file), _) => {
            check_readable(TOKEN_FILE, file)?;
            let builder = builder.with_client_id(client).with_tenant_id(tenant);
            Ok(builder.with_federated_token_file(file))
        }
        (Some(client), Some(tenant), None, Some(secret)) => {
            Ok(builder.with_client_secret_authorization(client, secret, tenant))
        }
        (_, _, Some(_), _) | (_, _, None, Some(_)) => {
            Err("a client's secret or token is set, but AZURE_CLIENT_ID or AZURE_TENANT_ID is not"
                .to_owned())
        }
        (Some(client), _, None, None) => Ok(builder.with_client_id(client)),
        (None, _, None, None) => Ok(builder),
    }
}

impl<'a> Connection<'a> {
    fn of(environment: &'a StoreEnvironment) -> Self {
        let mut connection = Self::default();
        let text = environment.variable(CONNECTION).unwrap_or_default();
        for (name, value) in text.split(';').filter_map(|part| part.trim().split_once('=')) {
            match name {
                "AccountName" => connection.account = Some(value),
                "AccountKey" => connection.key = Some(value),
                "SharedAccessSignature" => connection.signature = Some(value),
                "BlobEndpoint" => connection.endpoint = Some(value),
                "EndpointSuffix" => connection.suffix = Some(value),
                _ => {}
            }
        }
        connection
    }
}
