//! The colours of the text.

use anstyle::{AnsiColor, Style};

use crate::model::Action;

/// No colour.
pub(super) const PLAIN: Style = Style::new();
/// Added.
pub(super) const ADDED: Style = AnsiColor::Green.on_default();
/// Removed, or failed.
pub(super) const REMOVED: Style = AnsiColor::Red.on_default();
/// Changed, or waiting.
pub(super) const CHANGED: Style = AnsiColor::Yellow.on_default();
/// Secondary.
pub(super) const QUIET: Style = Style::new().dimmed();
/// The titles of sections, and the summary.
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
