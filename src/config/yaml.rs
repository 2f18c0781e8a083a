//! YAML with source locations: checks that a text is one document of bounded size, and builds its tree.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span as Range, StrInput};

use crate::model::Finding;

use super::diagnostics::Span;
use super::prescan::{MAX_DEPTH, prescan};

/// Why a text cannot be read as one YAML document.
#[derive(Debug)]
pub(super) enum InvalidYaml {
    /// It is not valid YAML.
    Syntax(Span, String),
    /// It contains a character that YAML forbids, or that its versions treat differently.
    Character(Span, char),
    /// It is nested too deeply.
    TooDeep(Span),
    /// It contains several documents.
    SeveralDocuments(Span),
    /// It is empty.
    Empty,
    /// Its aliases expand to far more nodes than it contains.
    AliasBomb(Span),
    /// An alias is inside the node that it refers to.
    AliasLoop(Span),
}

impl InvalidYaml {
    /// Returns its place.
    pub(super) fn span(&self) -> Span {
        match self {
            Self::Empty => Span::START,
            Self::Syntax(span, _)
            | Self::Character(span, _)
            | Self::TooDeep(span)
            | Self::SeveralDocuments(span)
            | Self::AliasBomb(span)
            | Self::AliasLoop(span) => *span,
        }
    }

    /// Returns the finding about it.
    pub(super) fn finding(&self) -> Finding {
        let (code, message) = match self {
            Self::Syntax(_, error) => ("syntax", format!("invalid YAML: {error}")),
            Self::Character(_, character) => {
                let code = u32::from(*character);
                ("character", format!("the character U+{code:04X} is not allowed in the file"))
            }
            Self::TooDeep(_) => ("too_deep", "the file is nested too deeply".to_owned()),
            Self::SeveralDocuments(_) => {
                ("several_documents", "the file contains several YAML documents".to_owned())
            }
            Self::Empty => ("empty_file", "the file is empty".to_owned()),
            Self::AliasBomb(_) => {
                ("alias_bomb", "the aliases expand to far more than the file contains".to_owned())
            }
            Self::AliasLoop(_) => {
                ("alias_loop", "the alias is inside of the node that it refers to".to_owned())
            }
        };
        Finding::error(code, message).help(self.help())
    }

    fn help(&self) -> &'static str {
        match self {
            Self::Syntax(..) => {
                "look at this line and the one before it: quotes, colons, indentation; \
                 in {…} and […], text with { } [ ] or a comma needs quotes"
            }
            Self::Character(..) => "remove it, or write an escape in double quotes: \"\\u2028\"",
            Self::TooDeep(_) => "no key needs more than five levels",
            Self::SeveralDocuments(_) => {
                "write each document to a separate file, and give each with -f"
            }
            Self::Empty => "`roomctl init` writes a first rooms.yaml; `rooms: []` means no rooms",
            Self::AliasBomb(_) => "write the repeated parts out, or use `defaults`",
            Self::AliasLoop(_) => "write the repeated part out",
        }
    }
}

/// A node with its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub span: Span,
    pub value: Value,
}

/// The value of a node.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A plain scalar: text, a number, a boolean or null.
    Plain(String),
    /// A quoted or block scalar, which is always text.
    Quoted(String),
    /// A sequence.
    List(Vec<Node>),
    /// A map, in the order of the text.
    Map(Vec<(Node, Node)>),
}

/// Parts of a text that serde_yaml would ignore.
#[derive(Debug, Default)]
pub(super) struct Stats {
    /// The tags.
    pub tags: Vec<Span>,
    /// The keys `<<`, which other tools merge.
    pub merges: Vec<Span>,
}

impl Stats {
    /// Returns whether serde_yaml would ignore a part of the text.
    pub(super) fn has_tags_or_merges(&self) -> bool {
        !self.tags.is_empty() || !self.merges.is_empty()
    }
}

/// The maximum ratio of nodes after and before the expansion of aliases.
const EXPANSION: usize = 100;

