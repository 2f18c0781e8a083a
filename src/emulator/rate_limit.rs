//! The rate limits: calls of each action in a sliding second, and creates of one live room.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::action::{Action, AppKey};

const WINDOW: Duration = Duration::from_secs(1);

/// Whether a call is within its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Admitted,
    TooOften,
}

/// The calls of each application and action that were admitted in the last second.
#[derive(Debug, Default)]
pub(super) struct CallLimiter(BTreeMap<(AppKey, Action), VecDeque<Instant>>);

impl CallLimiter {
    /// Admits a call if fewer than `limit` calls were admitted in the second before `at`. A refused call
    /// does not count towards the limit.
    pub(super) fn admit(
        &mut self,
        app: AppKey,
        action: Action,
        limit: u32,
        at: Instant,
    ) -> Admission {
        let admitted = self.0.entry((app, action)).or_default();
        while admitted.front().is_some_and(|first| at.duration_since(*first) >= WINDOW) {
            admitted.pop_front();
        }
        if admitted.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Admission::TooOften;
        }
        admitted.push_back(at);
        Admission::Admitted
    }
}

/// The live rooms whose create was admitted in the last second.
#[derive(Debug, Default)]
pub(super) struct CreateLimiter {
    rooms: BTreeSet<(u32, String)>,
    order: VecDeque<(Instant, u32, String)>,
}

impl CreateLimiter {
    /// Admits a create if none of the same room was admitted in the second before `at`. A create that this
    /// limiter refuses does not count.
    pub(super) fn admit(&mut self, app: u32, id: &str, at: Instant) -> Admission {
        while self.order.front().is_some_and(|(then, _, _)| at.duration_since(*then) >= WINDOW) {
            if let Some((_, app, id)) = self.order.pop_front() {
                self.rooms.remove(&(app, id));
            }
        }
        if !self.rooms.insert((app, id.to_owned())) {
            return Admission::TooOften;
        }
        self.order.push_back((at, app, id.to_owned()));
        Admission::Admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    const APP: AppKey = (Kind::Zim, 1);
    const ACTION: Action = Action::CreateRoom;

    #[tokio::test(start_paused = true)]
    async fn calls_over_the_limit_in_a_sliding_second_are_refused() {
        let start = Instant::now();
        let mut limiter = CallLimiter::default();
        let mut at = |millis| limiter.admit(APP, ACTION, 20, start + Duration::from_millis(millis));
        for _ in 0..10 {
            assert_eq!(at(0), Admission::Admitted);
        }
        for _ in 0..10 {
            assert_eq!(at(900), Admission::Admitted);
        }
        assert_eq!(at(999), Admission::TooOften);
        for _ in 0..10 {
            assert_eq!(at(1000), Admission::Admitted);
        }
        assert_eq!(at(1000), Admission::TooOften);
        assert_eq!(at(1899), Admission::TooOften);
        assert_eq!(at(1900), Admission::Admitted);
    }

    #[tokio::test(start_paused = true)]
    async fn each_action_and_application_has_its_own_limit() {
        let now = Instant::now();
        let mut limiter = CallLimiter::default();
        assert_eq!(limiter.admit(APP, ACTION, 1, now), Admission::Admitted);
        assert_eq!(limiter.admit(APP, ACTION, 1, now), Admission::TooOften);
        assert_eq!(limiter.admit(APP, Action::DestroyRoom, 1, now), Admission::Admitted);
        assert_eq!(limiter.admit((Kind::Zim, 2), ACTION, 1, now), Admission::Admitted);
    }
}
