//! The digest of what the files declare, independent of the order and paths of the files.

use crate::model::{
    Application, AttributeLimits, DesiredRoom, Digest, DigestEncoder, Endpoint, GateLimit, Moved,
    OnConflict, OnOccupied, OnVanish, Policy, Provider, Refresh,
};

use super::resolve::ResolvedHead;

/// Returns the digest of the providers, renames, policy and sorted rooms. Secrets and the locations of
/// secrets and state are left out.
pub(super) fn digest(head: &ResolvedHead, rooms: &[DesiredRoom]) -> Digest {
    let ResolvedHead { providers, declared: _, moved, policy, state: _, home: _ } = head;
    let mut encoder = DigestEncoder::new("roomctl config 3");
    encoder.list(providers.values(), write_provider);
    encoder.list(moved.iter(), |encoder, Moved { from, to }| {
        encoder.text(from.as_str());
        encoder.text(to.as_str());
    });
    write_policy(&mut encoder, policy);
    encoder.many(rooms, write_room);
    encoder.finish()
}

fn write_provider(encoder: &mut DigestEncoder, provider: &Provider) {
    let Provider {
        name,
        app_id,
        application,
        endpoint,
        host: _,
        secret: _,
        rate_limits,
        rate_share,
        max_rooms,
        limits,
    } = provider;
    encoder.text(name.as_str());
    write_application(encoder, application);
    encoder.number(u64::from(*app_id));
    match endpoint {
        Endpoint::Vendor => encoder.text("vendor"),
        Endpoint::Emulator => encoder.text("emulator"),
        Endpoint::Url(url) => encoder.text(url.as_url().as_str()),
    }
    encoder.list(rate_limits.iter(), |encoder, (call, limit)| {
        encoder.text(call.as_str());
        encoder.number(u64::from(*limit));
    });
    encoder.number(u64::from(rate_share.0));
    encoder.optional(*max_rooms, DigestEncoder::number);
    let AttributeLimits { attributes, key_bytes, value_bytes, total_bytes } = *limits;
    for limit in [attributes, key_bytes, value_bytes, total_bytes] {
        encoder.number(limit as u64);
    }
}

fn write_application(encoder: &mut DigestEncoder, application: &Application) {
    encoder.text(application.kind().as_str());
    encoder.optional(application.operator(), DigestEncoder::text);
    encoder.optional(application.is_test(), DigestEncoder::flag);
    let dissolve_after = application.dissolve_after();
    encoder.optional(dissolve_after, |encoder, span| encoder.number(span.as_secs()));
    let ownership = application.ownership();
    encoder.optional(ownership, |encoder, ownership| encoder.text(ownership.key()));
}

fn write_policy(encoder: &mut DigestEncoder, policy: &Policy) {
    let Policy { refresh, on_conflict, on_vanish, on_occupied, replace, max_destroy, max_recreate } =
        policy;
    encoder.text(match refresh {
        Refresh::Never => "never",
        Refresh::Due => "due",
        Refresh::All => "all",
    });
    encoder.text(match on_conflict {
        OnConflict::Fail => "fail",
        OnConflict::Adopt => "adopt",
    });
    encoder.text(match on_vanish {
        OnVanish::Recreate => "recreate",
        OnVanish::Ignore => "ignore",
    });
    encoder.text(match on_occupied {
        None => "by kind",
        Some(OnOccupied::Defer) => "defer",
        Some(OnOccupied::Destroy) => "destroy",
    });
    encoder.text(replace.as_str());
    for limit in [max_destroy, max_recreate] {
        let (is_count, number) = match limit {
            GateLimit::Count(count) => (true, *count),
            GateLimit::Percent(percent) => (false, u64::from(*percent)),
        };
        encoder.flag(is_count);
        encoder.number(number);
    }
}

fn write_room(encoder: &mut DigestEncoder, declared: &DesiredRoom) {
    let DesiredRoom {
        address,
        room,
        lifecycle,
        ignore_changes,
        on_conflict,
        sides,
        source,
        line: _,
    } = declared;
    encoder.address(address);
    encoder.room(room);
    encoder.lifecycle(*lifecycle);
    encoder.list(ignore_changes.iter(), |encoder, path| encoder.text(path));
    encoder.optional(*on_conflict, |encoder, it| encoder.text(it.as_str()));
    encoder.sides(sides);
    encoder.text(source);
}
