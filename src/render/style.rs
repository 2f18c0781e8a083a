//! The colours.

use anstyle::{AnsiColor, Style};

use crate::model::Action;

/// What is added.
pub(super) const ADDED: Style = AnsiColor::Green.on_default();
/// What is taken away, and what went wrong.
pub(super) const REMOVED: Style = AnsiColor::Red.on_default();
/// What changes, and what waits.
pub(super) const CHANGED: Style = AnsiColor::Yellow.on_default();
/// What is secondary.
pub(super) const QUIET: Style = Style::new().dimmed();
/// The title of a section, and the summary.
pub(super) const STRONG: Style = Style::new().bold();

/// Returns the colour of an action.
pub(super) fn of(action: Action) -> Style {
    match action {
        Action::Create | Action::Recreate | Action::Adopt => ADDED,
        Action::Update => CHANGED,
        Action::Replace | Action::Destroy | Action::Forget => REMOVED,
        Action::Record => QUIET,
    }
}

/// Returns the symbol of an action, three columns wide.
pub(super) fn symbol(action: Action) -> &'static str {
    match action {
        Action::Create | Action::Recreate => "  +",
        Action::Update => "  ~",
        Action::Replace => "-/+",
        Action::Destroy => "  -",
        Action::Adopt => "  <",
        Action::Forget => "  x",
        Action::Record => "  *",
    }
}
