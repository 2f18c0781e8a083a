//! Finds the secrets that must not be printed: those in the environment, and those that the files name.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::connect;
use super::redact::Secrets;
use crate::model::{Desired, Kind, Provider, SecretSource, StateLocation};
use crate::state::{self, StoreEnvironment};

/// Registers the values of the default variables, before anything is read or printed.
pub(super) fn learn_defaults(secrets: &Secrets) {
    for kind in Kind::ALL {
        let name = kind.default_secret_variable().to_owned();
        learn(&SecretSource::Environment(name), secrets);
    }
}

/// Registers the secrets of all declared providers, if they are set.
pub(super) fn learn_declared(desired: &Desired, secrets: &Secrets) {
    for Provider { secret, .. } in desired.providers.values() {
        learn(secret, secrets);
    }
}

/// Registers the secrets that the head of the files names.
pub(super) fn learn_sources(sources: &[SecretSource], secrets: &Secrets) {
    for source in sources {
        learn(source, secrets);
    }
}

/// Registers the secrets named by files that cannot be loaded, or need not be: whatever follows a
/// `secret_env:` or `secret_file:` on its line.
pub(super) fn learn_named(paths: &[PathBuf], secrets: &Secrets) {
    for path in paths {
        let inside = fs::read_dir(path).map(|entries| entries.flatten().map(|it| it.path()));
        match inside {
            Ok(files) => files.for_each(|file| learn_named_in(&file, secrets)),
            Err(_) => learn_named_in(path, secrets),
        }
    }
}

/// Registers the secrets of the state's store.
pub(super) fn learn_store(
    location: &StateLocation,
    environment: &StoreEnvironment,
    secrets: &Secrets,
) {
    for secret in state::store_secrets(location, environment) {
        secrets.learn(secret.expose());
    }
}

/// Returns whether a path contains a secret.
pub(super) fn are_in_path(path: &Path, secrets: &Secrets) -> std::io::Result<bool> {
    secrets.are_in(|out| out.write_all(path.as_os_str().as_encoded_bytes()))
}

fn learn(source: &SecretSource, secrets: &Secrets) {
    if let Ok(secret) = connect::read_secret(source) {
        secrets.learn(secret.expose());
    }
}

/// Ignores files that are not regular or cannot be read: the load of the files reports them.
fn learn_named_in(path: &Path, secrets: &Secrets) {
    if !fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return;
    }
    let Ok(file) = File::open(path) else { return };
    let home = path.parent().unwrap_or(Path::new(""));
    for line in BufReader::new(file).split(b'\n').map_while(Result::ok) {
        for source in named(&String::from_utf8_lossy(&line), home) {
            learn(&source, secrets);
        }
    }
}

/// The sources of secrets that a line names.
fn named(line: &str, home: &Path) -> Vec<SecretSource> {
    let values = |key: &'static str| line.split(key).skip(1).filter_map(value);
    let variables = values("secret_env").map(|name| SecretSource::Environment(name.to_owned()));
    let files = values("secret_file").map(|file| SecretSource::File(home.join(file)));
    variables.chain(files).collect()
}

/// Returns the value after a key and its colon.
fn value(after: &str) -> Option<&str> {
    let value = after.trim_start_matches(['"', '\'', ' ', '\t']).strip_prefix(':')?.trim_start();
    let value = match value.strip_prefix(['"', '\'']) {
        Some(quoted) => quoted.split(['"', '\'']).next()?,
        None => value.split([',', '}', '#']).next()?.trim_end(),
    };
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_sources_are_found_in_every_spelling_of_a_line() {
        let home = Path::new("home");
        for line in [
            "    secret_env: MINE",
            "  chat: {kind: zim, secret_env: MINE, app_id: 1}",
            "{\"secret_env\": \"MINE\"}",
            "'secret_env' : 'MINE' # the console's",
            "secret_env: MINE # the console's",
        ] {
            let found = named(line, home);
            assert_eq!(found, [SecretSource::Environment("MINE".to_owned())], "{line}");
        }
        let file = named("{a: {secret_env: A}, b: {secret_file: \"my key\"}}", home);
        let wanted =
            [SecretSource::Environment("A".to_owned()), SecretSource::File("home/my key".into())];
        assert_eq!(file, wanted);
        assert_eq!(named("secret_env", home), []);
    }
}
