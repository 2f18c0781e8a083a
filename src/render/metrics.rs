//! The metrics of a run, as Prometheus text.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use crate::model::{
    Action, Call, DriftKind, DriftSummary, Outcome, ProviderName, Reason, Step, Summary, Timestamp,
};

/// The beginning of every metrics file.
pub const METRICS_START: &str = "# HELP roomctl_";

/// The metrics of one run; those of an earlier run are overwritten.
#[derive(Clone, Debug, Default)]
pub struct RunMetrics {
    /// The number of rooms that were recorded when the run began.
    pub recorded: Option<u64>,
    /// The counts of the plan, if one was made.
    pub plan: Option<Summary>,
    /// The steps of the plan, by action and reason.
    pub steps: BTreeMap<(Action, Reason), u64>,
    /// The differences between the service and the record, for `drift`.
    pub drift: Option<DriftSummary>,
    /// The results of the steps, if a plan was applied.
    pub outcome: Option<StepResults>,
    /// The number of completed calls by provider, call and name of the result's class.
    pub calls: BTreeMap<(ProviderName, Call, &'static str), u64>,
}

/// The number of steps by action and result.
pub type StepResults = BTreeMap<(Action, &'static str), u64>;

/// The end of a run.
#[derive(Clone, Copy, Debug)]
pub struct RunEnd<'a> {
    /// The command.
    pub command: &'a str,
    /// When it ended.
    pub time: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// Its exit code.
    pub exit_code: u8,
}

impl RunMetrics {
    /// Counts the steps of a plan.
    pub fn count_steps(&mut self, summary: Summary, steps: &[Step]) {
        self.plan = Some(summary);
        for step in steps {
            *self.steps.entry((step.action, step.reason)).or_default() += 1;
        }
    }

