//! Findings as a compiler shows them: the line, and a mark under the place.

use std::io::{self, Write};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::model::{Finding, Place, Severity};

use super::escape::{Line, Plain};
use super::style::{CHANGED, REMOVED, STRONG};

/// Writes findings, one after the other, an empty line between them.
///
/// # Errors
/// Returns the error of `out`.
pub fn findings_text(out: &mut dyn Write, findings: &[Finding]) -> io::Result<()> {
    let renderer = Renderer::styled();
    for (n, finding) in findings.iter().enumerate() {
        if n > 0 {
            writeln!(out)?;
        }
        match &finding.place {
            Some(place) => {
                let line = Line::new(&place.text);
                let text = renderer.render(&[at_place(finding, place, &line)]);
                writeln!(out, "{}", with_column(text, place, &line))?;
            }
            None => without_place(out, finding)?,
        }
    }
    Ok(())
}

fn at_place<'a>(finding: &'a Finding, place: &'a Place, line: &'a Line) -> Group<'a> {
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
    let (colour, word) = match severity {
        Severity::Error => (REMOVED.bold(), "error"),
        Severity::Warning => (CHANGED.bold(), "warning"),
    };
    writeln!(out, "{colour}{word}{colour:#}{STRONG}: {}{STRONG:#}", Plain(message))?;
    match help {
        Some(help) => writeln!(out, "{STRONG}help{STRONG:#}: {}", Plain(help)),
        None => Ok(()),
    }
}

fn snippet<'a>(place: &Place, shown: &'a Line) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let Place { file, line, column, width, text: _ } = place;
    let from = shown.byte_of(column.saturating_sub(1));
    let to = shown.byte_of(column.saturating_sub(1).saturating_add(*width));
    Snippet::source(&shown.text)
        .line_start(*line)
        .path(Plain(file).to_string())
        .annotation(AnnotationKind::Primary.span(from..to))
}

/// A finding that names the column of the file: the renderer counts that of the line as it is shown,
/// where escapes before the mark are longer than what they stand for.
fn with_column(text: String, place: &Place, shown: &Line) -> String {
    let Place { file, line, column, width: _, text: _ } = place;
    let before = column.saturating_sub(1).min(shown.len());
    let counted = shown.text[..shown.byte_of(before)].chars().count();
    if counted == before {
        return text;
    }
    let named = |column: usize| format!("{}:{line}:{column}", Plain(file));
    text.replacen(&named(counted + 1), &named(before + 1), 1)
}
