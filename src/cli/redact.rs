//! Finds secrets in output, in every encoding in which text may contain them.

mod forms;

use std::io::{self, Write};
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use forms::{Match, Starts, ellipsis, escaped, exact};

use crate::model::Secret;

/// What is printed instead of a secret.
const REDACTED: &[u8] = b"[redacted]";

/// The shortest secret, in bytes: a shorter one would be found in ordinary text.
const SHORTEST: usize = 8;

/// The secrets that this process knows. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Secrets(Arc<RwLock<Arc<KnownSecrets>>>);

/// The secrets at one moment.
#[derive(Debug, Default)]
pub(super) struct KnownSecrets {
    patterns: Vec<Pattern>,
    starts: Starts,
}

/// A text to look for.
#[derive(Clone, Debug)]
struct Pattern {
    text: Secret,
    form: Form,
}

/// How a pattern may be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Each character as itself, percent-encoded, or as an escape of JSON or Rust.
    Escaped,
    /// Unchanged: base64.
    Exact,
}

/// The result of a search for the first secret of a text.
enum SecretScan {
    Secret(Range<usize>),
    /// A secret may begin here; the rest of the text is missing.
    Begun(usize),
    Nothing,
}

/// Whether more text may follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    MayFollow,
    Ended,
}

/// A writer that replaces secrets, even if they are split over several writes.
pub(super) struct Redacting<W> {
    out: W,
    known: Arc<KnownSecrets>,
    /// The last bytes of the text so far, in which a secret may have begun.
    buffered: Vec<u8>,
    found: u64,
}

impl Secrets {
    /// Adds a secret, without white space and quotation marks around it. One shorter than 8 bytes is
    /// ignored.
    pub(super) fn learn(&self, text: &str) {
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'');
        if text.len() < SHORTEST {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.patterns.iter().any(|pattern| pattern.text.expose() == text) {
            return;
        }
        let mut patterns = known.patterns.clone();
        patterns.push(Pattern { text: Secret::new(text.to_owned()), form: Form::Escaped });
        let exact = |text| Pattern { text: Secret::new(text), form: Form::Exact };
        patterns.extend(forms::base64(text.as_bytes()).into_iter().map(exact));
        *known = Arc::new(KnownSecrets::new(patterns));
    }

    /// Returns the secrets that are known now.
    pub(super) fn known(&self) -> Arc<KnownSecrets> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns whether the text that `write` writes contains a secret.
    ///
    /// # Errors
    /// Returns the error of `write`.
    pub(super) fn are_in(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<bool> {
        let known = self.known();
        if known.patterns.is_empty() {
            return Ok(false);
        }
        let mut redacting = Redacting::new(io::sink(), known);
        write(&mut redacting)?;
        redacting.finish()?;
        Ok(redacting.found > 0)
    }
}

impl<W: Write> Redacting<W> {
    /// Makes a writer in front of `out`.
    pub(super) fn new(out: W, known: Arc<KnownSecrets>) -> Self {
        Self { out, known, buffered: Vec::new(), found: 0 }
    }

    /// Writes the buffered bytes: nothing follows.
    ///
    /// # Errors
    /// Returns the error of the inner writer.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.pass_on(Rest::Ended)?;
        self.out.flush()
    }

    fn pass_on(&mut self, rest: Rest) -> io::Result<()> {
        let mut from = 0;
        loop {
            let text = &self.buffered[from..];
            match self.known.find(text, rest) {
                SecretScan::Secret(at) => {
                    self.out.write_all(&text[..at.start])?;
                    self.out.write_all(REDACTED)?;
                    self.found += 1;
                    from += at.end;
                }
                SecretScan::Begun(at) => {
                    self.out.write_all(&text[..at])?;
                    from += at;
                    break;
                }
                SecretScan::Nothing => {
                    self.out.write_all(text)?;
                    from = self.buffered.len();
                    break;
                }
            }
        }
        self.buffered.drain(..from);
        Ok(())
    }
}

impl<W: Write> Write for Redacting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.known.patterns.is_empty() {
            return self.out.write(bytes);
        }
        self.buffered.extend_from_slice(bytes);
        self.pass_on(Rest::MayFollow)?;
        Ok(bytes.len())
    }

    /// Flushes the inner writer; buffered bytes stay until more text follows, or the end.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl KnownSecrets {
    fn new(patterns: Vec<Pattern>) -> Self {
        let starts = Starts::of(patterns.iter().map(|pattern| pattern.text.expose().as_bytes()));
        Self { patterns, starts }
    }

    fn find(&self, text: &[u8], rest: Rest) -> SecretScan {
        let places = (0..text.len()).filter(|at| self.starts.may_begin(&text[*at..]));
        for at in places {
            match self.begin(&text[at..]) {
                Match::Whole(length) => return SecretScan::Secret(at..at + length),
                Match::Cut if rest == Rest::MayFollow => return SecretScan::Begun(at),
                Match::Cut => {
                    if let Match::Whole(length) = self.longest(&text[at..]) {
                        return SecretScan::Secret(at..at + length);
                    }
                }
                Match::None => {}
            }
        }
        SecretScan::Nothing
    }

    /// Returns whether a text begins with a secret; `Cut` until all patterns are certain.
    fn begin(&self, text: &[u8]) -> Match {
        self.matches(text).fold(Match::None, |all, one| match (all, one) {
            (Match::Cut, _) | (_, Match::Cut) => Match::Cut,
            (Match::Whole(a), Match::Whole(b)) => Match::Whole(a.max(b)),
            (Match::None, other) | (other, Match::None) => other,
        })
    }

    /// Returns the longest secret that a text begins with.
    fn longest(&self, text: &[u8]) -> Match {
        let whole = self.matches(text).filter_map(|found| match found {
            Match::Whole(length) => Some(length),
            Match::Cut | Match::None => None,
        });
        whole.max().map_or(Match::None, Match::Whole)
    }

    fn matches<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = Match> + 'a {
        self.patterns.iter().map(|pattern| match pattern.after_ellipsis(text) {
            Match::None => pattern.begins(pattern.text.expose().as_bytes(), text),
            found @ (Match::Whole(_) | Match::Cut) => found,
        })
    }
}

impl Pattern {
    /// Returns whether a text begins with an ellipsis and the end of the pattern.
    fn after_ellipsis(&self, text: &[u8]) -> Match {
        let pattern = self.text.expose().as_bytes();
        let Some(length) = ellipsis(text) else { return Match::None };
        let ends = (1..=pattern.len() - SHORTEST).map(|start| &pattern[start..]);
        let mut found = ends.map(|end| self.begins(end, &text[length..]));
        found.find(|found| *found != Match::None).map_or(Match::None, |found| found.after(length))
    }

    fn begins(&self, pattern: &[u8], text: &[u8]) -> Match {
        match self.form {
            Form::Escaped => escaped(pattern, text, 0),
            Form::Exact => exact(pattern, text),
        }
    }
}

#[cfg(test)]
mod tests;
