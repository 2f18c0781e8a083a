//! A secret that is never printed.

use secrecy::{ExposeSecret, SecretString};

/// A service's secret. Its `Debug` output hides it, it has no `Display`, and it is wiped when dropped.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    /// Makes a secret.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// Returns the secret, for signing only.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_secret() {
        assert!(!format!("{:?}", Secret::new("hush".to_owned())).contains("hush"));
    }
}
