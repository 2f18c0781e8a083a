//! `for_each`: expands one entry of `rooms` to many rooms.
//!
//! An entry is checked once, as written. Its rooms are then made by number, without reading the file
//! again, so that they can be made in parallel.

mod text;
mod values;

use crate::model::Finding;

use super::diagnostics::{
    Diagnostic, Diagnostics, PathSegment, Reading, Reporter, SHOWN, closest, index, key, listed,
    shortened, suggestion,
};
use super::raw::{self, AttributeValue, FullAttribute, Pairs, Text, VariableValues};
use text::{Piece, each_piece, replace};
pub(super) use values::MAX_ROOMS;
use values::{Values, variable};

/// A checked entry with `for_each`. Its rooms are numbered from 0.
#[derive(Debug)]
pub(super) struct Entry {
    /// The entry without its `for_each`.
    template: raw::Room,
    /// Its variables, in the order of the file: the last one changes fastest.
    variables: Vec<Variable>,
    /// The number of rooms.
    len: usize,
}

/// A variable of an entry.
#[derive(Debug)]
struct Variable {
    name: Box<str>,
    values: Values,
}

impl Entry {
    /// Checks an entry; `None` if it has mistakes.
    pub(super) fn of(room: &raw::Room, reporter: &mut Reporter<'_>) -> Option<Self> {
        let Pairs(declared) = room.for_each.as_ref()?;
        let template = raw::Room { for_each: None, ..room.clone() };
        let mut found = Diagnostics::default();
        let Reporter { file, part, .. } = *reporter;
        let reading = Reading::Complete;
        let mut inner = Reporter { diagnostics: &mut found, file, part, reading };
        let entry = Self::checked(template, declared, &mut inner);
        let wrong = found.any_error();
        reporter.diagnostics.extend(found);
        entry.filter(|_| !wrong)
    }

    fn checked(
        template: raw::Room,
        declared: &[(Text, VariableValues)],
        reporter: &mut Reporter<'_>,
    ) -> Option<Self> {
        if declared.is_empty() {
            let finding = Finding::error("for_each", "`for_each` has no variables")
                .help("write at least one: `for_each: {n: 001..200}`");
            reporter.at_key(vec![key("for_each")], finding);
            return None;
        }
        references_are_known(&template, declared, reporter);
        let variables: Option<Vec<Variable>> = declared
            .iter()
            .map(|(Text(name), values)| {
                let values = variable(name, values, reporter)?;
                Some(Variable { name: name.clone(), values })
            })
            .collect();
        let variables = variables?;
        every_value_changes_the_address(&template, &variables, reporter);
        let product = |all: usize, one: &Variable| all.checked_mul(one.values.len());
        let len = variables.iter().try_fold(1_usize, product).filter(|len| *len <= MAX_ROOMS);
        if len.is_none() {
            let finding =
                Finding::error("for_each", "`for_each` expands to more than 1,000,000 rooms");
            reporter.at_key(vec![key("for_each")], finding.help("declare fewer values"));
        }
        Some(Self { template, variables, len: len? })
    }

    /// Returns the number of its rooms.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Makes the room of this number.
    pub(super) fn room(&self, number: usize) -> raw::Room {
        let values = self.values(number);
        let mut room = self.template.clone();
        each_text(&mut room, &mut |_, text| {
            if let Some(replaced) = replace(text, &values) {
                *text = replaced.into();
            }
        });
        room
    }

    /// Returns the values of the room of this number, for messages: `n: 007, team: red`.
    pub(super) fn describe(&self, number: usize) -> String {
        let value = |(name, value): &(&str, String)| format!("{name}: {}", shortened(value));
        self.values(number).iter().map(value).collect::<Vec<_>>().join(", ")
    }

    fn values(&self, number: usize) -> Vec<(&str, String)> {
        let mut rest = number;
        let mut values: Vec<(&str, String)> = Vec::with_capacity(self.variables.len());
        for Variable { name, values: all } in self.variables.iter().rev() {
            values.push((name, all.get(rest % all.len())));
            rest /= all.len();
        }
        values.reverse();
        values
    }
}

/// Makes the finding about an entry that exceeds the limit together with those before it.
pub(super) fn too_many() -> Finding {
    Finding::error(
        "for_each",
        "the entries with `for_each` expand to more than 1,000,000 rooms in all",
    )
    .help("declare fewer values, or split the rooms between several states")
}

/// Reports references to unknown variables.
fn references_are_known(
    template: &raw::Room,
    declared: &[(Text, VariableValues)],
    reporter: &mut Reporter<'_>,
) {
    let names: Vec<&str> = declared.iter().map(|(Text(name), _)| &**name).collect();
    let mut found = Vec::new();
    each_text(&mut template.clone(), &mut |path, text| {
        each_piece(text, |piece| match piece {
            Piece::Literal(_) => {}
            Piece::Variable(name) if names.contains(&name) => {}
            Piece::Variable(name) => found.push((path(), unknown(name, &names))),
            Piece::Unclosed => found.push((path(), unclosed())),
        });
    });
    for (path, finding) in found {
        reporter.at(path, finding);
    }
}

fn unknown(name: &str, names: &[&str]) -> Finding {
    let message = format!("`${{{}}}` is not a variable of `for_each`", shortened(name));
    let help = match closest(name, names) {
        Some(_) => suggestion(name, names),
        None => format!("use one of {}; `$${{` is a literal `${{`", listed(names)),
    };
    Finding::error("unknown_variable", message).help(help)
}

fn unclosed() -> Finding {
    Finding::error("unknown_variable", "`${` is not closed by a `}`")
        .help("write `${NAME}`; `$${` is a literal `${`")
}

