//! Amazon S3, and stores with its API.

use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};

use super::super::http::Http;
use super::super::profile::{Profile, ProfileCredentials};
use super::{Connected, ServiceAddress, check_readable, client_options, no_retries, unusable};
use crate::state::StoreEnvironment;

/// The default region, as in all AWS tools for S3.
const DEFAULT_REGION: &str = "us-east-1";

/// Variables that hold secrets.
const SECRETS: &[&str] = &["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// The source of the credentials, in the order of the AWS tools.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// A key, and the session token if it is temporary.
    Key {
        id: String,
        secret: String,
        token: Option<String>,
    },
    /// A role that is assumed by the token in a file, as in Kubernetes and CI.
    WebIdentity {
        file: String,
        role: String,
    },
    /// The credentials of a container, at a path or at a URL with a token file.
    ContainerPath(String),
    ContainerUrl {
        url: String,
        file: String,
    },
    /// The role of the machine.
    Instance,
}

pub(super) fn connect(bucket: &str, environment: &StoreEnvironment) -> Result<Connected, String> {
    let profile = Profile::read(environment)?;
    let region = region(environment, profile.as_ref());
    let address = service_address(environment, profile.as_ref(), &region)?;
    let source = source(environment, profile.as_ref())?;
    let builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region)
        .with_endpoint(&address.url)
        .with_client_options(client_options())
        .with_retry(no_retries())
        .with_disable_bulk_delete(true)
        .with_disable_tagging(true)
        .with_http_connector(Http::default());
    let builder = with_source(builder, source, environment);
    let store = builder.build().map_err(|error| unusable(&error))?;
    let ServiceAddress { url: _, host, endpoint } = address;
    Ok(Connected { store: Arc::new(store), host, endpoint })
}

pub(super) fn secrets(environment: &StoreEnvironment) -> Vec<String> {
    let mut secrets = environment.values(SECRETS);
    // An error of the profile is reported when the profile is used.
    if let Ok(Some(profile)) = Profile::read(environment) {
        secrets.extend(profile.secrets());
    }
    secrets
}

fn region(environment: &StoreEnvironment, profile: Option<&Profile>) -> String {
    let set = environment.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]).map(|(_, value)| value);
    let set = set.or_else(|| profile?.value("region"));
    set.unwrap_or(DEFAULT_REGION).to_owned()
}

fn service_address(
    environment: &StoreEnvironment,
    profile: Option<&Profile>,
    region: &str,
) -> Result<ServiceAddress, String> {
    let set = environment.first(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]);
    let set =
        set.or_else(|| Some(("endpoint_url of the profile", profile?.value("endpoint_url")?)));
    if let Some((setting, url)) = set {
        return ServiceAddress::custom(setting, url);
    }
    let china = if region.starts_with("cn-") { ".cn" } else { "" };
    Ok(ServiceAddress::vendor(format!("s3.{region}.amazonaws.com{china}")))
}

/// Finds the credentials:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>.
fn source(environment: &StoreEnvironment, profile: Option<&Profile>) -> Result<Source, String> {
    let variable = |name| environment.variable(name).map(str::to_owned);
    match (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(secret)) => {
            return Ok(Source::Key { id, secret, token: variable("AWS_SESSION_TOKEN") });
        }
        (Some(_), None) => {
            return Err("AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not".to_owned());
        }
        (None, Some(_)) => {
            return Err("AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not".to_owned());
        }
        (None, None) => {}
    }
    if let Some(file) = variable("AWS_WEB_IDENTITY_TOKEN_FILE") {
        let role = variable("AWS_ROLE_ARN").ok_or_else(|| {
            "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not".to_owned()
        })?;
        check_readable("AWS_WEB_IDENTITY_TOKEN_FILE", &file)?;
        return Ok(Source::WebIdentity { file, role });
    }
    match profile.map(Profile::credentials).transpose()?.flatten() {
        Some(ProfileCredentials::Key { id, secret, token }) => {
            return Ok(Source::Key { id, secret, token });
        }
        Some(ProfileCredentials::WebIdentity { file, role }) => {
            check_readable("web_identity_token_file of the profile", &file)?;
            return Ok(Source::WebIdentity { file, role });
        }
        None => {}
    }
    if let Some(path) = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        return Ok(Source::ContainerPath(path));
    }
    if let Some(url) = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
        let file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").ok_or_else(|| {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is set, but AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE is not"
                .to_owned()
        })?;
        check_readable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &file)?;
        return Ok(Source::ContainerUrl { url, file });
    }
    match environment.variable("AWS_EC2_METADATA_DISABLED") {
        Some(disabled) if disabled.eq_ignore_ascii_case("true") => Err(format!(
            "there are no credentials: {}",
            super::super::answer::credentials_advice(crate::model::ObjectService::S3)
        )),
        Some(_) | None => Ok(Source::Instance),
    }
}

fn with_source(
    builder: AmazonS3Builder,
    source: Source,
    environment: &StoreEnvironment,
) -> AmazonS3Builder {
    use AmazonS3ConfigKey as Key;
    let set = |builder: AmazonS3Builder, key, name| match environment.variable(name) {
        Some(value) => builder.with_config(key, value),
        None => builder,
    };
    match source {
        Source::Key { id, secret, token } => {
            let builder = builder.with_access_key_id(id).with_secret_access_key(secret);
            match token {
                Some(token) => builder.with_token(token),
                None => builder,
            }
        }
        Source::WebIdentity { file, role } => {
            let builder = builder.with_config(Key::WebIdentityTokenFile, file);
            let builder = builder.with_config(Key::RoleArn, role);
            let builder = set(builder, Key::RoleSessionName, "AWS_ROLE_SESSION_NAME");
            set(builder, Key::StsEndpoint, "AWS_ENDPOINT_URL_STS")
        }
        Source::ContainerPath(path) => {
            builder.with_config(Key::ContainerCredentialsRelativeUri, path)
        }
        Source::ContainerUrl { url, file } => builder
            .with_config(Key::ContainerCredentialsFullUri, url)
            .with_config(Key::ContainerAuthorizationTokenFile, file),
        Source::Instance => {
            set(builder, Key::MetadataEndpoint, "AWS_EC2_METADATA_SERVICE_ENDPOINT")
        }
    }
}
