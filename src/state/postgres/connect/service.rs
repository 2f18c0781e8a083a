//! The service file of libpq: named sets of connection settings.

use std::collections::BTreeMap;

use crate::model::PostgresSetting;

/// The settings of one service.
#[derive(Debug, Default)]
pub(super) struct Service {
    pub(super) values: BTreeMap<PostgresSetting, String>,
    pub(super) password: Option<String>,
}

/// Keys that change neither the target of a connection nor its security.
const IGNORED: &[&str] = &[
    "client_encoding",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "sslcompression",
    "sslsni",
    "tcp_user_timeout",
];

/// Parses the section of a service; `None` if there is none. The first value of a repeated key
/// counts.
///
/// # Errors
/// Returns a sentence that contains the line number, but no value.
pub(super) fn parse(text: &str, name: &str) -> Result<Option<Service>, String> {
    let header = format!("[{name}]");
    let lines = text.lines().map(str::trim).zip(1..);
    let mut section = lines.skip_while(|(line, _)| *line != header).skip(1).peekable();
    let is_there = text.lines().any(|line| line.trim() == header);
    let mut service = Service::default();
    while let Some((line, number)) = section.next_if(|(line, _)| !line.starts_with('[')) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line
            .split_once('=')
            .ok_or_else(|| format!("line {number} is not of the form `key=value`"))?;
        match (key, PostgresSetting::named(key)) {
            (_, Some(PostgresSetting::Service)) => {
                return Err(format!("line {number}: a service cannot name another one"));
            }
            (_, Some(setting)) => {
                service.values.entry(setting).or_insert_with(|| value.to_owned());
            }
            ("password", None) => service.password = service.password.or(Some(value.to_owned())),
            (key, None) if IGNORED.contains(&key) => {}
            (_, None) => {
                return Err(format!(
                    "line {number} has a key that roomctl does not support: remove it"
                ));
            }
        }
    }
    Ok(is_there.then_some(service))
}
