//! Turns values into what users and scripts read. Pure: writes to what it is given, and decides nothing.
//!
//! Text comes with colours, which the caller strips where they are not wanted; text that users or
//! services wrote comes with its control characters escaped.

mod document;
mod drift;
mod escape;
mod events;
mod fields;
mod findings;
mod held;
mod json;
mod outcome;
mod repair;
mod state;
mod style;
mod text;
mod unified;
mod words;

pub use drift::{drift_json, drift_text};
pub use escape::plain;
pub use events::{event_json, plan_event_json, summary_json};
pub use findings::findings_text;
pub use json::{error_json, findings_json, plan_json};
pub use outcome::{event_text, outcome_text};
pub use repair::repair_text;
pub use state::{
    state_list_json, state_list_text, state_rooms_json, state_show_json, state_show_text,
};
pub use text::{Detail, View, plan_text};

#[cfg(test)]
mod tests;