/// The number of nodes after the expansion of aliases that is always allowed.
const FREE_NODES: usize = 10_000;

/// Reads a text whose flow collections were checked for their depth.
pub(super) fn read(text: &str) -> Result<Node, InvalidYaml> {
    let mut builder = Builder::default();
    each_event(text, |event, span| builder.take(event, span))?;
    builder.root.ok_or(InvalidYaml::Empty)
}

/// Checks that a text is one YAML document of bounded size, and collects its tags and merge keys.
///
/// # Errors
/// Returns why it is not, which is reported without any other finding.
pub(super) fn scan(text: &str) -> Result<Stats, InvalidYaml> {
    if let Some(at) = prescan(text.as_bytes()).too_deep_at {
        return Err(InvalidYaml::TooDeep(span_at(text, at)));
    }
    if let Some((at, character)) = forbidden_character(text) {
        return Err(InvalidYaml::Character(span_at(text, at), character));
    }
    stats(text)
}

/// Does the same as [`scan`] for a text whose flow collections were checked for their depth.
pub(super) fn stats(text: &str) -> Result<Stats, InvalidYaml> {
    let mut counter = Counter::default();
    each_event(text, |event, span| counter.take(&event, span))?;
    if counter.own == 0 { Err(InvalidYaml::Empty) } else { Ok(counter.stats) }
}

fn each_event<'a>(
    text: &'a str,
    mut take: impl FnMut(Event<'a>, Span) -> Result<(), InvalidYaml>,
) -> Result<(), InvalidYaml> {
    let mut parser: Parser<'a, StrInput<'a>> = Parser::new_from_str(text);
    let (mut depth, mut documents) = (0_usize, 0);
    while let Some(next) = parser.next_event() {
        let (event, range) = next.map_err(|error| syntax(&error))?;
        let span = span_of(range);
        match event {
            Event::DocumentStart(_) => documents += 1,
            Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
            Event::SequenceEnd | Event::MappingEnd => depth = depth.saturating_sub(1),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentEnd
            | Event::Alias(_)
            | Event::Scalar(..) => {}
        }
        if depth > MAX_DEPTH {
            return Err(InvalidYaml::TooDeep(span));
        }
        if documents > 1 {
            return Err(InvalidYaml::SeveralDocuments(span));
        }
        take(event, span)?;
    }
    Ok(())
}

fn syntax(error: &ScanError) -> InvalidYaml {
    let mark = error.marker();
    let span = Span { line: mark.line().saturating_sub(1), column: mark.col(), width: Some(1) };
    InvalidYaml::Syntax(span, error.info().to_owned())
}

/// Returns the span of a range.
fn span_of(range: Range) -> Span {
    let (start, end) = (range.start, range.end);
    let width = (start.line() == end.line()).then(|| end.col().saturating_sub(start.col()));
    Span { line: start.line().saturating_sub(1), column: start.col(), width }
}

impl Node {
    /// Returns the entry of a key of a map.
    pub(super) fn entry(&self, key: &str) -> Option<&(Node, Node)> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(name, _)| name.text() == Some(key)),
            Value::Plain(_) | Value::Quoted(_) | Value::List(_) => None,
        }
    }

    /// Returns an item of a list.
    pub(super) fn item(&self, at: usize) -> Option<&Node> {
        match &self.value {
            Value::List(items) => items.get(at),
            Value::Plain(_) | Value::Quoted(_) | Value::Map(_) => None,
        }
    }

    /// Returns the text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Plain(text) | Value::Quoted(text) => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Returns the span to mark: for a map, its first key.
    pub(super) fn mark(&self) -> Span {
        match &self.value {
            Value::Map(entries) => entries.first().map_or(self.span, |(key, _)| key.span),
            Value::Plain(_) | Value::Quoted(_) | Value::List(_) => self.span,
        }
    }
}

/// Builds the tree from events. An alias is a copy of the node that it refers to.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
}

/// A collection without its end event yet.
struct Open {
    span: Span,
    anchor: usize,
    nodes: Vec<Node>,
    kind: Collection,
}

