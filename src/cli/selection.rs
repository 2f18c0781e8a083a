//! Selects recorded rooms by the addresses and globs of a command line.

use std::collections::BTreeMap;

use globset::{Glob, GlobMatcher};

use super::exit::Stopped;
use crate::model::{Address, AddressError, Recorded, RecordedRoom};

/// Recorded rooms, in the order of their addresses.
pub(super) type Selected<'a> = BTreeMap<&'a Address, &'a RecordedRoom>;

/// Selects the recorded rooms that match any of the patterns; all of them if there is no pattern.
///
/// An exact address takes precedence over a glob, since room ids may contain `?` and `[`. In a glob, `*`
/// also matches `/`.
///
/// # Errors
/// Returns the first pattern that is neither a glob nor an address, or that matches no room.
pub(super) fn select<'a>(
    patterns: &[String],
    recorded: &'a Recorded,
) -> Result<Selected<'a>, Stopped> {
    if patterns.is_empty() {
        return Ok(recorded.rooms.iter().collect());
    }
    let mut selected = BTreeMap::new();
    for pattern in patterns {
        match exact(pattern, recorded) {
            Some((address, room)) => drop(selected.insert(address, room)),
            None => selected.extend(matching(pattern, recorded)?),
        }
    }
    Ok(selected)
}

/// The recorded room whose address equals a pattern.
pub(super) fn exact<'a>(
    pattern: &str,
    recorded: &'a Recorded,
) -> Option<(&'a Address, &'a RecordedRoom)> {
    recorded.rooms.get_key_value(&pattern.parse().ok()?)
}

fn matching<'a>(pattern: &str, recorded: &'a Recorded) -> Result<Selected<'a>, Stopped> {
    let Some(glob) = glob(pattern)? else {
        let words =
            format!("{pattern} is not recorded: `roomctl state list` lists the recorded rooms");
        return Err(Stopped::failed("not_recorded", words));
    };
    let rooms = recorded.rooms.iter();
    let found: Selected<'_> =
        rooms.filter(|(address, _)| glob.is_match(address.to_string())).collect();
    if found.is_empty() {
        let words =
            format!("`{pattern}` matches no recorded room: `roomctl state list` lists them");
        return Err(Stopped::failed("not_recorded", words));
    }
    Ok(found)
}

/// Compiles a pattern as a glob; `None` if it is an address.
fn glob(pattern: &str) -> Result<Option<GlobMatcher>, Stopped> {
    if !pattern.contains(['*', '?', '[', '{']) {
        let address: Result<Address, AddressError> = pattern.parse();
        return address.map(|_| None).map_err(Stopped::usage);
    }
    let glob = Glob::new(pattern)
        .map_err(|error| Stopped::usage(format!("invalid glob `{pattern}`: {}", error.kind())))?;
    Ok(Some(glob.compile_matcher()))
}
