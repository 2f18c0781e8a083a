//! Findings as a compiler shows them: the line, and a mark under the place.

use std::io::{self, Write};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::model::{Finding, Place, Severity};

use super::escape::Plain;
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
            Some(place) => writeln!(out, "{}", renderer.render(&[at_place(finding, place)]))?,
            None => without_place(out, finding)?,
        }
    }
    Ok(())
}

fn at_place<'a>(finding: &'a Finding, place: &'a Place) -> Group<'a> {
    let Finding { severity, code: _, message, help, place: _, address: _ } = finding;
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(Plain(message).to_string());
    let help = help.as_ref().map(|help| Level::HELP.message(Plain(help).to_string()));
    title.element(snippet(place)).elements(help)
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

fn snippet(place: &Place) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
    let Place { file, line, column, width, text } = place;
    let from = byte_of(text, column.saturating_sub(1));
    let to = byte_of(text, column.saturating_sub(1).saturating_add(*width));
    Snippet::source(text)
        .line_start(*line)
        .path(Plain(file).to_string())
        .annotation(AnnotationKind::Primary.span(from..to))
}

/// The byte at which a character of a line begins, or the line's end.
fn byte_of(line: &str, character: usize) -> usize {
    line.char_indices().nth(character).map_or(line.len(), |(at, _)| at)
}
