//! Renders values as text, JSON, Markdown and Prometheus metrics. Pure: it writes to the given writer,
//! and decides nothing.
//!
//! Text has colours, which the caller removes if the stream does not support them. Control characters
//! in text from users and services are escaped.

mod counts;
mod document;
mod drift;
mod escape;
mod events;
mod explain;
mod fields;
mod findings;
mod github;
mod groups;
mod json;
mod markdown;
mod metrics;
mod notes;
mod outcome;
mod progress;
mod repair;
mod sections;
mod state;
mod style;
mod text;
mod unified;

pub use drift::{drift_json, drift_text};
pub use escape::plain;
pub use events::{error_event_json, event_json, plan_event_json, summary_json};
pub use explain::{explanation_json, explanation_text};
pub use findings::findings_text;
pub use github::{
    error_github, findings_github, log_text, outcome_github, outcome_outputs, plan_github,
    plan_outputs,
};
pub use json::{error_json, findings_json, plan_json, saved_plan_json};
pub use markdown::{PageView, SMALLEST_PAGE, drift_markdown, outcome_markdown, plan_markdown};
pub use metrics::{METRICS_START, RunEnd, RunMetrics, StepResults, metrics_text};
pub use outcome::{event_text, outcome_text};
pub use progress::{Activity, Progress, calls_awaited, progress_line, progress_text};
pub use repair::{push_text, repair_text};
pub use state::{
    state_list_json, state_list_text, state_rooms_json, state_show_json, state_show_text,
};
pub use text::{Layout, View, plan_text};

#[cfg(test)]
mod tests;
