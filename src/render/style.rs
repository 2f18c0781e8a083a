//! The colours.

use anstyle::{AnsiColor, Style};

use crate::model::Action;

/// What is added.
pub(super) const ADDED: Style = AnsiColor::Green.on_default();
/// What is taken away, and what went wrong.
pub(super) const REMOVED: Style = AnsiColor::Red.on_default();
/// What changes, and what waits.
pub(super) const CHANGED: Style = AnsiColor::Yellow.on_default();
/// What is only said.
pub(super) const QUIET: Style = Style::new().dimmed();
/// What heads a part.
pub(super) const STRONG: Style = Style::new().bold();

/// The colour of an action.
pub(super) fn of(action: Action) -> Style {
    match action {
        Action::Create | Action::Recreate | Action::Adopt => ADDED,
        Action::Update => CHANGED,
        Action::Replace | Action::Destroy | Action::Forget => REMOVED,
        Action::Record => QUIET,
    }
}

/// The symbol of an action, three columns wide.
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
