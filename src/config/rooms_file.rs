//! Writes a file of existing rooms, for `import --generate`.

use std::fmt::{self, Write};

use crate::model::{
    Attribute, Attributes, Field, Finding, Kind, ProviderName, Room, RoomId, Value, ValueRef,
};

use super::raw::RawValue;
use super::secrets::names_secret;
use super::values::{field_error, id_error};

/// A file of rooms, without `providers`, to be used together with the file that declares them.
#[derive(Clone, Debug)]
pub struct RoomsFile<'a> {
    /// The provider of the rooms.
    pub provider: &'a ProviderName,
    /// Its kind.
    pub kind: Kind,
    /// The key of its ownership attribute, which no room declares.
    pub ownership_key: Option<&'a str>,
    /// The rooms, as far as the service reports them.
    pub rooms: Vec<(&'a RoomId, &'a Room)>,
    /// Ids that are not rooms of the file, grouped by reason. They are written as comments.
    pub others: Vec<(&'static str, Vec<&'a RoomId>)>,
}

/// Returns why an id is not valid for a room of this kind; `None` if the service accepts it.
#[must_use]
pub fn room_id_error(kind: Kind, id: &str) -> Option<Finding> {
    let message = id_error(kind, id)?;
    Some(Finding::error("room_id", format!("the id {message}")).help(kind.spec().room_id.help))
}

/// The delay that is assumed: the longest that the service accepts.
const ASSUMED_DELAY: &str = "3h";

impl fmt::Display for RoomsFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, kind, ownership_key, rooms, others } = self;
        writeln!(
            f,
            "# Existing rooms, from `roomctl import --generate`. Use it together with the file that has"
        )?;
        writeln!(f, "# `providers`: roomctl -f rooms.yaml -f THIS import --all-declared")?;
        writeln!(f, "version: 1")?;
        writeln!(f, "defaults:\n  provider: {}", Quoted(provider.as_str()))?;
        if kind.holds(Field::DestroyDelayTime) {
            writeln!(f, "  # Assumed: the service does not report how long an empty room lives.")?;
            writeln!(f, "  destroy_delay_time: {ASSUMED_DELAY}")?;
        }
        writeln!(f, "rooms:{}", if rooms.is_empty() { " []" } else { "" })?;
        for (id, room) in rooms {
            writeln!(f, "  - id: {}", Quoted(id.as_str()))?;
            for field in kind.fields() {
                match room.value(field).map(ValueRef::to_value) {
                    None => {}
                    Some(Value::Attributes(mut attributes)) => {
                        ownership_key.map(|key| attributes.remove(key));
                        write_attributes(f, &attributes)?;
                    }
                    Some(value) => write_field(f, *kind, field, &value)?,
                }
            }
        }
        for (reason, ids) in others {
            if !ids.is_empty() {
                writeln!(f, "# {reason}:")?;
            }
            for id in ids {
                writeln!(f, "#   {}", Quoted(id.as_str()))?;
            }
        }
        Ok(())
    }
}

/// Writes a field, or a comment if the file cannot declare its value.
fn write_field(f: &mut fmt::Formatter<'_>, kind: Kind, field: Field, value: &Value) -> fmt::Result {
    let numbers: Vec<u64>;
    let (raw, text) = match value {
        Value::Text(text) => (RawValue::Text(text), Quoted(text).to_string()),
        Value::Number(number) => (RawValue::Number(u64::from(*number)), number.to_string()),
        Value::Flag(flag) => (RawValue::Flag(*flag), flag.to_string()),
        Value::Numbers(all) => {
            numbers = all.iter().map(|number| u64::from(*number)).collect();
            (RawValue::Numbers(&numbers), format!("{numbers:?}"))
        }
        // The delay is never reported, and attributes are written elsewhere.
        Value::Delay(_) | Value::Attributes(_) => return Ok(()),
    };
    if field_error(kind, field, raw).is_some() {
        return writeln!(f, "    # `{field}` is left out: its value cannot be declared");
    }
    match field.as_str().split_once('.') {
        None => writeln!(f, "    {field}: {text}"),
        Some((outer, inner)) => writeln!(f, "    {outer}: {{{inner}: {text}}}"),
    }
}

fn write_attributes(f: &mut fmt::Formatter<'_>, attributes: &Attributes) -> fmt::Result {
    let can_be_declared = |key: &str| !key.is_empty() && !names_secret(key);
    for (key, _) in attributes.iter().filter(|(key, _)| !can_be_declared(key)) {
        writeln!(f, "    # the attribute {} is left out: it cannot be declared", Quoted(key))?;
    }
    let mut declared = attributes.iter().filter(|(key, _)| can_be_declared(key)).peekable();
    if declared.peek().is_some() {
        writeln!(f, "    attributes:")?;
    }
    for (key, Attribute { value, auto_delete }) in declared {
        let (key, value) = (Quoted(key), Quoted(value));
        if *auto_delete {
            writeln!(f, "      {key}: {{value: {value}, auto_delete: true}}")?;
        } else {
            writeln!(f, "      {key}: {value}")?;
        }
    }
    Ok(())
}

