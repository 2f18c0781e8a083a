//! Parsers of values.

use std::convert::Infallible;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::model::{Delay, Kind, Refresh};

/// The refresh modes by name, each with what it looks up.
pub(super) fn refresh_modes() -> impl TypedValueParser<Value = Refresh> {
    let about = |mode| match mode {
        Refresh::Never => "No rooms",
        Refresh::Due => "Rooms whose earliest end has passed",
        Refresh::All => "Every room",
    };
    let value = |mode: &Refresh| PossibleValue::new(mode.as_str()).help(about(*mode));
    let named = |name: String| Refresh::ALL.iter().copied().find(|mode| mode.as_str() == name);
    PossibleValuesParser::new(Refresh::ALL.iter().map(value))
        .try_map(move |name| named(name).ok_or("unknown refresh mode"))
}

/// The kinds by name, each with a word on what it is.
pub(super) fn kinds() -> impl TypedValueParser<Value = Kind> {
    let value = |kind: &Kind| PossibleValue::new(kind.as_str()).help(kind.spec().about);
    let named = |name: String| Kind::ALL.iter().copied().find(|kind| kind.as_str() == name);
    PossibleValuesParser::new(Kind::ALL.iter().map(value))
        .try_map(move |name| named(name).ok_or("unknown kind"))
}

pub(super) fn span(text: &str) -> Result<Duration, String> {
    text.parse::<Delay>().map(Delay::as_duration).map_err(|error| error.to_string())
}

/// Refuses a flag that a later version has.
pub(super) fn not_built(_: &str) -> Result<Infallible, &'static str> {
    Err("this flag is not built yet: remove it")
}

pub(super) fn time_limit(text: &str) -> Result<Duration, String> {
    match span(text)? {
        Duration::ZERO => Err("expected at least 1 s".to_owned()),
        limit => Ok(limit),
    }
}

pub(super) fn fine_span(text: &str) -> Result<Duration, String> {
    if let Some(digits) = text.strip_suffix("ms") {
        let millis = digits.parse().map_err(|_| "write milliseconds as `50ms`".to_owned())?;
        return Ok(Duration::from_millis(millis));
    }
    span(text)
}
