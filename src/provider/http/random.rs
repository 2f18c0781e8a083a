//! The source of randomness, which tests replace.

/// A source of random bytes, for nonces and for jitter.
pub trait Random: Send + Sync {
    /// Returns eight random bytes.
    ///
    /// # Errors
    /// Returns the operating system's error if it has no randomness.
    fn eight_bytes(&self) -> Result<[u8; 8], getrandom::Error>;
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn eight_bytes(&self) -> Result<[u8; 8], getrandom::Error> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes)?;
        Ok(bytes)
    }
}

/// Returns always the same bytes.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fixed(pub(crate) [u8; 8]);

#[cfg(test)]
impl Random for Fixed {
    fn eight_bytes(&self) -> Result<[u8; 8], getrandom::Error> {
        Ok(self.0)
    }
}
