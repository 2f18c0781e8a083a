//! A secret that prints as nothing.

use secrecy::{ExposeSecret, SecretString};

/// A service's secret. Its `Debug` says nothing, it has no `Display`, and it is wiped when dropped.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a secret in.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The secret itself: for signing, and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_still_when_debugged() {
        assert!(!format!("{:?}", Secret::new("hush".to_owned())).contains("hush"));
    }
}
