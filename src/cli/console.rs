//! What the user sees and is asked: the result on stdout, everything else on stderr, no secret on
//! either.

use std::fmt;
use std::io::{self, BufRead, BufWriter, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::ColorChoice;
use anstream::adapter::StripBytes;
use tokio::sync::oneshot;
use tracing_subscriber::fmt::MakeWriter;

use super::context::Context;
use super::exit::Stopped;
use super::output::{Delivery, Output, Target};
use super::redact::{Redacting, Secrets};
use crate::applier::Stop;
use crate::model::Finding;
use crate::render;

/// How many bytes are handed over to be written at once.
const CHUNK: usize = 1 << 16;

/// The two streams, and what must not reach them.
#[derive(Clone, Debug)]
pub(super) struct Console {
    context: Context,
    output: Output,
    secrets: Secrets,
    delivery: Delivery,
    /// Whether a document was refused because it would have held a secret.
    refused: Arc<AtomicBool>,
}

impl Console {
    /// A console for these surroundings, which waits for nobody who reads.
    #[must_use]
    pub(super) fn new(context: Context, output: Output, secrets: Secrets) -> Self {
        let refused = Arc::default();
        Self { context, output, secrets, delivery: Delivery::Queued, refused }
    }

    /// The same, but what is printed waits for the reader, or does not.
    #[must_use]
    pub(super) fn delivering(&self, delivery: Delivery) -> Self {
        Self { delivery, ..self.clone() }
    }

    /// What the process was started in.
    #[must_use]
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// Whether a question can be asked, or why not.
    pub(super) fn can_ask(&self) -> Result<(), &'static str> {
        self.context.terminal.asks
    }

    /// Whether the user wants nothing but results and errors.
    #[must_use]
    pub(super) fn is_quiet(&self) -> bool {
        self.context.quiet
    }

    /// What must not be printed.
    #[must_use]
    pub(super) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The streams themselves.
    #[must_use]
    pub(super) fn output(&self) -> &Output {
        &self.output
    }

    /// Whether a line of JSON was left out because it would have held a secret.
    #[must_use]
    pub(super) fn has_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// Writes a result for people to stdout, secrets redacted. A reader that has gone away is no
    /// error.
    ///
    /// # Errors
    /// Returns any other failure to write.
    pub(super) fn print(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Stopped> {
        let written = self.send(Target::Stdout, self.delivery, write);
        let delivered = written.and_then(|()| match self.delivery {
            Delivery::Awaited => self.output.drain(Target::Stdout),
            Delivery::Queued => Ok(()),
        });
        match (delivered, self.delivery) {
            (Err(error), Delivery::Awaited) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Stopped::failed("io", unwritten(&error)))
            }
            // What is lost of a queue is told at the end: it must not stop an apply.
            (Ok(()) | Err(_), Delivery::Awaited | Delivery::Queued) => Ok(()),
        }
    }

    /// Writes a result for programs to stdout, as [`Self::print`] does. `write` is called twice.
    ///
    /// # Errors
    /// Returns a refusal, with nothing written, where the document would hold a secret: it would be
    /// another document without it.
    pub(super) fn document(
        &self,
        write: impl Fn(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Stopped> {
        if self.secrets.are_in(&write)? {
            return Err(Stopped::failed("secret_in_output", SECRET_IN_OUTPUT));
        }
        self.print(write)
    }

    /// Refuses something that would be written to a file where it holds a secret.
    ///
    /// # Errors
    /// Returns the refusal, which names `what`.
    pub(super) fn refuse_secrets(
        &self,
        what: &str,
        values: impl Iterator<Item = impl fmt::Debug>,
    ) -> Result<(), Stopped> {
        let mut values = values;
        if self.secrets.are_in(|out| values.try_for_each(|value| writeln!(out, "{value:?}")))? {
            let words = format!(
                "{what} would hold a secret: take it out of the files (a secret belongs into an \
                 environment variable or a file that `secret_env` or `secret_file` names)"
            );
            return Err(Stopped::failed("secret_in_output", words));
        }
        Ok(())
    }

    /// Says something on stderr, unless the user wants quiet.
    pub(super) fn note(&self, text: &str) {
        if !self.context.quiet {
            self.say(text);
        }
    }

    /// Says something on stderr that must be heard.
    pub(super) fn say(&self, text: &str) {
        self.on_stderr(|err| writeln!(err, "{text}"));
    }

    /// Shows findings on stderr.
    pub(super) fn findings(&self, findings: &[Finding]) {
        self.on_stderr(|err| render::findings_text(err, findings));
    }

    /// Asks for a typed "yes"; anything else, or the end of the input, means no.
    ///
    /// The answer is read by a thread that nobody waits for when the process ends.
    ///
    /// # Errors
    /// Returns a failure to read the answer.
    pub(super) async fn ask(&self, question: &str, stop: &Stop) -> Result<bool, Stopped> {
        let (answer, answered) = oneshot::channel();
        let (console, question) = (self.clone(), question.to_owned());
        let read = move || {
            // What the question is about comes first, also where stdout is another file.
            drop(console.output.drain(Target::Stdout));
            console.on_stderr(|err| write!(err, "{question} Only `yes` will do: "));
            let mut line = String::new();
            let read = io::stdin().lock().read_line(&mut line).map(|_| line);
            drop(answer.send(read));
        };
        std::thread::Builder::new().name("question".to_owned()).spawn(read)?;
        match stop.or(answered).await {
            Some(Ok(line)) => Ok(line?.trim() == "yes"),
            Some(Err(_)) | None => Ok(false),
        }
    }

    /// Takes note that a line of JSON was left out.
    pub(super) fn refuse(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }

    /// Writes to stderr; where stderr itself is gone there is nobody left to tell.
    fn on_stderr(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        drop(self.send(Target::Stderr, Delivery::Queued, write));
    }

    /// Has something written: colour as the stream takes it, and secrets redacted.
    fn send(
        &self,
        target: Target,
        delivery: Delivery,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let color = match target {
            Target::Stdout => self.context.stdout_color,
            Target::Stderr => self.context.stderr_color,
        };
        let output =
            BufWriter::with_capacity(CHUNK, Handed { output: &self.output, target, delivery });
        let mut redacting = Redacting::new(output, self.secrets.known());
        let done = match color {
            ColorChoice::Never => {
                buffered(Plain { out: &mut redacting, state: StripBytes::new() }, write)
            }
            ColorChoice::Auto | ColorChoice::Always | ColorChoice::AlwaysAnsi => {
                buffered(&mut redacting, write)
            }
        };
        done.and_then(|()| redacting.finish())
    }
}

const SECRET_IN_OUTPUT: &str = "the document would hold a secret, and a document is never altered: \
                                look at it without `--format json`, and take the secret out of \
                                what the files or the rooms hold";

/// That what was printed is lost, in a sentence.
pub(super) fn unwritten(error: &io::Error) -> String {
    format!("stdout could not be written: {error}")
}

/// Writes through a buffer.
fn buffered(
    out: impl Write,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(CHUNK, out);
    write(&mut out).and_then(|()| out.flush())
}

/// Leaves the escape codes of colours out.
struct Plain<W> {
    out: W,
    state: StripBytes,
}

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for text in self.state.strip_next(bytes) {
            self.out.write_all(text)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Hands over what is to be written.
struct Handed<'a> {
    output: &'a Output,
    target: Target,
    delivery: Delivery,
}

impl Write for Handed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(self.target, bytes.to_vec(), self.delivery)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where the log is written: an event at a time.
pub(super) struct LogEvent {
    console: Console,
    text: Vec<u8>,
}

impl Write for LogEvent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogEvent {
    fn drop(&mut self) {
        self.console.on_stderr(|err| err.write_all(&self.text));
    }
}

impl<'a> MakeWriter<'a> for Console {
    type Writer = LogEvent;

    fn make_writer(&'a self) -> LogEvent {
        LogEvent { console: self.clone(), text: Vec::new() }
    }
}
