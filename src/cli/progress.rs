//! What happens while a plan is applied, as it happens.

use super::args::Format;
use super::console::Console;
use super::exit::Stopped;
use super::output::Bar;
use crate::applier::Report;
use crate::model::Event;
use crate::render;

/// Shows what happens while a plan is applied. It never waits for who reads.
pub(super) struct Progress {
    console: Console,
    format: Format,
}

impl Progress {
    /// Lines as things happen, or JSON lines on stdout.
    #[must_use]
    pub(super) fn new(console: &Console, format: Format) -> Self {
        Self { console: console.clone(), format }
    }

    /// Begins a number of steps: a bar on a terminal.
    pub(super) fn start(&self, steps: usize) {
        if self.console.context().terminal.draws {
            self.console.output().bar(Bar::Start(u64::try_from(steps).unwrap_or(u64::MAX)));
        }
    }

    /// Takes the bar off the screen.
    pub(super) fn finish(&self) {
        self.console.output().bar(Bar::Finish);
    }

    /// A line that would hold a secret is left out, and an error stands in its place.
    fn json(&self, event: &Event) {
        let printed = self.console.document(|out| render::event_json(out, event));
        if let Err(Stopped { exit: _, code, error, findings }) = printed {
            self.console.refuse();
            let words = error.to_string();
            let line = self.console.print(|out| render::error_json(out, code, &words, &findings));
            drop(line);
        }
    }

    fn text(&self, event: &Event) {
        let mut line = Vec::new();
        if matches!(event, Event::Started(..)) || render::event_text(&mut line, event).is_err() {
            return;
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if self.console.context().terminal.draws {
            self.console.say(text);
        } else {
            self.console.note(text);
        }
    }
}

impl Report for Progress {
    fn event(&self, event: &Event) {
        match self.format {
            Format::Json => self.json(event),
            Format::Text => self.text(event),
        }
        self.console.output().bar(match event {
            Event::Started(..) => Bar::Redraw,
            Event::Done { .. } | Event::Failed(_) | Event::Waiting(..) | Event::NotTried(..) => {
                Bar::Advance
            }
        });
    }
}
