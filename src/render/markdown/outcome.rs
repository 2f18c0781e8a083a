//! The outcome of a run as a page of Markdown.

use std::io::{self, Write};

use crate::model::{
    Action, Address, Adoption, NotTried, Outcome, StepFailure, StepWait, WaitReason,
};
use crate::render::counts;
use crate::render::outcome::{FOR_NEXT_LIFE, because, closing, overwritten_values};

use super::escape::{Code, Sentence};
use super::page::{Folded, Page, TableRow};
use super::{PageView, marker, scope};

/// Writes the outcome of a run as a page of Markdown of at most `view.max_bytes` bytes: the counts, and
/// folded tables of the steps that failed, wait, were not tried, or adopted a room, with as many rows
/// as fit.
///
/// # Errors
/// Returns the error of `out`.
pub fn outcome_markdown(
    out: &mut dyn Write,
    outcome: &Outcome,
    view: &PageView<'_>,
) -> io::Result<()> {
    let Outcome {
        done: _,
        adopted,
        failed,
        waiting,
        not_tried,
        blocked: _,
        unread: _,
        scope: partial,
    } = outcome;
    let mut page = Page::new(view.max_bytes);
    page.add(&marker("outcome", view.state));
    page.add(&format!("**{}**\n\n", closing(outcome)));
    scope(&mut page, partial.as_ref());
    table(&mut page, "Failed", &["Room", "Action", "Why"], failed, failure);
    table(&mut page, "Waiting", &["Room", "Action", "Why"], waiting, wait);
    table(&mut page, "Not tried", &["Room", "Action", "Why"], not_tried, left);
    table(&mut page, "Adopted, not created", &["Room", "Overwritten"], adopted, adoption);
    out.write_all(page.end("").as_bytes())
}

fn table<T>(
    page: &mut Page,
    title: &str,
    columns: &[&str],
    items: &[T],
    cells: fn(&T) -> Vec<String>,
) {
    let total = items.len() as u64;
    let title = format!("{title}: {}", counts::count(total, "room"));
    let folded = Folded { title: &title, columns, total };
    page.add_folded(&folded, items.iter().map(|item| TableRow { items: 1, cells: cells(item) }));
}

fn failure(failure: &StepFailure) -> Vec<String> {
    let StepFailure { address, action, message, code, request_id, pending, partial: _ } = failure;
    let code = code.map(|code| format!("code {code}"));
    let request = request_id.as_deref().map(|id| format!("request {id}"));
    let open = pending.then(|| "the next run looks up the room first".to_owned());
    let details = [Some(message.clone()), code, request, open].into_iter().flatten();
    row(address, *action, &details.collect::<Vec<_>>().join("; "))
}

fn wait(wait: &StepWait) -> Vec<String> {
    let StepWait { address, action, reason } = wait;
    let why = match reason {
        WaitReason::People(people) => {
            let people = counts::people(*people).unwrap_or_else(|| "possibly people".to_owned());
            format!("{people} inside")
        }
        WaitReason::Unread(why) => format!("it could not be read: {why}"),
        WaitReason::NextLife => FOR_NEXT_LIFE.to_owned(),
    };
    row(address, *action, &why)
}

fn left((address, action, why): &(Address, Action, NotTried)) -> Vec<String> {
    row(address, *action, because(*why))
}

fn adoption(adoption: &Adoption) -> Vec<String> {
    let values = overwritten_values(adoption);
    let values = if values.is_empty() { "nothing".to_owned() } else { Code(values).to_string() };
    vec![Code(&adoption.address).to_string(), values]
}

fn row(address: &Address, action: Action, why: &str) -> Vec<String> {
    vec![Code(address).to_string(), action.as_str().to_owned(), Sentence(why).to_string()]
}
