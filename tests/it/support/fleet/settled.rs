//! Checks of a fleet after its runs: no room is lost, missing, created twice, or different from its
//! declaration.

use std::collections::BTreeSet;

use roomctl::model::{Desired, DesiredRoom, Field, Kind, Recorded, Room, RoomId, Value};

use super::{Edition, PEOPLE, maker, provider};
use crate::support::{AppStats, ClosingStats, LiveStats, RoomStats, World, at};

/// Checks that no room is lost, missing, created twice, or different from its declaration.
pub(crate) async fn settled(
    world: &World,
    desired: &Desired,
    edition: &Edition,
) -> Result<(), String> {
    no_orphans(world).await?;
    let recorded = world.recorded().await.map_err(|error| format!("unreadable: {error}"))?;
    check_recorded(desired, &recorded)?;
    for provider in desired.providers.values() {
        let kind = provider.kind();
        let stats = world.stats_of(kind);
        let rooms = desired.rooms.iter().filter(|room| room.address.provider == provider.name);
        let rooms: Vec<_> = rooms.collect();
        match maker(kind) {
            Some(maker) => {
                let created = stats.served(maker);
                if created != edition.created {
                    return Err(format!(
                        "{created} {kind} rooms were created, not {}",
                        edition.created
                    ));
                }
                check_declared(kind, &rooms, &stats)?;
            }
            None => check_closed(&rooms, &stats)?,
        }
    }
    Ok(())
}

/// Checks that every room of the services is recorded. Only runs create rooms in these tests.
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

/// Checks that the record contains exactly the declared rooms, and no open intent.
fn check_recorded(desired: &Desired, recorded: &Recorded) -> Result<(), String> {
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

/// Checks that the service has exactly the declared rooms.
fn check_declared(kind: Kind, rooms: &[&DesiredRoom], stats: &AppStats) -> Result<(), String> {
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

/// Returns whether a room at the service matches its declaration in all declared fields.
pub(crate) fn shows(declared: &Room, there: &RoomStats) -> bool {
    let matches_field =
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
        matches_field(Field::Owner, text(owner))
            && matches_field(Field::SeatTemplate, text(seat_template))
            && matches_field(Field::TakeSeatMode, text(take_seat_mode))
            && matches_field(Field::MaxSeats, Value::Number(*max_seats))
            && matches_field(Field::MaxMembers, Value::Number(*max_members))
            && matches_field(Field::Muted, Value::Flag(*muted))
            && matches_field(Field::Public, Value::Flag(*public))
            && matches_field(Field::Unlimited, Value::Flag(*unlimited))
            && matches_field(Field::CoverUrl, text(cover_url))
            && matches_field(Field::Notice, text(notice))
    });
    live && matches_field(Field::Name, text(there.name.as_deref().unwrap_or_default()))
        && there.attributes == declared.attributes
}

/// Checks that the declared RTC rooms still have their people, and that all others were closed with
/// their recorded settings.
fn check_closed(rooms: &[&DesiredRoom], stats: &AppStats) -> Result<(), String> {
    let declared: BTreeSet<_> = rooms.iter().map(|room| &room.address.room).collect();
    for (id, room) in &stats.rooms {
        if !declared.contains(id) || room.people != PEOPLE {
            return Err(format!("{id} has {} people", room.people));
        }
    }
    let expected = ClosingStats { reason: Some("first".to_owned()), callback: true };
    let wrong =
        |(id, closing): &(&RoomId, &ClosingStats)| declared.contains(id) || **closing != expected;
    match stats.closings.iter().find(wrong) {
        Some((id, closing)) => Err(format!("{id} was closed: {closing:?}")),
        None => Ok(()),
    }
}
