//! Turns values into text and JSON. Pure: writes to what it is given, and decides nothing.
//!
//! Text comes with colours, which the caller strips if the stream takes none; text that users or
//! services wrote comes with its control characters escaped.

mod counts;
mod document;
mod drift;
mod escape;
mod events;
mod fields;
mod findings;
mod groups;
mod json;
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
pub use findings::findings_text;
pub use json::{error_json, findings_json, plan_json};
pub use outcome::{event_text, outcome_text};
pub use progress::{Activity, Progress, progress_line, progress_text};
pub use repair::repair_text;
pub use state::{
    state_list_json, state_list_text, state_rooms_json, state_show_json, state_show_text,
};
pub use text::{Layout, View, plan_text};

#[cfg(test)]
mod tests;
