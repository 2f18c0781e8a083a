//! What a stand-in says of itself.

use crate::model::Kind;

use super::{Action, Settings, Share};

/// Says what is served and what it accepts, a line for each thing.
pub(super) fn describe(settings: &Settings) -> String {
    let mut lines: Vec<String> =
        Kind::ALL.iter().flat_map(|kind| service(settings, *kind)).collect();
    lines.extend(bad_days(settings));
    lines.push(
        "from this machine also: POST /emulator/enter {room, users}, /emulator/leave {room}, \
         /emulator/advance {seconds}, with app_id and kind where there are several"
            .to_owned(),
    );
    lines.join("\n")
}

/// What is served of one kind: its applications, its actions and its limits.
fn service(settings: &Settings, kind: Kind) -> Vec<String> {
    let apps = settings.apps.iter().filter(|app| app.kind == kind);
    let ids: Vec<_> = apps.map(|app| app.app_id.to_string()).collect();
    if ids.is_empty() {
        return Vec::new();
    }
    let actions = Action::ALL.into_iter().filter(|action| action.kind() == kind);
    let head =
        format!("{kind}, app ids: {}; actions, each with its limit for one app:", ids.join(", "));
    let mut lines = vec![head];
    lines.extend(actions.map(|action| one(settings, action)));
    lines.push(match (kind, settings.max_rooms) {
        (Kind::Rtc, _) => "  rooms: each as long as people are inside".to_owned(),
        (Kind::Zim, Some(most)) => format!("  rooms alive: {most} for each app at most"),
        (Kind::Zim, None) => "  rooms alive: as many as you like".to_owned(),
        (Kind::TencentLive, _) => "  one room id is created once a second".to_owned(),
    });
    lines
}

fn one(settings: &Settings, action: Action) -> String {
    let (method, limit) = (action.method(), settings.rate_limit(action));
    format!("  {:4} {}  {limit} a second", method.as_str(), action.place())
}

fn bad_days(settings: &Settings) -> Option<String> {
    let (latency, jitter) = (settings.latency, settings.jitter);
    let slow = !latency.is_zero() || !jitter.is_zero();
    let mut told: Vec<String> = slow
        .then(|| format!("{latency:?} of latency, up to {jitter:?} more"))
        .into_iter()
        .collect();
    let share = |share: Share| share.as_fraction() * 100.0;
    told.extend(
        settings.faults.iter().map(|one| format!("{} in {:.1}%", one.fault, share(one.share))),
    );
    (!told.is_empty()).then(|| format!("bad days: {}", told.join(", ")))
}