/// A text as a YAML scalar in double quotes, on one line, with any characters.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                '\r' => f.write_str("\\r")?,
                '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                    write!(f, "\\u{:04X}", u32::from(character))?;
                }
                other if other.is_control() => write!(f, "\\u{:04X}", u32::from(other))?,
                other => f.write_char(other)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::config::decode::{parse_grouped, parse_whole};
    use crate::config::{decode::GROUP, load};

    const HEAD: &str = "version: 1\nproviders:\n  chat: {kind: zim, app_id: 1, operator: admin}\n  live: {kind: tencent-live, app_id: 1, operator: admin}\n";

    fn provider() -> ProviderName {
        ProviderName::new("chat").expect("a name")
    }

    #[test]
    fn values_that_cannot_be_declared_are_left_out_with_a_comment() {
        let attribute = |value: &str| Attribute { value: value.into(), auto_delete: false };
        let attributes = [
            ("by", attribute("7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44")),
            ("server_secret", attribute("x")),
            ("topic", attribute("a\n\"b\"")),
        ];
        let room = Room { attributes: attributes.into_iter().collect(), ..Room::default() };
        let (lobby, gone) = (RoomId::new("lobby"), RoomId::new("gone"));
        let provider = provider();
        let file = RoomsFile {
            provider: &provider,
            kind: Kind::Zim,
            ownership_key: Some("by"),
            rooms: vec![(&lobby, &room)],
            others: vec![("Not there", vec![&gone])],
        };
        insta::assert_snapshot!(file.to_string());
    }

    #[test]
    fn a_file_without_rooms_is_valid() {
        let provider = provider();
        let (rooms, others) = (Vec::new(), Vec::new());
        let (kind, ownership_key) = (Kind::Rtc, None);
        let file = RoomsFile { provider: &provider, kind, ownership_key, rooms, others };
        assert_eq!(parse_whole(&file.to_string()).expect("a file").rooms, Some(Vec::new()));
    }

    fn attributes() -> impl Strategy<Value = BTreeMap<String, (String, bool)>> {
        prop::collection::btree_map(any::<String>(), (any::<String>(), any::<bool>()), 0..4)
    }

    proptest! {
        #[test]
        fn a_written_file_loads_with_equal_rooms(all in prop::collection::vec(attributes(), 0..4)) {
            let room = |pairs: &BTreeMap<String, (String, bool)>| {
                let attribute = |(value, auto_delete): &(String, bool)| {
                    Attribute { value: value.as_str().into(), auto_delete: *auto_delete }
                };
                let kept = pairs.iter().filter(|(key, _)| !key.is_empty() && !names_secret(key));
                kept.map(|(key, it)| (key.as_str(), attribute(it))).collect::<Attributes>()
            };
            let rooms: Vec<(RoomId, Room)> = all.iter().enumerate().map(|(at, pairs)| {
                let room = Room { attributes: room(pairs), ..Room::default() };
                (RoomId::new(&format!("r{at}")), room)
            }).collect();
            let provider = provider();
            let text = RoomsFile {
                provider: &provider,
                kind: Kind::Zim,
                ownership_key: None,
                rooms: rooms.iter().map(|(id, room)| (id, room)).collect(),
                others: Vec::new(),
            }.to_string();
            let folder = tempfile::tempdir().expect("a folder");
            let limits = "limits: {attributes: 99, key_bytes: 9999, value_bytes: 9999, total_bytes: 99999}";
            let head = HEAD.replacen("operator: admin", &format!("operator: admin, {limits}"), 1);
            let paths = [("rooms.yaml", head + "rooms: []\n"), ("made.yaml", text.clone())].map(|(name, text)| {
                let path = folder.path().join(name);
                let written = std::fs::File::create(&path);
                written.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes())).expect("a file");
                path
            });
            let loaded = load(&paths, &|_| None);
            let loaded = loaded.map_err(|findings| TestCaseError::fail(format!("{findings:?}\n{text}")))?;
            let read: Vec<_> = loaded.desired.rooms.iter().map(|it| it.room.attributes.clone()).collect();
            let written: Vec<_> = rooms.into_iter().map(|(_, room)| room.attributes).collect();
            prop_assert_eq!(read, written);
            if !all.is_empty() {
                prop_assert!(parse_grouped(&text, GROUP).is_some(), "it is plain: {}", text);
            }
        }
    }
}
