//! Where a provider's secret is, and never the secret itself.

use std::path::Path;

use crate::model::{Finding, Kind, SecretSource};

use super::fields::ProviderFields;
use super::names::looks_like_secret;
use super::raw::Text;

impl ProviderFields<'_, '_> {
    /// Where the secret is; the kind's own variable where the file says nothing.
    pub(super) fn secret(
        &mut self,
        variable: Option<&Text>,
        file: Option<&Text>,
        kind: Option<Kind>,
        home: &Path,
    ) -> Option<SecretSource> {
        match (variable, file) {
            (Some(_), Some(_)) => {
                let finding = Finding::error("secret", "`secret_env` and `secret_file` stand both")
                    .help("keep one of them");
                self.fault(&["secret_file"], finding);
                None
            }
            (Some(Text(name)), None) => {
                let name = self.literal("secret_env", name)?;
                self.variable_name(name).map(SecretSource::Environment)
            }
            (None, Some(Text(path))) => {
                let path = self.literal("secret_file", path)?;
                self.secret_path(path, home)
            }
            (None, None) => {
                Some(SecretSource::Environment(kind?.default_secret_variable().to_owned()))
            }
        }
    }

    /// The name of the secret's variable; anything else may be the secret itself, and is not told.
    fn variable_name(&mut self, name: &str) -> Option<String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(fits)
            && !looks_like_secret(name)
        {
            return Some(name.to_owned());
        }
        let finding = Finding::error("secret", "`secret_env` names no environment variable")
            .help("write the variable's name, never the secret: `secret_env: ZEGO_SERVER_SECRET`");
        self.fault(&["secret_env"], finding);
        None
    }

    fn secret_path(&mut self, path: &str, home: &Path) -> Option<SecretSource> {
        if path.is_empty() {
            let finding = Finding::error("secret", "`secret_file` is empty").help("write a path");
            self.fault(&["secret_file"], finding);
            return None;
        }
        if looks_like_secret(path) {
            let finding = Finding::error("secret", "`secret_file` looks like a secret itself")
                .help("write the path of a file that holds it, such as `./secret`");
            self.fault(&["secret_file"], finding);
            return None;
        }
        Some(SecretSource::File(home.join(path)))
    }
}
