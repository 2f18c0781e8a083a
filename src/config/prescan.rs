//! Scans the bytes before they are parsed, for the nesting depth of flow collections and for unusual
//! syntax.
//!
//! YAML parsers take quadratic time for deep `[[[[…` and hold every event of a document. Deep nesting
//! is therefore refused here, and only a text without unusual syntax is divided into groups. The scan
//! may be wrong, since YAML's scalars have many forms; the parsers decide the meaning.

/// The result of a scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Prescan {
    /// The maximum nesting of `[` and `{`.
    pub depth: usize,
    /// The byte at which the nesting first exceeds [`MAX_DEPTH`].
    pub too_deep_at: Option<usize>,
    /// Whether there is an anchor, an alias, a tag, a directive, or a document marker.
    pub marks: bool,
    /// Whether there are characters that YAML 1.1 and 1.2 treat differently, or forbid.
    pub odd: bool,
}

/// The maximum nesting of collections. The format itself needs five.
pub(super) const MAX_DEPTH: usize = 64;

/// Scans `bytes`, which start at the beginning of a line.
pub(super) fn prescan(bytes: &[u8]) -> Prescan {
    let mut scanner =
        Scanner { bytes, at: 0, line: 0, depth: 0, node: true, found: Prescan::default() };
    while scanner.at < bytes.len() {
        scanner.step();
    }
    scanner.found
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The byte at which the line begins.
    line: usize,
    depth: usize,
    /// Whether a node may begin here.
    node: bool,
    found: Prescan,
}

impl Scanner<'_> {
    fn step(&mut self) {
        let byte = self.bytes[self.at];
        match byte {
            b'\n' => self.end_line(),
            b' ' => self.at += 1,
            b'#' if self.spaced() => self.skip_line(),
            b'"' | b'\'' if self.node => self.skip_quoted(byte),
            b'|' | b'>' if self.node && self.depth == 0 => self.skip_block(),
            b'[' | b'{' if self.node || self.depth > 0 => self.open(),
            b']' | b'}' if self.depth > 0 => self.close(),
            b'&' | b'*' | b'!' if self.node => self.skip_mark(),
            b'-' | b'.' | b'%' if self.at == self.line && self.starts_document() => {
                self.found.marks = true;
                self.skip_line();
            }
            b':' | b'-' | b'?' | b',' => self.indicate(byte),
            _ => self.pass(byte),
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn spaced(&self) -> bool {
        self.at == self.line || self.bytes[self.at - 1] == b' '
    }

    fn starts_document(&self) -> bool {
        let rest = &self.bytes[self.at..];
        rest.starts_with(b"---") || rest.starts_with(b"...") || rest.starts_with(b"%")
    }

    fn end_line(&mut self) {
        self.at += 1;
        self.line = self.at;
        self.node = true;
    }

    fn skip_line(&mut self) {
        while let Some(byte) = self.peek(0).filter(|byte| *byte != b'\n') {
            self.check_character(byte);
            self.at += 1;
        }
    }

    /// Skips a quoted scalar, but not beyond the end of its line.
    fn skip_quoted(&mut self, quote: u8) {
        self.node = false;
        self.at += 1;
        while let Some(byte) = self.peek(0).filter(|byte| *byte != b'\n') {
            let escaped = quote == b'"' && byte == b'\\' && self.peek(1) != Some(b'\n');
            let doubled = quote == b'\'' && byte == quote && self.peek(1) == Some(quote);
            self.check_character(byte);
            self.at += if escaped || doubled { 2 } else { 1 };
            if byte == quote && !doubled {
                return;
            }
        }
    }

    /// Skips the lines of a `|` or `>` scalar: those with a deeper indent than its parent node.
    fn skip_block(&mut self) {
        let parent = self.parent_indent();
        let mut content = None;
        self.skip_line();
        while self.at + 1 < self.bytes.len() {
            let (indent, blank) = indent_at(&self.bytes[self.at + 1..]);
            if !blank {
                let least = *content.get_or_insert(indent);
                if indent <= parent || indent < least {
                    return;
                }
            }
            self.end_line();
            self.skip_line();
        }
    }

    /// Returns the column of the key (or of the last dash) before a block scalar.
    fn parent_indent(&self) -> usize {
        let mut dash = 0;
        for (column, byte) in self.bytes[self.line..self.at].iter().enumerate() {
            match byte {
                b' ' => {}
                b'-' => dash = column,
                _ => return column,
            }
        }
        dash
    }

    fn open(&mut self) {
        self.depth += 1;
        self.found.depth = self.found.depth.max(self.depth);
        if self.depth > MAX_DEPTH && self.found.too_deep_at.is_none() {
            self.found.too_deep_at = Some(self.at);
        }
        self.node = true;
        self.at += 1;
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.node = false;
        self.at += 1;
    }

    /// Skips an anchor, an alias or a tag; a node may still begin after it.
    fn skip_mark(&mut self) {
        self.found.marks |= self.bytes[self.at] == b'!' || self.peek(1) != Some(b' ');
        self.at += 1;
        while let Some(byte) = self.peek(0).filter(|byte| !b" \n,[]{}".contains(byte)) {
            self.check_character(byte);
            self.at += 1;
        }
    }

    fn indicate(&mut self, byte: u8) {
        let spaced = self.peek(1).is_none_or(|next| next == b' ' || next == b'\n');
        let begins = match byte {
            b',' => self.depth > 0,
            b':' => spaced || self.depth > 0,
            _ => spaced && self.node,
        };
        self.node = begins;
        self.at += 1;
    }

    fn pass(&mut self, byte: u8) {
        self.check_character(byte);
        self.node = false;
        self.at += 1;
    }

    /// Detects control characters, C1 controls, line separators and byte order marks.
    fn check_character(&mut self, byte: u8) {
        let odd = match byte {
            0x00..=0x1f | 0x7f => true,
            0xc2 => self.peek(1).is_some_and(|next| next < 0xa0),
            0xe2 => self.peek(1) == Some(0x80) && matches!(self.peek(2), Some(0xa8 | 0xa9)),
            0xef => matches!(
                (self.peek(1), self.peek(2)),
                (Some(0xbb), Some(0xbf)) | (Some(0xbf), Some(0xbe | 0xbf))
            ),
            _ => false,
        };
        self.found.odd |= odd;
    }
}

/// Returns the number of spaces before a line's first character, and whether the line is blank.
pub(super) fn indent_at(line: &[u8]) -> (usize, bool) {
    let indent = line.iter().take_while(|byte| **byte == b' ').count();
    (indent, line.get(indent).is_none_or(|byte| *byte == b'\n'))
}

#[cfg(test)]
mod tests;
