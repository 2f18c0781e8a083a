//! The tree of a YAML text with the place of each node: read only where there is a mistake to show.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span as Range, StrInput};

use super::prescan::MAX_DEPTH;
use super::unreadable::InvalidYaml;

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    /// The line, from 0.
    pub line: usize,
    /// The column in characters, from 0.
    pub column: usize,
    /// How many characters it covers on its line; none where it ends on a later line.
    pub width: Option<usize>,
}

/// A node, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub span: Span,
    pub value: Value,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A scalar without quotes: text, a number, a boolean or null.
    Plain(String),
    /// A scalar that is text whatever it looks like.
    Quoted(String),
    /// A sequence.
    List(Vec<Node>),
    /// A map, in the order of the text.
    Map(Vec<(Node, Node)>),
}

/// What a text holds besides its tree.
#[derive(Debug, Default)]
pub(super) struct Stats {
    /// The tags.
    pub tags: Vec<Span>,
    /// The keys `<<`, which other tools merge.
    pub merges: Vec<Span>,
}

/// How many times as much as it holds a text may come to through its aliases.
const EXPANSION: usize = 100;

/// What a text may come to through its aliases, however little it holds.
const FREE_NODES: usize = 10_000;

/// Reads a text whose flow collections are known not to nest too deeply.
pub(super) fn read(text: &str) -> Result<Node, InvalidYaml> {
    let mut builder = Builder::default();
    each_event(text, |event, span| builder.take(event, span))?;
    builder.root.ok_or(InvalidYaml::Empty)
}

/// Looks through a text without keeping it: whether it is one document, and of bounded size.
pub(super) fn scan(text: &str) -> Result<Stats, InvalidYaml> {
    let mut surveyor = StatsBuilder::default();
    each_event(text, |event, span| surveyor.take(&event, span))?;
    if surveyor.own == 0 { Err(InvalidYaml::Empty) } else { Ok(surveyor.stats) }
}

fn each_event<'a>(
    text: &'a str,
    mut take: impl FnMut(Event<'a>, Span) -> Result<(), InvalidYaml>,
) -> Result<(), InvalidYaml> {
    let mut parser: Parser<'a, StrInput<'a>> = Parser::new_from_str(text);
    let (mut depth, mut documents) = (0_usize, 0);
    while let Some(next) = parser.next_event() {
        let (event, range) = next.map_err(|error| syntax(&error))?;
        let span = Span::of(range);
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

impl Span {
    fn of(range: Range) -> Self {
        let (start, end) = (range.start, range.end);
        let width = (start.line() == end.line()).then(|| end.col().saturating_sub(start.col()));
        Self { line: start.line().saturating_sub(1), column: start.col(), width }
    }

    /// The first place of a text.
    pub(super) const START: Self = Self { line: 0, column: 0, width: Some(1) };
}

impl Node {
    /// The key and the value under a key of a map.
    pub(super) fn entry(&self, key: &str) -> Option<&(Node, Node)> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(name, _)| name.text() == Some(key)),
            Value::Plain(_) | Value::Quoted(_) | Value::List(_) => None,
        }
    }

    /// The item at a place of a list.
    pub(super) fn item(&self, at: usize) -> Option<&Node> {
        match &self.value {
            Value::List(items) => items.get(at),
            Value::Plain(_) | Value::Quoted(_) | Value::Map(_) => None,
        }
    }

    /// The characters of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Plain(text) | Value::Quoted(text) => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Where to put the mark: a map is marked at its first key.
    pub(super) fn mark(&self) -> Span {
        match &self.value {
            Value::Map(entries) => entries.first().map_or(self.span, |(key, _)| key.span),
            Value::Plain(_) | Value::Quoted(_) | Value::List(_) => self.span,
        }
    }
}

/// Builds the tree from events, an alias by copying what it repeats.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
}

/// A collection that has not ended.
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

/// Counts nodes as they stand and as they come to through aliases.
#[derive(Default)]
struct StatsBuilder {
    own: usize,
    expanded: usize,
    /// The anchor and the count at the beginning of each collection that has not ended.
    open: Vec<(usize, usize)>,
    sizes: HashMap<usize, usize>,
    stats: Stats,
}

impl StatsBuilder {
    fn take(&mut self, event: &Event<'_>, span: Span) -> Result<(), InvalidYaml> {
        match event {
            Event::Alias(id) => {
                let size = *self.sizes.get(id).ok_or(InvalidYaml::AliasLoop(span))?;
                self.count(size, span)?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.sizes.insert(*anchor, 1);
                self.diagnostic(tag.is_some(), *style == ScalarStyle::Plain && text == "<<", span);
                self.count(1, span)?;
            }
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => {
                self.open.push((*anchor, self.expanded));
                self.diagnostic(tag.is_some(), false, span);
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

    fn diagnostic(&mut self, tagged: bool, merge: bool, span: Span) {
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
