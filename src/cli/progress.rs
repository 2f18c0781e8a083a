//! Prints the progress of a run.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::args::Format;
use super::console::Console;
use super::exit::Stopped;
use crate::applier::Report;
use crate::model::{Event, StepEvent, StepProgress};
use crate::render::{self, Activity, Progress};

/// How often progress is printed without a terminal.
const INTERVAL: Duration = Duration::from_secs(10);

/// Prints the progress of a run. It never waits for the reader.
pub(super) struct ProgressReport {
    console: Console,
    format: Format,
    meter: Mutex<Option<Meter>>,
}

/// Counts the rooms or steps that are done.
struct Meter {
    activity: Activity,
    done: u64,
    total: u64,
    start: Instant,
    /// When progress was printed last without a terminal.
    printed: Instant,
}

impl ProgressReport {
    /// Reports on a terminal in one line that is rewritten in place, elsewhere in a line every 10 s, and
    /// each step on a line of its own; with JSON each step as an event on stdout.
    #[must_use]
    pub(super) fn start(console: &Console, format: Format) -> Arc<dyn Report> {
        Arc::new(Self { console: console.clone(), format, meter: Mutex::default() })
    }

    fn begin(&self, activity: Activity, total: u64) {
        let meter = Meter::new(activity, total, Instant::now());
        self.show(&meter);
        self.set_meter(Some(meter));
    }

    fn advance(&self, number: u64) {
        let mut meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(meter) = meter.as_mut() else { return };
        let line = meter.advance(number, Instant::now());
        self.show(meter);
        if let (Some(line), false) = (line, self.console.draws()) {
            self.console.note(&line);
        }
    }

    fn end(&self) {
        self.set_meter(None);
        self.console.clear_progress();
    }

    fn set_meter(&self, meter: Option<Meter>) {
        *self.meter.lock().unwrap_or_else(PoisonError::into_inner) = meter;
    }

    /// Draws the progress on a terminal.
    fn show(&self, meter: &Meter) {
        if self.console.draws() {
            self.console.show_progress(render::progress_line(&meter.progress(Instant::now())));
        }
    }

    fn step(&self, event: &StepEvent) {
        match self.format {
            Format::Json => self.json(event),
            Format::Text => self.text(event),
        }
        match event.progress {
            StepProgress::Started => {}
            StepProgress::Done { .. }
            | StepProgress::Failed(_)
            | StepProgress::Waiting(_)
            | StepProgress::NotTried(_) => self.advance(1),
        }
    }

    /// A line that would contain a secret is replaced by an error.
    fn json(&self, event: &StepEvent) {
        let printed = self.console.event(|out, time| render::event_json(out, event, time));
        if let Err(Stopped { exit: _, code, error, findings }) = printed {
            self.console.refuse();
            let message = error.to_string();
            drop(
                self.console.event(|out, time| {
                    render::error_event_json(out, code, &message, &findings, time)
                }),
            );
        }
    }

    fn text(&self, event: &StepEvent) {
        let mut line = Vec::new();
        if render::event_text(&mut line, event).is_err() || line.is_empty() {
            return;
        }
        self.console.note(render::log_text(&String::from_utf8_lossy(&line)).trim_end());
    }
}

impl Report for ProgressReport {
    fn event(&self, event: &Event) {
        match event {
            Event::CallsAwaited(rooms, time) => {
                self.console.note(&render::calls_awaited(*rooms, *time));
            }
            Event::ReadsStarted(rooms) => self.begin(Activity::Reading, *rooms),
            Event::RoomsRead(rooms) => self.advance(*rooms),
            Event::StepsStarted(steps) => self.begin(Activity::Applying, *steps),
            Event::Step(step) => self.step(step),
            Event::ReadsEnded | Event::StepsEnded => self.end(),
        }
    }
}

impl Drop for ProgressReport {
    fn drop(&mut self) {
        self.console.clear_progress();
    }
}

impl Meter {
    fn new(activity: Activity, total: u64, now: Instant) -> Self {
        Self { activity, done: 0, total, start: now, printed: now }
    }

    /// Counts what is done, and returns the line to print without a terminal, if it is due.
    fn advance(&mut self, number: u64, now: Instant) -> Option<String> {
        self.done = self.done.saturating_add(number).min(self.total);
        let is_due = now.duration_since(self.printed) >= INTERVAL;
        is_due.then(|| {
            self.printed = now;
            render::progress_text(&self.progress(now))
        })
    }

    fn progress(&self, now: Instant) -> Progress {
        let Self { activity, done, total, start, printed: _ } = *self;
        Progress { activity, done, total, elapsed: now.duration_since(start) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn off_a_terminal_a_line_is_due_every_10_seconds() {
        let mut meter = Meter::new(Activity::Reading, 300, Instant::now());
        let mut lines = Vec::new();
        for _ in 0..300 {
            tokio::time::advance(Duration::from_millis(100)).await;
            lines.extend(meter.advance(1, Instant::now()));
        }
        assert_eq!(
            lines,
            ["asking 100/300, 20 s left", "asking 200/300, 10 s left", "asking 300/300, 0 s left"]
        );
    }
}
