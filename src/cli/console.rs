//! Output and questions: the result on stdout, everything else on stderr, no secret on either.

use std::fmt;
use std::io::{self, BufRead, BufWriter, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anstream::ColorChoice;
use anstream::adapter::StripBytes;
use tokio::sync::oneshot;
use tracing_subscriber::fmt::MakeWriter;

use super::context::Context;
use super::exit::{Exit, Stopped};
use super::output::{Delivery, Output, ProgressChange, Target};
use super::redact::{Redacting, Secrets};
use crate::applier::Stop;
use crate::model::{Clock, Finding, Outcome, Timestamp};
use crate::render::{self, RunMetrics};

/// The size of the pieces that are queued.
const CHUNK: usize = 1 << 16;

/// The two streams, and the filter for secrets.
#[derive(Clone)]
pub(super) struct Console {
    context: Context,
    output: Output,
    secrets: Secrets,
    delivery: Delivery,
    clock: Arc<dyn Clock>,
    /// Whether a document was refused because it would have contained a secret.
    refused: Arc<AtomicBool>,
    /// The outcome that the last event of a run contains.
    outcome: Arc<OnceLock<Outcome>>,
    /// What the run has done so far.
    metrics: Arc<Mutex<RunMetrics>>,
}

impl Console {
    /// Returns a console that does not wait for its readers; events get the time of `clock`.
    #[must_use]
    pub(super) fn new(
        context: Context,
        output: Output,
        secrets: Secrets,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (delivery, refused, outcome) = (Delivery::Queued, Arc::default(), Arc::default());
        let metrics = Arc::default();
        Self { context, output, secrets, delivery, clock, refused, outcome, metrics }
    }

    /// Returns the same console with another delivery.
    #[must_use]
    pub(super) fn delivering(&self, delivery: Delivery) -> Self {
        Self { delivery, ..self.clone() }
    }

    /// Returns the environment of the process.
    #[must_use]
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// Returns whether a question can be asked, or why not.
    pub(super) fn can_ask(&self) -> Result<(), &'static str> {
        self.context.terminal.asks
    }

    /// Returns whether only results and errors are printed.
    #[must_use]
    pub(super) fn is_quiet(&self) -> bool {
        self.context.quiet
    }

    /// Returns the filter for secrets.
    #[must_use]
    pub(super) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Returns the streams.
    #[must_use]
    pub(super) fn output(&self) -> &Output {
        &self.output
    }

    /// Returns whether progress is drawn on a terminal.
    #[must_use]
    pub(super) fn draws(&self) -> bool {
        self.context.terminal.draws
    }

    /// Returns whether a line of JSON was left out because it would have contained a secret.
    #[must_use]
    pub(super) fn has_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// Writes a result for people to stdout, secrets redacted. A closed pipe is no error.
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
            // Lost output of a queue is reported at the end: it must not stop an apply.
            (Ok(()) | Err(_), Delivery::Awaited | Delivery::Queued) => Ok(()),
        }
    }

    /// Writes a result for programs to stdout, as [`Self::print`] does. `write` is called twice.
    ///
    /// # Errors
    /// Returns a refusal, with nothing written, if the document would contain a secret: redacting it would
    /// change the document.
    pub(super) fn document(
        &self,
        write: impl Fn(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Stopped> {
        if self.secrets.are_in(&write)? {
            return Err(Stopped::failed("secret_in_output", SECRET_IN_OUTPUT));
        }
        self.print(write)
    }

    /// Writes an event to stdout, with the time now, as [`Self::document`] does.
    ///
    /// # Errors
    /// Returns a refusal, with nothing written, if the event would contain a secret.
    pub(super) fn event(
        &self,
        write: impl Fn(&mut dyn Write, Timestamp) -> io::Result<()>,
    ) -> Result<(), Stopped> {
        let time = self.clock.now();
        self.document(|out| write(out, time))
    }

    /// Stores the outcome of a run for its last event.
    pub(super) fn end_with(&self, outcome: Outcome) {
        // A process executes one run.
        drop(self.outcome.set(outcome));
    }

    /// Writes the last event of a run, which ends with this exit code.
    ///
    /// # Errors
    /// Returns a failure to write.
    pub(super) fn summary(&self, exit: Exit) -> Result<(), Stopped> {
        let none = Outcome::default();
        let outcome = self.outcome.get().unwrap_or(&none);
        self.event(|out, time| render::summary_json(out, outcome, exit as u8, time))
    }

    /// Returns the statistics of the run, to update or to read them.
    pub(super) fn measure<T>(&self, change: impl FnOnce(&mut RunMetrics) -> T) -> T {
        change(&mut self.metrics.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the progress line on the terminal.
    pub(super) fn show_progress(&self, line: String) {
        self.output.progress(ProgressChange::Show(line));
    }

    /// Removes the progress line from the terminal.
    pub(super) fn clear_progress(&self) {
        self.output.progress(ProgressChange::Remove);
    }

    /// Refuses something that would be written to a file if it contains a secret.
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
            let message = format!(
                "{what} would contain a secret: remove it from the files (a secret belongs in an \
                 environment variable or a file that `secret_env` or `secret_file` names)"
            );
            return Err(Stopped::failed("secret_in_output", message));
        }
        Ok(())
    }

    /// Prints a line to stderr, unless `--quiet` is given.
    pub(super) fn note(&self, text: &str) {
        if !self.context.quiet {
            self.say(text);
        }
    }

    /// Prints a line to stderr, also with `--quiet`.
    pub(super) fn say(&self, text: &str) {
        self.on_stderr(|err| writeln!(err, "{text}"));
    }

    /// Prints findings to stderr.
    pub(super) fn findings(&self, findings: &[Finding]) {
        self.on_stderr(|err| render::findings_text(err, findings));
    }

    /// Asks for a typed "yes"; anything else, or the end of the input, means no.
    ///
    /// The answer is read by a detached thread.
    ///
    /// # Errors
    /// Returns a failure to read the answer.
    pub(super) async fn ask(&self, question: &str, stop: &Stop) -> Result<bool, Stopped> {
        let (answer, answered) = oneshot::channel();
        let (console, question) = (self.clone(), question.to_owned());
        let read = move || {
            // The text that the question refers to is printed first, also if stdout is another file.
            drop(console.output.drain(Target::Stdout));
            console.on_stderr(|err| write!(err, "{question} Type `yes` to confirm: "));
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

    /// Returns the text that `write` writes, with secrets redacted.
    ///
    /// # Errors
    /// Returns the error of `write`.
    pub(super) fn redacted(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        let mut redacting = Redacting::new(&mut text, self.secrets.known());
        write(&mut redacting)?;
        redacting.finish()?;
        drop(redacting);
        Ok(text)
    }

    /// Records that a line of JSON was left out.
    pub(super) fn refuse(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }

    /// Writes to stderr. If stderr itself is closed, nothing can be reported.
    fn on_stderr(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        drop(self.send(Target::Stderr, Delivery::Queued, write));
    }

    /// Writes to a stream, with colour if it takes any, and secrets redacted.
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
        let output = BufWriter::with_capacity(
            CHUNK,
            StreamWriter { output: &self.output, target, delivery },
        );
        let mut redacting = Redacting::new(output, self.secrets.known());
        let done = match color {
            ColorChoice::Never => {
                buffered(Uncoloured { out: &mut redacting, state: StripBytes::new() }, write)
            }
            ColorChoice::Auto | ColorChoice::Always | ColorChoice::AlwaysAnsi => {
                buffered(&mut redacting, write)
            }
        };
        done.and_then(|()| redacting.finish())
    }
}

const SECRET_IN_OUTPUT: &str = "the document would contain a secret, and documents are never altered: \
                                print it without `--format json`, and remove the secret from the files or \
                                the rooms";

/// Returns the message for lost output.
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

/// Removes the escape codes of colours.
struct Uncoloured<W> {
    out: W,
    state: StripBytes,
}

impl<W: Write> Write for Uncoloured<W> {
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

/// A writer that queues bytes for one stream.
struct StreamWriter<'a> {
    output: &'a Output,
    target: Target,
    delivery: Delivery,
}

impl Write for StreamWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(self.target, bytes.to_vec(), self.delivery)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes one event of the log.
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
