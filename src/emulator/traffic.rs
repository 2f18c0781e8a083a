//! How often each action is called: the sliding second, and what the tests count.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::Action;

/// The calls of one application.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    calls: BTreeMap<Action, Calls>,
    /// The most rooms that were alive at once.
    pub(super) most_rooms: u64,
}

/// The calls of one action.
#[derive(Debug, Default)]
pub(super) struct Calls {
    let_through: VecDeque<Instant>,
    pub(super) arrivals: VecDeque<Instant>,
    pub(super) answers: BTreeMap<i64, u64>,
}

/// Whether a call is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    Free,
    TooOften,
}

const WINDOW: Duration = Duration::from_secs(1);

/// More arrivals than one application can make rooms in their longest life; older ones are forgotten.
const REMEMBERED: usize = 1 << 18;

impl Traffic {
    /// Counts a call where it arrives, and lets it through where fewer than `limit` were in the second
    /// that ends now. A refused call does not count towards the limit.
    pub(super) fn arrive(&mut self, action: Action, limit: u32, at: Instant) -> Passage {
        let Calls { let_through, arrivals, answers: _ } = self.calls.entry(action).or_default();
        if arrivals.len() == REMEMBERED {
            arrivals.pop_front();
        }
        arrivals.push_back(at);
        while let_through.front().is_some_and(|first| at.duration_since(*first) >= WINDOW) {
            let_through.pop_front();
        }
        if let_through.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Passage::TooOften;
        }
        let_through.push_back(at);
        Passage::Free
    }

    /// Counts an answer.
    pub(super) fn answered(&mut self, action: Action, code: i64) {
        let calls = self.calls.entry(action).or_default();
        *calls.answers.entry(code).or_default() += 1;
    }

    /// The calls of every action that was called.
    pub(super) fn calls(&self) -> &BTreeMap<Action, Calls> {
        &self.calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTION: Action = Action::CreateRoom;

    #[tokio::test(start_paused = true)]
    async fn twenty_in_any_second_and_not_one_more() {
        let start = Instant::now();
        let mut traffic = Traffic::default();
        let mut at = |millis| traffic.arrive(ACTION, 20, start + Duration::from_millis(millis));
        for _ in 0..10 {
            assert_eq!(at(0), Passage::Free);
        }
        for _ in 0..10 {
            assert_eq!(at(900), Passage::Free);
        }
        assert_eq!(at(999), Passage::TooOften);
        for _ in 0..10 {
            assert_eq!(at(1000), Passage::Free);
        }
        assert_eq!(at(1000), Passage::TooOften);
        assert_eq!(at(1899), Passage::TooOften);
        assert_eq!(at(1900), Passage::Free);
    }

    #[tokio::test(start_paused = true)]
    async fn each_action_has_a_limit_of_its_own() {
        let now = Instant::now();
        let mut traffic = Traffic::default();
        assert_eq!(traffic.arrive(ACTION, 1, now), Passage::Free);
        assert_eq!(traffic.arrive(ACTION, 1, now), Passage::TooOften);
        assert_eq!(traffic.arrive(Action::DestroyRoom, 1, now), Passage::Free);
        assert_eq!(traffic.calls()[&ACTION].arrivals.len(), 2);
    }
}
