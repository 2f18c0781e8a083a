//! A page of Markdown of limited size, with the number of items that it left out.

use std::fmt::Write as _;

/// The end of a folded section.
const END: &str = "\n</details>\n\n";

/// The maximum number of bytes of [`more`].
const MORE: usize = 64;

/// A page that accepts whole pieces as long as they fit.
pub(super) struct Page {
    text: String,
    limit: usize,
    /// The number of bytes reserved for the rest of the page.
    reserved: usize,
    /// The number of items that were left out.
    left_out: u64,
}

/// A table in a collapsed section.
pub(super) struct Folded<'a> {
    /// The visible title, without untrusted text.
    pub(super) title: &'a str,
    /// The titles of the columns.
    pub(super) columns: &'a [&'a str],
    /// The number of items in all rows.
    pub(super) total: u64,
}

/// A row of a table, with the number of its items.
pub(super) struct TableRow {
    pub(super) items: u64,
    pub(super) cells: Vec<String>,
}

impl Page {
    /// Makes a page of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { text: String::new(), limit, reserved: MORE, left_out: 0 }
    }

    /// Reserves bytes for the rest of the page.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.reserved += bytes;
    }

    /// Adds a piece if it fits, and returns whether it did.
    pub(super) fn add(&mut self, piece: &str) -> bool {
        let fits = self.text.len() + piece.len() + self.reserved <= self.limit;
        if fits {
            self.text.push_str(piece);
        }
        fits
    }

    /// Adds a folded table with as many of its rows as fit. Rows are made lazily.
    pub(super) fn add_folded(
        &mut self,
        folded: &Folded<'_>,
        rows: impl IntoIterator<Item = TableRow>,
    ) {
        let Folded { title, columns, total } = folded;
        if *total == 0 {
            return;
        }
        let kept_free = MORE + END.len();
        self.reserve(kept_free);
        let mut shown = 0;
        let opening = format!("<details><summary>{title}</summary>\n\n{}", heading(columns));
        let opened = self.add(&opening);
        if opened {
            for TableRow { items, cells } in rows {
                if !self.add(&line(&cells)) {
                    break;
                }
                shown += items;
            }
        }
        self.reserved -= kept_free;
        let left_out = total.saturating_sub(shown);
        if opened {
            if left_out > 0 {
                // Writing to a String cannot fail.
                let _ = writeln!(self.text, "\n{}", more(left_out));
            }
            self.text.push_str(END);
        } else {
            self.left_out += left_out;
        }
    }

    /// Returns the page with its last part, for which bytes were reserved.
    pub(super) fn end(mut self, last: &str) -> String {
        if self.left_out > 0 {
            // Writing to a String cannot fail.
            let _ = writeln!(self.text, "{}\n", more(self.left_out));
        }
        self.text.push_str(last);
        self.text
    }
}

/// Returns the first two lines of a table, with the titles of the columns.
pub(super) fn heading(columns: &[&str]) -> String {
    let rule = "|---".repeat(columns.len());
    format!("| {} |\n{rule}|\n", columns.join(" | "))
}

fn line(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn more(left_out: u64) -> String {
    format!("… and {left_out} more")
}
