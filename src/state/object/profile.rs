//! The profiles of AWS tools: `~/.aws/credentials` and `~/.aws/config`.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;

use crate::state::StoreEnvironment;

/// The profile that is used if none is named.
const DEFAULT: &str = "default";

/// Settings of a profile for sources of credentials that are not supported.
const UNSUPPORTED: &[&str] = &[
    "sso_session",
    "sso_start_url",
    "login_session",
    "credential_process",
    "source_profile",
    "credential_source",
    "role_arn",
];

/// The settings of one profile.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Profile {
    name: String,
    settings: BTreeMap<String, String>,
}

/// The credentials of a profile.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum ProfileCredentials {
    /// A key, and the session token if it is temporary.
    Key { id: String, secret: String, token: Option<String> },
    /// A role that is assumed by the token in a file.
    WebIdentity { file: String, role: String },
}

impl Profile {
    /// Reads the profile that `AWS_PROFILE` names, or the default one; `None` if there is no
    /// default profile.
    ///
    /// # Errors
    /// Returns a sentence if a file cannot be read, or if there is no profile of that name.
    pub(super) fn read(environment: &StoreEnvironment) -> Result<Option<Self>, String> {
        let named = environment.first(&["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]);
        let name = named.map_or(DEFAULT, |(_, name)| name);
        let mut settings = BTreeMap::new();
        let mut found = false;
        let in_config =
            if name == DEFAULT { DEFAULT.to_owned() } else { format!("profile {name}") };
        for (variable, in_home, section) in [
            ("AWS_CONFIG_FILE", ".aws/config", in_config.as_str()),
            ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", name),
        ] {
            let Some(path) = environment.file(variable, in_home) else { continue };
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
            };
            if let Some(section) = section_of(&text, section) {
                found = true;
                settings.extend(section);
            }
        }
        match (found, named) {
            (true, _) => Ok(Some(Self { name: name.to_owned(), settings })),
            (false, None) => Ok(None),
            (false, Some((variable, name))) => Err(format!(
                "{variable} names the profile `{name}`, which is in neither ~/.aws/credentials nor \
                 ~/.aws/config"
            )),
        }
    }

    /// Returns the value of a setting.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns the secrets of the profile.
    pub(super) fn secrets(&self) -> Vec<String> {
        let names = ["aws_secret_access_key", "aws_session_token"];
        names.into_iter().filter_map(|name| self.value(name).map(str::to_owned)).collect()
    }

    /// Returns the credentials; `None` if the profile has neither credentials nor a source of them.
    ///
    /// # Errors
    /// Returns a sentence if the profile uses a source that is not supported, or has only half of a
    /// key.
    pub(super) fn credentials(&self) -> Result<Option<ProfileCredentials>, String> {
        let value = |name| self.value(name).map(str::to_owned);
        let name = &self.name;
        if let (Some(file), Some(role)) = (value("web_identity_token_file"), value("role_arn")) {
            return Ok(Some(ProfileCredentials::WebIdentity { file, role }));
        }
        if let Some(setting) = UNSUPPORTED.iter().find(|setting| self.value(setting).is_some()) {
            return Err(format!(
                "the profile `{name}` gets its credentials by `{setting}`, which roomctl does not support: \
                 export them, as `aws configure export-credentials --profile {name} --format env` prints \
                 them"
            ));
        }
        match (value("aws_access_key_id"), value("aws_secret_access_key")) {
            (Some(id), Some(secret)) => {
                Ok(Some(ProfileCredentials::Key { id, secret, token: value("aws_session_token") }))
            }
            (None, None) => Ok(None),
            (Some(_), None) | (None, Some(_)) => Err(format!(
                "the profile `{name}` has only one of aws_access_key_id and aws_secret_access_key"
            )),
        }
    }
}

/// Returns the settings of a section; `None` if there is no such section. Nested settings, which
/// are indented, are skipped.
fn section_of(text: &str, name: &str) -> Option<BTreeMap<String, String>> {
    let mut settings = None;
    let mut inside = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(header) = trimmed.strip_prefix('[') {
            let header = header.split(']').next().unwrap_or_default();
            let words: Vec<_> = header.split_whitespace().collect();
            inside = words.join(" ").replace('"', "") == name;
            if inside {
                settings.get_or_insert_with(BTreeMap::new);
            }
        } else if let (true, false, Some((key, value))) =
            (inside, line.starts_with([' ', '\t']), trimmed.split_once('='))
        {
            let value = value.split(" #").next().unwrap_or_default().trim();
            let key = key.trim().to_ascii_lowercase();
            settings.get_or_insert_with(BTreeMap::new).insert(key, value.to_owned());
        }
    }
    settings
}
