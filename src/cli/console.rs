//! What the user sees and is asked: the result on stdout, everything else on stderr.

use std::io::{self, BufRead, BufWriter, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::AutoStream;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::Format;
use super::context::Context;
use super::exit::Stopped;
use crate::apply::{Report, Stop};
use crate::model::{Event, Finding};
use crate::render;

/// The two streams.
#[derive(Clone, Debug)]
pub(super) struct Console {
    context: Context,
}

impl Console {
    /// A console for these surroundings.
    #[must_use]
    pub(super) fn new(context: Context) -> Self {
        Self { context }
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

    /// Writes a result to stdout. A reader that has gone away is no error.
    ///
    /// # Errors
    /// Returns any other failure to write.
    pub(super) fn print(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Stopped> {
        let stream = AutoStream::new(io::stdout().lock(), self.context.stdout_color);
        let mut out = BufWriter::with_capacity(1 << 16, stream);
        match write(&mut out).and_then(|()| out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            done => Ok(done?),
        }
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
    /// # Errors
    /// Returns a failure to read the answer.
    pub(super) async fn ask(&self, question: &str, stop: &Stop) -> Result<bool, Stopped> {
        self.on_stderr(|err| {
            write!(err, "{question} Only `yes` will do: ")?;
            err.flush()
        });
        let typed = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line).map(|_| line)
        });
        match stop.or(typed).await {
            Some(Ok(line)) => Ok(line?.trim() == "yes"),
            Some(Err(_)) | None => Ok(false),
        }
    }

    /// The progress of `steps` steps: a bar on a terminal, lines elsewhere, JSON lines on stdout.
    #[must_use]
    pub(super) fn progress(&self, steps: usize, format: Format) -> Progress {
        let bar = self.context.terminal.draws.then(|| {
            let bar = ProgressBar::with_draw_target(
                Some(u64::try_from(steps).unwrap_or(u64::MAX)),
                ProgressDrawTarget::stderr(),
            );
            let style = "{bar:30} {pos}/{len}  {per_sec}, {eta} left";
            bar.set_style(
                ProgressStyle::with_template(style)
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar
        });
        Progress { console: self.clone(), format, bar, stdout_gone: AtomicBool::new(false) }
    }

    /// Writes to stderr; where stderr itself is gone there is nobody left to tell.
    fn on_stderr(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        let mut err = AutoStream::new(io::stderr().lock(), self.context.stderr_color);
        drop(write(&mut err));
    }
}

/// Shows what happens while a plan is applied.
pub(super) struct Progress {
    console: Console,
    format: Format,
    bar: Option<ProgressBar>,
    stdout_gone: AtomicBool,
}

impl Progress {
    /// Takes the bar off the screen.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn json(&self, event: &Event) {
        if self.stdout_gone.load(Ordering::Relaxed) {
            return;
        }
        let mut out = io::stdout().lock();
        let written = render::event_json(&mut out, event).and_then(|()| out.flush());
        if written.is_err() {
            self.stdout_gone.store(true, Ordering::Relaxed);
        }
    }

    fn text(&self, event: &Event) {
        let mut line = Vec::new();
        if render::event_text(&mut line, event).is_err() || line.is_empty() {
            return;
        }
        let text = String::from_utf8_lossy(&line);
        match &self.bar {
            Some(bar) => bar.suspend(|| self.console.say(text.trim_end())),
            None => self.console.note(text.trim_end()),
        }
    }
}

impl Report for Progress {
    fn event(&self, event: &Event) {
        match self.format {
            Format::Json => self.json(event),
            Format::Text => self.text(event),
        }
        if let Some(bar) = &self.bar {
            match event {
                Event::Started(..) => bar.tick(),
                Event::Done { .. }
                | Event::Failed(_)
                | Event::Waiting(..)
                | Event::NotTried(..) => {
                    bar.inc(1);
                }
            }
        }
    }
}