/// Reports variables of several values that are in neither the id nor the provider, since all their
/// rooms would have the same address.
fn every_value_changes_the_address(
    template: &raw::Room,
    variables: &[Variable],
    reporter: &mut Reporter<'_>,
) {
    let raw::Room { id: Some(Text(id)), provider, providers, .. } = template else { return };
    let texts = provider.iter().chain(providers.iter().flatten());
    let texts: Vec<&str> = texts.map(|Text(text)| &**text).chain([&**id]).collect();
    let uses = |name: &str| {
        let mut found = false;
        let mut look = |piece: Piece<'_>| found |= piece == Piece::Variable(name);
        for text in &texts {
            each_piece(text, &mut look);
        }
        found
    };
    for Variable { name, values } in variables {
        if values.len() > 1 && !uses(name) {
            let count = values.len();
            let message = format!("the id is the same for {count} values of `{name}`");
            let finding = Finding::error("for_each", message)
                .help(format!("use the variable in the id: `${{{name}}}`"));
            reporter.at(vec![key("id")], finding);
        }
    }
}

/// Visits every string of an entry with its path.
fn each_text(room: &mut raw::Room, visit: &mut Visit<'_>) {
    let raw::Room {
        id,
        provider,
        providers,
        for_each: _,
        name,
        destroy_delay_time,
        attributes,
        close,
        owner,
        seat_template,
        take_seat_mode,
        max_seats: _,
        max_members: _,
        cover_url,
        category: _,
        activity_status: _,
        notice,
        muted: _,
        public: _,
        unlimited: _,
        lifecycle,
    } = room;
    let plain = [
        ("id", id),
        ("provider", provider),
        ("name", name),
        ("owner", owner),
        ("seat_template", seat_template),
        ("take_seat_mode", take_seat_mode),
        ("cover_url", cover_url),
        ("notice", notice),
    ];
    for (name, text) in plain {
        if let Some(Text(text)) = text {
            visit(&|| vec![key(name)], text);
        }
    }
    for (at, Text(text)) in providers.iter_mut().flatten().enumerate() {
        visit(&|| vec![key("providers"), index(at)], text);
    }
    if let Some(raw::Amount::Text(text)) = destroy_delay_time {
        visit(&|| vec![key("destroy_delay_time")], text);
    }
    if let Some(raw::Close { reason: Some(Text(text)), callback: _ }) = close {
        visit(&|| vec![key("close"), key("reason")], text);
    }
    if let Some(raw::Lifecycle {
        ignore_changes,
        prevent_destroy: _,
        on_remove: _,
        on_conflict: _,
    }) = lifecycle
    {
        for (at, Text(text)) in ignore_changes.iter_mut().flatten().enumerate() {
            visit(&|| vec![key("lifecycle"), key("ignore_changes"), index(at)], text);
        }
    }
    for (Text(name), value) in attributes.iter_mut().flat_map(|Pairs(pairs)| pairs) {
        let written = name.clone();
        let path = || vec![key("attributes"), key(&written)];
        visit(&path, name);
        match value {
            AttributeValue::Text(Text(text)) => visit(&path, text),
            AttributeValue::Full(FullAttribute { value, auto_delete: _ }) => {
                if let Some(Text(text)) = value {
                    visit(&path, text);
                }
            }
        }
    }
}

/// Visits the path of a string, and the string.
type Visit<'a> = dyn FnMut(&dyn Fn() -> Vec<PathSegment>, &mut Box<str>) + 'a;

/// The findings in the rooms of one entry: findings that differ only in the room are combined.
#[derive(Debug, Default)]
pub(super) struct EntryFindings {
    groups: Vec<Group>,
    /// The findings beyond those that are shown.
    rest: Diagnostics,
}

/// A finding in one or more rooms of an entry.
#[derive(Debug)]
struct Group {
    first: Diagnostic,
    number: usize,
    others: usize,
}

impl EntryFindings {
    /// Adds the findings in the room of this number.
    pub(super) fn add(&mut self, number: usize, found: Diagnostics) {
        let (kept, errors, warnings) = found.into_parts();
        for first in kept {
            self.join(Group { first, number, others: 0 });
        }
        self.rest.count_more(errors, warnings);
    }

    /// Adds the findings in later rooms.
    pub(super) fn extend(&mut self, later: Self) {
        let Self { groups, rest } = later;
        for group in groups {
            self.join(group);
        }
        self.rest.extend(rest);
    }

    fn join(&mut self, group: Group) {
        let is_same = |earlier: &&mut Group| {
            let (a, b) = (&earlier.first, &group.first);
            a.finding.code == b.finding.code && a.location == b.location
        };
        if let Some(same) = self.groups.iter_mut().find(is_same) {
            same.others += 1 + group.others;
        } else if self.groups.len() < SHOWN {
            self.groups.push(group);
        } else {
            self.rest.push(group.first);
        }
    }

    /// Returns the findings, each with the values of the first room.
    pub(super) fn into_diagnostics(self, entry: &Entry) -> Diagnostics {
        let Self { groups, rest } = self;
        let mut all = Diagnostics::default();
        for Group { first: Diagnostic { mut finding, location, first }, number, others } in groups {
            let values = entry.describe(number);
            let more = match others {
                0 => String::new(),
                1 => ", and 1 more room of the entry".to_owned(),
                _ => format!(", and {others} more rooms of the entry"),
            };
            finding.message = format!("{} ({values}{more})", finding.message);
            all.push(Diagnostic { finding, location, first });
        }
        all.extend(rest);
        all
    }
}
