//! Unified diffs of whole rooms.

use std::fmt::Write as _;
use std::io::{self, Write};

use similar::{ChangeTag, TextDiff};

use crate::model::{Attribute, Room, Step};

use super::escape::{OneLine, Plain, Quoted};
use super::style::{ADDED, QUIET, REMOVED};

/// Writes a unified diff of the whole room before and after a step.
pub(super) fn write(out: &mut dyn Write, step: &Step) -> io::Result<()> {
    let (before, after) = step.shown();
    let (before, after) = (sheet(before.as_deref()), sheet(after.as_deref()));
    let address = Plain(&step.address).to_string();
    let side = |room: &Option<_>| if room.is_some() { &*address } else { "/dev/null" };
    writeln!(out, "{REMOVED}--- {}{REMOVED:#}", side(&step.before))?;
    writeln!(out, "{ADDED}+++ {}{ADDED:#}", side(&step.after))?;
    let lines = |sheet: &str| sheet.lines().count();
    let from = |count: usize| usize::from(count > 0);
    let (old, new) = (lines(&before), lines(&after));
    writeln!(out, "{QUIET}@@ -{},{old} +{},{new} @@{QUIET:#}", from(old), from(new))?;
    for change in TextDiff::from_lines(&before, &after).iter_all_changes() {
        let (sign, colour) = match change.tag() {
            ChangeTag::Delete => ('-', REMOVED),
            ChangeTag::Insert => ('+', ADDED),
            ChangeTag::Equal => (' ', QUIET),
        };
        writeln!(out, "{colour}{sign}{}{colour:#}", change.value().trim_end_matches('\n'))?;
    }
    Ok(())
}

/// Returns a room in the format of the file; empty if there is none.
fn sheet(room: Option<&Room>) -> String {
    let mut sheet = String::new();
    let Some(Room { name, destroy_delay_time, attributes, fields }) = room else { return sheet };
    if let Some(name) = name {
        line(&mut sheet, format_args!("name: {}", Quoted(name)));
    }
    if let Some(delay) = destroy_delay_time {
        line(&mut sheet, format_args!("destroy_delay_time: {delay}"));
    }
    for (field, value) in fields.iter() {
        line(&mut sheet, format_args!("{field}: {}", OneLine(value)));
    }
    if !attributes.is_empty() {
        line(&mut sheet, format_args!("attributes:"));
    }
    for (key, attribute) in attributes.iter() {
        entry(&mut sheet, key, attribute);
    }
    sheet
}

fn entry(sheet: &mut String, key: &str, attribute: &Attribute) {
    let Attribute { value, auto_delete } = attribute;
    let key = Plain(key);
    if *auto_delete {
        line(sheet, format_args!("  {key}: {{value: {}, auto_delete: true}}", Quoted(value)));
    } else if value.contains('\n') {
        line(sheet, format_args!("  {key}: |"));
        for text in value.lines() {
            line(sheet, format_args!("    {}", Plain(text)));
        }
    } else {
        line(sheet, format_args!("  {key}: {}", Quoted(value)));
    }
}

fn line(sheet: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(sheet, "{text}");
}
