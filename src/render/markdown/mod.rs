//! Pages of Markdown for pull requests: a plan, an outcome, drift. Untrusted text is in code spans.

mod drift;
mod escape;
mod outcome;
mod page;
mod plan;

pub use drift::drift_markdown;
pub use outcome::outcome_markdown;
pub use plan::plan_markdown;

use crate::model::{Finding, Partial, Severity, Unread};

use super::Layout;
use escape::{Code, Comment, Sentence};
use page::{Folded, Page, TableRow};

/// The minimum limit for the bytes of a page.
pub const SMALLEST_PAGE: usize = 2_000;

/// The number of bytes of a state's location in the marker. The end of a location distinguishes states.
const MARKED: usize = 200;

/// The layout of a page.
#[derive(Clone, Copy, Debug)]
pub struct PageView<'a> {
    /// The location of the state, as the user specified it.
    pub state: &'a str,
    /// The layout of steps.
    pub layout: Layout,
    /// The maximum number of bytes of the page, at least [`SMALLEST_PAGE`].
    pub max_bytes: usize,
}

/// Returns an invisible comment by which a job finds the pull-request comment that it wrote before.
fn marker(what: &str, state: &str) -> String {
    let location = Comment(state).to_string();
    // The text is ASCII, so every byte is a character.
    let end = &location[location.len().saturating_sub(MARKED)..];
    format!("<!-- roomctl {what} {end} -->\n")
}

/// Adds the scope, if the page does not cover all rooms.
fn scope(page: &mut Page, scope: Option<&Partial>) {
    if let Some(partial) = scope {
        page.add(&format!("{partial}\n\n"));
    }
}

fn unread(page: &mut Page, unread: &[Unread]) {
    let row = |Unread { address, why }: &Unread| TableRow {
        items: 1,
        cells: vec![Code(address).to_string(), Sentence(why).to_string()],
    };
    let folded = Folded {
        title: "Unread, so nothing is planned for them",
        columns: &["Room", "Why"],
        total: unread.len() as u64,
    };
    page.add_folded(&folded, unread.iter().map(row));
}

fn findings(page: &mut Page, findings: &[Finding]) {
    let row = |finding: &Finding| {
        let Finding { severity, code: _, message, help, place, address: _ } = finding;
        let level = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = place.as_ref().map(|it| format!("{}:{}:{}", it.file, it.line, it.column));
        let sentences = [Some(message), help.as_ref()].into_iter().flatten();
        let sentences: Vec<String> = sentences.map(|it| Sentence(it).to_string()).collect();
        let place = place.map_or_else(String::new, |place| Code(place).to_string());
        TableRow { items: 1, cells: vec![level.to_owned(), place, sentences.join("<br>")] }
    };
    let folded = Folded {
        title: "Errors and warnings",
        columns: &["", "Place", "Message"],
        total: findings.len() as u64,
    };
    page.add_folded(&folded, findings.iter().map(row));
}
