//! Findings in the style of a compiler: the source line, with a mark under the place.

use std::collections::BTreeMap;
use std::io::{self, Write};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::model::{Address, Finding, Place, Severity};

use super::Layout;
use super::counts;
use super::escape::{Plain, SourceLine};
use super::groups::{listed, without_room};
use super::style::{CHANGED, QUIET, REMOVED, STRONG};

/// Findings that differ only in their room or place.
struct FindingGroup<'a> {
    first: &'a Finding,
    others: Vec<&'a Finding>,
}

/// Writes findings, separated by empty lines.
///
/// # Errors
/// Returns the error of `out`.
pub fn findings_text(out: &mut dyn Write, findings: &[Finding]) -> io::Result<()> {
    grouped(out, findings, Layout::Full)
}

/// Writes findings. Of those that differ only in their room or place, it writes the first, and the
/// rooms or places of the others.
pub(super) fn grouped(out: &mut dyn Write, findings: &[Finding], layout: Layout) -> io::Result<()> {
    let renderer = Renderer::styled();
    for (n, FindingGroup { first, others }) in groups(findings, layout).into_iter().enumerate() {
        if n > 0 {
            writeln!(out)?;
        }
        match &first.place {
            Some(place) => {
                let line = SourceLine::new(&place.text);
                let text = renderer.render(&[at_place(first, place, &line)]);
                writeln!(out, "{}", with_column(text, place, &line))?;
            }
            None => without_place(out, first)?,
        }
        if !others.is_empty() {
            writeln!(out, "{QUIET}{}{QUIET:#}", repeated(&others, layout))?;
        }
    }
    Ok(())
}

/// Groups findings, in the order of the first one of each group.
fn groups(findings: &[Finding], layout: Layout) -> Vec<FindingGroup<'_>> {
    let mut groups: Vec<FindingGroup<'_>> = Vec::new();
    let mut known = BTreeMap::new();
    for finding in findings {
        let at = match (layout, cause(finding)) {
            (Layout::Grouped, Some(cause)) => *known.entry(cause).or_insert(groups.len()),
            (Layout::Grouped | Layout::Full | Layout::Diff, _) => groups.len(),
        };
        match groups.get_mut(at) {
            Some(group) => group.others.push(finding),
            None => groups.push(FindingGroup { first: finding, others: Vec::new() }),
        }
    }
    groups
}

/// Returns what the findings of a group have in common, or `None` if the finding has neither a room nor
/// a place.
fn cause(finding: &Finding) -> Option<(Severity, &'static str, bool, String)> {
    let Finding { severity, code, message, help, place, address } = finding;
    let text = format!("{message}\n{}", help.as_deref().unwrap_or_default());
    let text = match (address, place) {
        (Some(address), _) => without_room(&text, address),
        (None, Some(_)) => text,
        (None, None) => return None,
    };
    Some((*severity, code, place.is_some(), text))
}

/// Returns the rooms or places of the other findings of a group.
fn repeated(others: &[&Finding], layout: Layout) -> String {
    let addresses: Option<Vec<&Address>> = others.iter().map(|it| it.address.as_ref()).collect();
    let number = others.len() as u64;
    match addresses {
        Some(addresses) => {
            let rooms = counts::count(number, "more room");
            format!("the same for {rooms}: {}", listed(&addresses, layout))
        }
        None => format!("the same at {}", counts::count(number, "more place")),
    }
}

fn at_place<'a>(finding: &'a Finding, place: &'a Place, line: &'a SourceLine) -> Group<'a> {
    let Finding { severity, code: _, message, help, place: _, address: _ } = finding;
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(Plain(message).to_string());
    let help = help.as_ref().map(|help| Level::HELP.message(Plain(help).to_string()));
    title.element(snippet(place, line)).elements(help)
}

fn without_place(out: &mut dyn Write, finding: &Finding) -> io::Result<()> {
    let Finding { severity, code: _, message, help, place: _, address: _ } = finding;
    let (colour, label) = match severity {
        Severity::Error => (REMOVED.bold(), "error"),
        Severity::Warning => (CHANGED.bold(), "warning"),
    };
    writeln!(out, "{colour}{label}{colour:#}{STRONG}: {}{STRONG:#}", Plain(message))?;
    match help {
        Some(help) => writeln!(out, "{STRONG}help{STRONG:#}: {}", Plain(help)),
        None => Ok(()),
    }
}

fn snippet<'a>(
    place: &Place,
    shown: &'a SourceLine,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let Place { file, line, column, width, text: _ } = place;
    let from = shown.byte_of(column.saturating_sub(1));
    let to = shown.byte_of(column.saturating_sub(1).saturating_add(*width));
    Snippet::source(&shown.text)
        .line_start(*line)
        .path(Plain(file).to_string())
        .annotation(AnnotationKind::Primary.span(from..to))
}

/// Replaces the column in a rendered finding by the column in the file, since the renderer counts the
/// columns of the escaped line.
fn with_column(text: String, place: &Place, shown: &SourceLine) -> String {
    let Place { file, line, column, width: _, text: _ } = place;
    let before = column.saturating_sub(1).min(shown.len());
    let counted = shown.text[..shown.byte_of(before)].chars().count();
    if counted == before {
        return text;
    }
    let named = |column: usize| format!("{}:{line}:{column}", Plain(file));
    text.replacen(&named(counted + 1), &named(before + 1), 1)
}
