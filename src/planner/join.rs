//! Joins what is declared, recorded and observed, in the order of the addresses.

use std::cmp::Ordering;
use std::collections::btree_map;
use std::iter::Peekable;
use std::slice;

use crate::model::{Address, Desired, DesiredRoom, Observation, Observed, Recorded, RecordedRoom};

/// One address with what is declared, recorded and observed; at least one of them is set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) address: &'a Address,
    pub(super) desired: Option<&'a DesiredRoom>,
    pub(super) recorded: Option<&'a RecordedRoom>,
    pub(super) observation: Option<&'a Observation>,
}

/// A merge of three sorted lists: linear in the number of rooms, and its result is sorted.
pub(super) struct Join<'a> {
    desired: Peekable<slice::Iter<'a, DesiredRoom>>,
    recorded: Peekable<btree_map::Iter<'a, Address, RecordedRoom>>,
    observed: Peekable<btree_map::Iter<'a, Address, Observation>>,
}

impl<'a> Join<'a> {
    pub(super) fn new(
        desired: &'a Desired,
        recorded: &'a Recorded,
        observed: &'a Observed,
    ) -> Self {
        Self {
            desired: desired.rooms.iter().peekable(),
            recorded: recorded.rooms.iter().peekable(),
            observed: observed.rooms.iter().peekable(),
        }
    }

    /// Returns the next address, and which of the three lists have it.
    fn least(&mut self) -> Option<(&'a Address, [bool; 3])> {
        let heads = [
            self.desired.peek().map(|room| &room.address),
            self.recorded.peek().map(|(address, _)| *address),
            self.observed.peek().map(|(address, _)| *address),
        ];
        let mut least: Option<&Address> = None;
        let mut have = [false; 3];
        for (n, head) in heads.into_iter().enumerate() {
            let Some(head) = head else { continue };
            match least.map_or(Ordering::Less, |least| head.cmp(least)) {
                Ordering::Less => (least, have) = (Some(head), [n == 0, n == 1, n == 2]),
                Ordering::Equal => have[n] = true,
                Ordering::Greater => {}
            }
        }
        least.map(|least| (least, have))
    }
}

impl<'a> Iterator for Join<'a> {
    type Item = Row<'a>;

    fn next(&mut self) -> Option<Row<'a>> {
        let (address, [desired, recorded, observed]) = self.least()?;
        Some(Row {
            address,
            desired: self.desired.next_if(|_| desired),
            recorded: self.recorded.next_if(|_| recorded).map(|(_, room)| room),
            observation: self.observed.next_if(|_| observed).map(|(_, seen)| seen),
        })
    }
}
