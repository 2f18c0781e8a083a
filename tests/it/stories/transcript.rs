//! The transcript of a story: plans and outcomes as the command prints them, and the final rooms.

use std::fmt::Write;

use roomctl::model::{Address, Event, Kind, Plan, StepEvent};
use roomctl::render::{self, Layout};

use crate::support::fleet::provider;
use crate::support::{RunResult, World, plain, text};

/// The text of both snapshots of a story.
#[derive(Default)]
pub(super) struct Transcript {
    pub(super) plans: String,
    pub(super) outcomes: String,
}

impl Transcript {
    /// Appends a plan.
    pub(super) fn plan(&mut self, command: &str, plan: &Plan) {
        let plan = without_ids(&text(plan));
        write!(self.plans, "$ {command}\n{plan}\n").expect("a text");
    }

    /// Appends the plan, the steps and the outcome of a run.
    pub(super) fn run(&mut self, command: &str, ran: &RunResult) {
        self.plan(command, &ran.plan);
        writeln!(self.outcomes, "$ {command}").expect("a text");
        for event in &ran.events {
            if let Event::Step(step) = event {
                self.event(step);
            }
        }
        let mut out = Vec::new();
        render::outcome_text(&mut out, &ran.outcome, Layout::Full).expect("rendered");
        writeln!(self.outcomes, "{}", without_ids(&plain(out))).expect("a text");
    }

    fn event(&mut self, event: &StepEvent) {
        let mut out = Vec::new();
        render::event_text(&mut out, event).expect("rendered");
        self.outcomes.push_str(&without_ids(&plain(out)));
    }

    /// Appends the rooms on the services and the recorded rooms.
    pub(super) async fn final_rooms(&mut self, world: &World) {
        let stats = world.stats();
        let out = &mut self.outcomes;
        writeln!(out, "On the service:").expect("a text");
        for (id, room) in &stats.rooms {
            let name = room.name.as_deref().unwrap_or("-");
            write!(out, "  {id}: {name}, {} s, {} inside", room.delay.as_secs(), room.people)
                .expect("a text");
            for (key, attribute) in room.attributes.iter() {
                write!(out, ", {key}={}", attribute.value).expect("a text");
            }
            writeln!(out).expect("a text");
        }
        self.other_services(world);
        let out = &mut self.outcomes;
        let recorded = world.recorded().await.expect("a state");
        let open = |address: &Address| recorded.rooms[address].pending.is_some();
        writeln!(out, "Recorded:").expect("a text");
        for address in recorded.rooms.keys() {
            let open = if open(address) { " (open)" } else { "" };
            writeln!(out, "  {address}{open}").expect("a text");
        }
    }
}

impl Transcript {
    /// Appends the rooms on the services other than ZIM, and the rooms closed there.
    fn other_services(&mut self, world: &World) {
        let out = &mut self.outcomes;
        for kind in [Kind::Rtc, Kind::TencentLive] {
            let (name, stats) = (provider(kind), world.stats_of(kind));
            for (id, room) in &stats.rooms {
                write!(out, "  {name}/{id}: {} inside", room.people).expect("a text");
                if let Some(live) = &room.live {
                    let name = room.name.as_deref().unwrap_or("-");
                    write!(out, ", {name}, of {}, notice `{}`", live.owner, live.notice)
                        .expect("a text");
                }
                for (key, attribute) in room.attributes.iter() {
                    write!(out, ", {key}={}", attribute.value).expect("a text");
                }
                writeln!(out).expect("a text");
            }
            for (id, closing) in &stats.closings {
                let reason = closing.reason.as_deref().unwrap_or("-");
                let callback = if closing.callback { ", with a callback" } else { "" };
                writeln!(out, "  {name}/{id}: closed, reason `{reason}`{callback}")
                    .expect("a text");
            }
        }
    }
}

/// Replaces the random request ids of the service by `…`.
fn without_ids(text: &str) -> String {
    let mut parts = text.split("request ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '-');
        let id = if rest.starts_with(')') { "…" } else { &part[..part.len() - rest.len()] };
        write!(out, "request {id}{rest}").expect("a text");
    }
    out
}
