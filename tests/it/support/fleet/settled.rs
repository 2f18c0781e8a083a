//! What came of a fleet: rooms that are lost, missing, made twice, or not what was declared.

use std::collections::BTreeSet;

use roomctl::model::{Desired, DesiredRoom, Field, Kind, Recorded, Room, RoomId, Value};

use super::{Edition, PEOPLE, maker, provider};
use crate::support::{AppStats, ClosingStats, LiveStats, RoomStats, World, at};

/// Looks for rooms that are lost, missing or made twice.
pub(crate) async fn settled(
    world: &World,
    desired: &Desired,
    edition: &Edition,
) -> Result<(), String> {
    no_orphans(world).await?;
    let recorded = world.recorded().await.map_err(|error| format!("unreadable: {error}"))?;
    as_recorded(desired, &recorded)?;
    for provider in desired.providers.values() {
        let kind = provider.kind();
        let stats = world.stats_of(kind);
        let rooms = desired.rooms.iter().filter(|room| room.address.provider == provider.name);
        let rooms: Vec<_> = rooms.collect();
        match maker(kind) {
            Some(maker) => {
                let made = stats.served(maker);
                if made != edition.made {
                    return Err(format!("{made} {kind} rooms were made, not {}", edition.made));
                }
                as_declared(kind, &rooms, &stats)?;
            }
            None => closed_as_declared(&rooms, &stats)?,
        }
    }
    Ok(())
}

/// Whether every room that is alive is recorded: nobody but us made any.
pub(crate) async fn no_orphans(world: &World) -> Result<(), String> {
    let recorded = world.recorded().await.map_err(|error| format!("unreadable: {error}"))?;
    for kind in Kind::ALL {
        let alive = world.stats_of(*kind).rooms.into_keys();
        let alive = alive.map(|id| at(provider(*kind), id.as_str()));
        let orphans: Vec<_> = alive.filter(|it| !recorded.rooms.contains_key(it)).collect();
        if !orphans.is_empty() {
            return Err(format!("orphans: {orphans:?}"));
        }
    }
    Ok(())
}

/// Returns whether the record holds what is declared, nothing more, and nothing is open.
fn as_recorded(desired: &Desired, recorded: &Recorded) -> Result<(), String> {
    let open = recorded.rooms.iter().filter(|(_, room)| room.pending.is_some());
    let open: Vec<_> = open.map(|(address, _)| address).collect();
    if !open.is_empty() {
        return Err(format!("open: {open:?}"));
    }
    for declared in &desired.rooms {
        let record = recorded.rooms.get(&declared.address);
        let record = record.ok_or_else(|| format!("{} is not recorded", declared.address))?;
        if record.room != declared.room {
            return Err(format!("{} is recorded as {:?}", declared.address, record.room));
        }
    }
    let (declared, recorded) = (desired.rooms.len(), recorded.rooms.len());
    let same = declared == recorded;
    same.then_some(()).ok_or_else(|| format!("{declared} declared, {recorded} recorded"))
}

/// Returns whether the service holds what is declared and nothing more.
fn as_declared(kind: Kind, rooms: &[&DesiredRoom], stats: &AppStats) -> Result<(), String> {
    for declared in rooms {
        let there = stats.rooms.get(&declared.address.room);
        let there = there.ok_or_else(|| format!("{} is not there", declared.address))?;
        if !shows(&declared.room, there) {
            return Err(format!("{} is {there:?}", declared.address));
        }
    }
    let (declared, alive) = (rooms.len(), stats.rooms.len());
    let same = declared == alive;
    same.then_some(()).ok_or_else(|| format!("{declared} {kind} rooms declared, {alive} alive"))
}

/// Returns whether a room at the service is what is declared, as far as that goes.
pub(crate) fn shows(declared: &Room, there: &RoomStats) -> bool {
    let told =
        |field: Field, there: Value| declared.value(field).is_none_or(|it| it == there.by_ref());
    let text = |text: &str| Value::Text(text.into());
    let live = there.live.as_ref().is_none_or(|live| {
        let LiveStats {
            owner,
            seat_template,
            take_seat_mode,
            max_seats,
            max_members,
            muted,
            public,
            unlimited,
            cover_url,
            category: _,
            activity_status: _,
            notice,
            created: _,
        } = live;
        told(Field::Owner, text(owner))
            && told(Field::SeatTemplate, text(seat_template))
            && told(Field::TakeSeatMode, text(take_seat_mode))
            && told(Field::MaxSeats, Value::Number(*max_seats))
            && told(Field::MaxMembers, Value::Number(*max_members))
            && told(Field::Muted, Value::Flag(*muted))
            && told(Field::Public, Value::Flag(*public))
            && told(Field::Unlimited, Value::Flag(*unlimited))
            && told(Field::CoverUrl, text(cover_url))
            && told(Field::Notice, text(notice))
    });
    live && told(Field::Name, text(there.name.as_deref().unwrap_or_default()))
        && there.attributes == declared.attributes
}

/// Whether the rooms that only users make are as they left them, but for those that are no longer
/// declared: these were closed, with what was recorded of them.
fn closed_as_declared(rooms: &[&DesiredRoom], stats: &AppStats) -> Result<(), String> {
    let declared: BTreeSet<_> = rooms.iter().map(|room| &room.address.room).collect();
    for (id, room) in &stats.rooms {
        if !declared.contains(id) || room.people != PEOPLE {
            return Err(format!("{id} has {} people", room.people));
        }
    }
    let told = ClosingStats { reason: Some("first".to_owned()), callback: true };
    let wrong =
        |(id, closing): &(&RoomId, &ClosingStats)| declared.contains(id) || **closing != told;
    match stats.closings.iter().find(wrong) {
        Some((id, closing)) => Err(format!("{id} was closed: {closing:?}")),
        None => Ok(()),
    }
}