#[derive(Clone, Copy)]
enum Collection {
    List,
    Map,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), InvalidYaml> {
        match event {
            Event::Alias(id) => {
                let node = self.anchors.get(&id).cloned().ok_or(InvalidYaml::AliasLoop(span))?;
                self.place(node, 0);
            }
            Event::Scalar(text, style, anchor, _) => {
                let value = match style {
                    ScalarStyle::Plain => Value::Plain(text.into_owned()),
                    ScalarStyle::SingleQuoted
                    | ScalarStyle::DoubleQuoted
                    | ScalarStyle::Literal
                    | ScalarStyle::Folded => Value::Quoted(text.into_owned()),
                };
                self.place(Node { span, value }, anchor);
            }
            Event::SequenceStart(anchor, _) => self.begin(span, anchor, Collection::List),
            Event::MappingStart(anchor, _) => self.begin(span, anchor, Collection::Map),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn begin(&mut self, span: Span, anchor: usize, kind: Collection) {
        self.open.push(Open { span, anchor, nodes: Vec::new(), kind });
    }

    fn end(&mut self) {
        let Some(Open { span, anchor, nodes, kind }) = self.open.pop() else { return };
        let value = match kind {
            Collection::List => Value::List(nodes),
            Collection::Map => Value::Map(in_pairs(nodes)),
        };
        self.place(Node { span, value }, anchor);
    }

    fn place(&mut self, node: Node, anchor: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(open) => open.nodes.push(node),
            None => self.root = Some(node),
        }
    }
}

fn in_pairs(nodes: Vec<Node>) -> Vec<(Node, Node)> {
    let mut nodes = nodes.into_iter();
    let mut pairs = Vec::new();
    while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
        pairs.push((key, value));
    }
    pairs
}

/// Counts nodes before and after the expansion of aliases.
#[derive(Default)]
struct Counter {
    own: usize,
    expanded: usize,
    /// The anchor of each open collection, and the count at its beginning.
    open: Vec<(usize, usize)>,
    sizes: HashMap<usize, usize>,
    stats: Stats,
}

impl Counter {
    fn take(&mut self, event: &Event<'_>, span: Span) -> Result<(), InvalidYaml> {
        match event {
            Event::Alias(id) => {
                let size = *self.sizes.get(id).ok_or(InvalidYaml::AliasLoop(span))?;
                self.count(size, span)?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.sizes.insert(*anchor, 1);
                self.count_mark(tag.is_some(), *style == ScalarStyle::Plain && text == "<<", span);
                self.count(1, span)?;
            }
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => {
                self.open.push((*anchor, self.expanded));
                self.count_mark(tag.is_some(), false, span);
                self.count(1, span)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((anchor, before)) = self.open.pop() {
                    self.sizes.insert(anchor, self.expanded - before);
                }
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn count_mark(&mut self, tagged: bool, merge: bool, span: Span) {
        if tagged {
            self.stats.tags.push(span);
        }
        if merge {
            self.stats.merges.push(span);
        }
    }

    fn count(&mut self, nodes: usize, span: Span) -> Result<(), InvalidYaml> {
        self.own += 1;
        self.expanded = self.expanded.saturating_add(nodes);
        if self.expanded > self.own.saturating_mul(EXPANSION).saturating_add(FREE_NODES) {
            return Err(InvalidYaml::AliasBomb(span));
        }
        Ok(())
    }
}

/// Returns the first character that YAML forbids, or that its versions treat differently: a control
/// character, a byte order mark, or a line break other than `\n` and `\r\n`.
fn forbidden_character(text: &str) -> Option<(usize, char)> {
    text.char_indices().find(|(at, character)| match character {
        '\n' | '\t' => false,
        '\r' => text.as_bytes().get(at + 1) != Some(&b'\n'),
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => true,
        other => other.is_control(),
    })
}

/// Returns the place of a byte.
fn span_at(text: &str, at: usize) -> Span {
    let before = &text[..at];
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
    Span { line, column, width: Some(1) }
}
