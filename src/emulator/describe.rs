//! What a stand-in says of itself.

use super::{Action, Settings, Share};

/// Says what is served and what it accepts, a line for each thing.
pub(super) fn describe(settings: &Settings) -> String {
    let mut lines = vec![apps(settings), "actions, each with its limit for one app:".to_owned()];
    lines.extend(Action::ALL.map(|action| one(settings, action)));
    lines.push(match settings.max_rooms {
        Some(most) => format!("rooms alive: {most} for each app at most"),
        None => "rooms alive: as many as you like".to_owned(),
    });
    lines.extend(bad_days(settings));
    lines.push(
        "from this machine also: POST /emulator/enter {room, users}, /emulator/leave {room}, \
         /emulator/advance {seconds}, with app_id where there are several"
            .to_owned(),
    );
    lines.join("\n")
}

fn apps(settings: &Settings) -> String {
    let ids: Vec<_> = settings.apps.iter().map(|app| app.app_id.to_string()).collect();
    format!("app ids: {}", ids.join(", "))
}

fn one(settings: &Settings, action: Action) -> String {
    let (method, limit) = (action.method(), settings.rate_limit(action));
    format!("  {:4} /?Action={action}  {limit} a second", method.as_str())
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
