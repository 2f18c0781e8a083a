//! Groups: steps with the same change, and rooms with the same cause.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use rayon::prelude::*;

use super::escape::{Plain, ShellWord};
use super::notes::Notes;
use super::{Layout, fields};
use crate::model::{Action, Address, Step};

/// The number of listed addresses of a group.
const LISTED: usize = 10;

/// The placeholder for the address in the text of a group.
const ADDRESS: &str = "ADDRESS";

/// The groups of a plan's steps. Destroys are never grouped.
pub(super) struct StepGroups {
    /// For each step, whether it belongs to the group of the previous step; empty if nothing is
    /// grouped.
    continues: Vec<bool>,
}

/// Items with the same cause, sorted by address.
pub(super) struct CauseGroup<'a, T> {
    /// The first item.
    pub(super) first: &'a T,
    /// The addresses of all items, including the first.
    pub(super) addresses: Vec<&'a Address>,
}

/// The subject of a text: one room, or each room of a group.
#[derive(Clone, Copy)]
pub(super) enum Subject<'a> {
    One(&'a Address),
    Each,
}

impl StepGroups {
    /// Groups steps of one action with the same change, if they are adjacent both in the list and by
    /// address.
    pub(super) fn of(steps: &[Step], layout: Layout) -> Self {
        let continues = match layout {
            Layout::Grouped => continuations(steps),
            Layout::Full | Layout::Diff => Vec::new(),
        };
        Self { continues }
    }

    /// Returns the group that starts at a step, or `None` if the step belongs to an earlier one.
    pub(super) fn starting_at(&self, start: usize) -> Option<Range<usize>> {
        let continues = |at: usize| self.continues.get(at..).unwrap_or_default().iter();
        let continues_group = continues(start).next().copied().unwrap_or(false);
        let others = || continues(start + 1).take_while(|it| **it).count();
        (!continues_group).then(|| start..start + 1 + others())
    }
}

fn continuations(steps: &[Step]) -> Vec<bool> {
    let ranks = ranks(steps);
    let are_neighbours = |at: usize| match &ranks {
        None => true,
        Some(ranks) => ranks[at - 1] + 1 == ranks[at],
    };
    let continues =
        |at: usize| at > 0 && are_neighbours(at) && has_same_change(&steps[at - 1], &steps[at]);
    (0..steps.len()).into_par_iter().with_min_len(1024).map(continues).collect()
}

/// Returns each step's rank by address, or `None` if the steps are sorted by address.
fn ranks(steps: &[Step]) -> Option<Vec<usize>> {
    if steps.is_sorted_by(|one, other| one.address <= other.address) {
        return None;
    }
    let mut order: Vec<usize> = (0..steps.len()).collect();
    order.sort_by_key(|at| &steps[*at].address);
    let mut ranks = vec![0; steps.len()];
    for (rank, at) in order.into_iter().enumerate() {
        ranks[at] = rank;
    }
    Some(ranks)
}

fn has_same_change(one: &Step, other: &Step) -> bool {
    (one.action, one.reason) == (other.action, other.reason)
        && one.action != Action::Destroy
        && fields::are_same(one, other)
        && Notes::of(one) == Notes::of(other)
}

/// Sorts items by address, and groups those with the same `cause`.
pub(super) fn by_cause<'a, T, C: Ord>(
    items: impl IntoIterator<Item = &'a T>,
    layout: Layout,
    address: fn(&T) -> &Address,
    cause: impl Fn(&T) -> C,
) -> Vec<CauseGroup<'a, T>> {
    let mut items: Vec<&T> = items.into_iter().collect();
    items.sort_by_key(|item| address(item));
    let mut groups: Vec<CauseGroup<'_, T>> = Vec::new();
    let mut known = BTreeMap::new();
    for item in items {
        let at = match layout {
            Layout::Grouped => *known.entry(cause(item)).or_insert(groups.len()),
            Layout::Full | Layout::Diff => groups.len(),
        };
        match groups.get_mut(at) {
            Some(group) => group.addresses.push(address(item)),
            None => groups.push(CauseGroup { first: item, addresses: vec![address(item)] }),
        }
    }
    groups
}

/// Returns a message without the address of its room and the ids of requests.
pub(super) fn without_room(message: &str, address: &Address) -> String {
    without_requests(&without_address(message, &address.to_string()))
}

/// Replaces an address by `ADDRESS`, unless it is a part of a longer one.
fn without_address(message: &str, address: &str) -> String {
    let belongs_to_id = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let (mut text, mut rest) = (String::with_capacity(message.len()), message);
    while let Some(at) = rest.find(address) {
        let (before, after) = (&rest[..at], &rest[at + address.len()..]);
        let is_longer = before.ends_with(belongs_to_id) || after.starts_with(belongs_to_id);
        text.push_str(before);
        text.push_str(if is_longer { address } else { ADDRESS });
        rest = after;
    }
    text + rest
}

/// Removes ` (request ID)` and `, request ID` before a closing parenthesis from a message.
fn without_requests(message: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(message.len()), message);
    while let Some((before, after)) = rest.split_once("request ") {
        let id = after.find(')');
        let (kept, end) = match (before.strip_suffix(" ("), before.strip_suffix(", "), id) {
            (Some(kept), _, Some(id)) => (kept, id + 1),
            (None, Some(kept), Some(id)) => (kept, id),
            (_, _, None) | (None, None, Some(_)) => (&rest[..before.len() + "request ".len()], 0),
        };
        text.push_str(kept);
        rest = &after[end..];
    }
    text + rest
}

/// Lists the first addresses, and the number of the others.
pub(super) fn listed(addresses: &[&Address], layout: Layout) -> String {
    let shown = match layout {
        Layout::Grouped => LISTED,
        Layout::Full | Layout::Diff => addresses.len(),
    };
    let first = addresses.iter().take(shown).map(|address| Plain(address).to_string());
    let text = first.collect::<Vec<_>>().join(", ");
    match addresses.len().saturating_sub(shown) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

impl<'a, T> CauseGroup<'a, T> {
    /// Returns the subject of the group's text.
    pub(super) fn subject(&self) -> Subject<'a> {
        match self.addresses.as_slice() {
            [address] => Subject::One(address),
            _ => Subject::Each,
        }
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(address) => ShellWord(address).fmt(f),
            Self::Each => f.write_str(ADDRESS),
        }
    }
}