    /// Counts the results of the steps.
    pub fn count_results(&mut self, outcome: &Outcome) {
        let Outcome {
            done,
            adopted: _,
            failed,
            waiting,
            not_tried,
            blocked: _,
            unread: _,
            scope: _,
        } = outcome;
        let done = done.iter().map(|(_, action)| (*action, "done"));
        let failed = failed.iter().map(|failure| (failure.action, "failed"));
        let waiting = waiting.iter().map(|wait| (wait.action, "waiting"));
        let not_tried = not_tried.iter().map(|(_, action, _)| (*action, "not_tried"));
        let mut results = StepResults::new();
        for result in done.chain(failed).chain(waiting).chain(not_tried) {
            *results.entry(result).or_default() += 1;
        }
        self.outcome = Some(results);
    }
}

/// A metric with its name, description and samples.
struct Family {
    name: &'static str,
    help: &'static str,
    samples: Vec<(Vec<(&'static str, String)>, String)>,
}

/// Writes a run as Prometheus text, with the command as a label of every sample.
///
/// # Errors
/// Returns the error of `out`.
pub fn metrics_text(out: &mut dyn Write, metrics: &RunMetrics, end: &RunEnd<'_>) -> io::Result<()> {
    let RunMetrics { recorded, plan, steps, drift, outcome, calls } = metrics;
    let mut families = of_end(end);
    families.extend(plan.iter().flat_map(|summary| of_plan(summary, drifted(steps))));
    families.extend(recorded.iter().map(|rooms| of_recorded(*rooms)));
    families.extend(drift.iter().flat_map(of_drift));
    let planned = |((action, reason), number): (&(Action, Reason), &u64)| {
        (
            vec![("action", action.as_str().to_owned()), ("reason", reason.as_str().to_owned())],
            number.to_string(),
        )
    };
    families.push(Family {
        name: "roomctl_planned_steps",
        help: "Steps of the plan, by action and reason.",
        samples: steps.iter().map(planned).collect(),
    });
    let result = |((action, result), number): (&(Action, &'static str), &u64)| {
        (
            vec![("action", action.as_str().to_owned()), ("result", (*result).to_owned())],
            number.to_string(),
        )
    };
    families.push(Family {
        name: "roomctl_steps",
        help: "Steps that were to be applied, by action and result.",
        samples: outcome.iter().flatten().map(result).collect(),
    });
    let called =
        |((provider, call, class), number): (&(ProviderName, Call, &'static str), &u64)| {
            let labels = vec![
                ("provider", provider.as_str().to_owned()),
                ("action", call.as_str().to_owned()),
                ("class", (*class).to_owned()),
            ];
            (labels, number.to_string())
        };
    families.push(Family {
        name: "roomctl_calls",
        help: "Completed calls to the services, by the service's action and the class of its answer.",
        samples: calls.iter().map(called).collect(),
    });
    families.iter().try_for_each(|family| write_family(out, family, end.command))
}

fn of_end(end: &RunEnd<'_>) -> Vec<Family> {
    let RunEnd { command: _, time, duration, exit_code } = end;
    let (seconds, millis) = (time.as_millis().div_euclid(1000), time.as_millis().rem_euclid(1000));
    vec![
        single(
            "roomctl_last_run_timestamp_seconds",
            "When the run ended, in seconds since 1970.",
            format!("{seconds}.{millis:03}"),
        ),
        single(
            "roomctl_last_run_duration_seconds",
            "How long the run took.",
            format!("{}.{:03}", duration.as_secs(), duration.subsec_millis()),
        ),
        single(
            "roomctl_last_run_exit_code",
            "The exit code of the run: 0 is a success.",
            exit_code.to_string(),
        ),
    ]
}

/// Returns the number of steps whose reason is a difference between the service and the record.
fn drifted(steps: &BTreeMap<(Action, Reason), u64>) -> u64 {
    let drifts =
        [Reason::Vanished, Reason::VanishedEarly, Reason::AttributesDrifted, Reason::FieldsDrifted];
    let drifted = steps.iter().filter(|((_, reason), _)| drifts.contains(reason));
    drifted.map(|(_, number)| number).sum()
}

fn of_plan(summary: &Summary, drifted: u64) -> Vec<Family> {
    let Summary {
        create: _,
        recreate: _,
        update: _,
        replace: _,
        destroy: _,
        adopt: _,
        forget: _,
        record: _,
        unchanged,
        waiting,
        blocked,
        unread,
        asked,
        not_asked,
    } = *summary;
    let states = [
        ("unchanged", unchanged),
        ("drifted", drifted),
        ("waiting", waiting),
        ("blocked", blocked),
        ("unread", unread),
    ];
    vec![
        rooms(&states),
        single("roomctl_asked_rooms", ASKED, asked.to_string()),
        single("roomctl_not_asked_rooms", NOT_ASKED, not_asked.to_string()),
    ]
}

fn of_drift(summary: &DriftSummary) -> Vec<Family> {
    let differing: u64 = DriftKind::ALL.iter().map(|kind| summary.of(*kind)).sum();
    let states =
        [("unchanged", summary.in_sync), ("drifted", differing), ("unread", summary.unread)];
    let kinds = DriftKind::ALL.iter();
    let kinds =
        kinds.map(|kind| (vec![("kind", kind.as_str().to_owned())], summary.of(*kind).to_string()));
    vec![
        rooms(&states),
        single("roomctl_asked_rooms", ASKED, summary.asked.to_string()),
        single("roomctl_not_asked_rooms", NOT_ASKED, summary.not_asked.to_string()),
        of_recorded(summary.recorded),
        Family {
            name: "roomctl_drifted_rooms",
            help: "Recorded rooms that differ at the service, by how they differ.",
            samples: kinds.collect(),
        },
    ]
}

const ASKED: &str = "Rooms that were looked up at the service.";
const NOT_ASKED: &str = "Rooms that were due and not looked up, because credentials are missing.";

fn of_recorded(rooms: u64) -> Family {
    let help = "Rooms that were recorded when the run began.";
    single("roomctl_recorded_rooms", help, rooms.to_string())
}

fn rooms(states: &[(&str, u64)]) -> Family {
    let state =
        |(state, number): &(&str, u64)| (vec![("state", (*state).to_owned())], number.to_string());
    Family {
        name: "roomctl_rooms",
        help: "Rooms without a step, and rooms that drifted, by state.",
        samples: states.iter().map(state).collect(),
    }
}

fn single(name: &'static str, help: &'static str, value: String) -> Family {
    Family { name, help, samples: vec![(Vec::new(), value)] }
}

/// Writes a metric, unless it has no samples.
fn write_family(out: &mut dyn Write, family: &Family, command: &str) -> io::Result<()> {
    let Family { name, help, samples } = family;
    if samples.is_empty() {
        return Ok(());
    }
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge")?;
    for (labels, value) in samples {
        write!(out, "{name}{{command=\"{}\"", escaped(command))?;
        for (label, text) in labels {
            write!(out, ",{label}=\"{}\"", escaped(text))?;
        }
        writeln!(out, "}} {value}")?;
    }
    Ok(())
}

/// Returns a label's value with the escapes of Prometheus.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_labels_are_escaped() {
        let family = single("roomctl_rooms", "Rooms.", "1".to_owned());
        let mut text = Vec::new();
        write_family(&mut text, &family, "a\\b\"c\nd").expect("written");
        let text = String::from_utf8(text).expect("UTF-8");
        assert!(text.ends_with("{command=\"a\\\\b\\\"c\\nd\"} 1\n"), "{text}");
    }
}
