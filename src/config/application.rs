//! What a provider has by its kind: the operator, `is_test`, `dissolve_after`, `max_rooms`, `limits`.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::model::{Application, AttributeLimits, EmptyLife, Finding, Kind, KindSpec, Origin};

use super::fields::Fields;
use super::mirror::{self, Amount, Limits, Text};
use super::names::{closest, shortened, suggestion};
use super::room_id;
use super::values::delay;
use super::variables;
use super::words::kinds;

/// How a word is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As it is known.
    Right,
    /// Otherwise, or not at all.
    Wrong,
}

/// A key that only some kinds of providers have.
struct Key {
    name: &'static str,
    held: fn(&KindSpec) -> bool,
    stands: fn(&mirror::Provider) -> bool,
    help: &'static str,
}

const KEYS: &[Key] = &[
    Key {
        name: "operator",
        held: |kind| kind.operator.is_some(),
        stands: |declared| declared.operator.is_some(),
        help: "take it out: rtc rooms are made by their first user",
    },
    Key {
        name: "is_test",
        held: |kind| !kind.test_limits.is_empty(),
        stands: |declared| declared.is_test.is_some(),
        help: "take it out",
    },
    Key {
        name: "dissolve_after",
        held: |kind| matches!(kind.empty_life, EmptyLife::OfApplication { default: _, range: _ }),
        stands: |declared| declared.dissolve_after.is_some(),
        help: "take it out; zim rooms say it by themselves, as `destroy_delay_time`",
    },
    Key {
        name: "max_rooms",
        held: |kind| kind.origin != Origin::FirstUser,
        stands: |declared| declared.max_rooms.is_some(),
        help: "take it out: rtc rooms come and go with their users, and no quota counts them",
    },
    Key {
        name: "limits",
        held: |kind| kind.attribute_calls.is_some(),
        stands: |declared| declared.limits.is_some(),
        help: "take it out: rtc rooms have no attributes",
    },
];

/// The kind that a word names or was probably meant to name.
pub(super) fn kind_meant(word: &str) -> Option<Kind> {
    let near = closest(word, &kind_names())?;
    Kind::ALL.iter().copied().find(|kind| kind.as_str() == near)
}

fn kind_names() -> Vec<&'static str> {
    Kind::ALL.iter().map(|kind| kind.as_str()).collect()
}

impl Fields<'_, '_> {
    /// Which service it is. Where the word is misspelt the kind that was meant, so that all else is
    /// told at once, and that it is none.
    pub(super) fn kind(&mut self, kind: Option<&Text>) -> (Option<Kind>, Spelling) {
        let Some(Text(text)) = kind else {
            self.missing("kind");
            return (None, Spelling::Wrong);
        };
        let Some(word) = self.literal("kind", text) else { return (None, Spelling::Wrong) };
        let meant = kind_meant(word);
        if let Some(kind) = meant.filter(|kind| kind.as_str() == word) {
            return (Some(kind), Spelling::Right);
        }
        let message = format!("unknown kind `{}`", shortened(word));
        let finding = Finding::error("unknown_value", message);
        self.fault(&["kind"], finding.help(suggestion(word, &kind_names())));
        (meant, Spelling::Wrong)
    }

    /// Tells of keys that the provider's kind does not have.
    pub(super) fn keys_are_of_its_kind(&mut self, kind: Kind, declared: &mirror::Provider) {
        for Key { name, held, stands, help } in KEYS {
            if held(kind.spec()) || !stands(declared) {
                continue;
            }
            let holders: Vec<Kind> =
                Kind::ALL.iter().copied().filter(|kind| held(kind.spec())).collect();
            let does = if holders.len() == 1 { "does" } else { "do" };
            let message = format!("{kind} has no `{name}`: {} {does}", kinds(&holders));
            let path = self.path(&[name]);
            self.sink.at_key(path, Finding::error("not_of_kind", message).help(*help));
        }
    }

    /// What belongs to the service; none where it is not sound, which is told.
    pub(super) fn application(
        &mut self,
        kind: Kind,
        operator: Option<&Text>,
        is_test: Option<bool>,
        dissolve_after: Option<&Amount>,
    ) -> Option<Application> {
        let spec = kind.spec();
        let operator = spec.operator.map(|_| self.operator(kind, operator));
        let dissolve_after = match (&spec.empty_life, dissolve_after) {
            (EmptyLife::OfApplication { default: _, range }, Some(amount)) => {
                Some(self.dissolve_after(amount, range))
            }
            (EmptyLife::OfApplication { default: _, range: _ }, None)
            | (EmptyLife::OfRoom | EmptyLife::None, _) => None,
        };
        let operator = match operator {
            Some(operator) => Some(operator?),
            None => None,
        };
        let application = Application::new(kind, operator).with_is_test(is_test);
        Some(match dissolve_after {
            Some(span) => application.with_dissolve_after(span?),
            None => application,
        })
    }

    fn operator(&mut self, kind: Kind, operator: Option<&Text>) -> Option<String> {
        let Some(Text(text)) = operator else {
            self.missing("operator");
            return None;
        };
        let operator = self.text("operator", text)?;
        let message = match room_id::operator_fault(kind, &operator) {
            None => {
                self.operator_is_taken_everywhere(kind, &operator);
                return Some(operator);
            }
            Some(_) if variables::any(text) => {
                format!("`operator`: the variables make no user id that {kind} takes")
            }
            Some(message) => format!("`operator` {message}"),
        };
        let finding = Finding::error("operator", message)
            .help("write a user id that the service takes, such as `admin`");
        self.fault(&["operator"], finding);
        None
    }

    fn operator_is_taken_everywhere(&mut self, kind: Kind, operator: &str) {
        let spec = kind.spec().operator;
        let doubtful = spec.and_then(|spec| room_id::doubtful(&spec.id, operator));
        if let Some(doubtful) = doubtful {
            let shown = room_id::shown(doubtful);
            let message =
                format!("`operator` holds {shown}, which only some pages of the vendor allow");
            let finding = Finding::warning("operator_doubtful", message)
                .help("register a user whose id has letters, digits, `_` and `-` only");
            self.fault(&["operator"], finding);
        }
    }

    fn dissolve_after(
        &mut self,
        amount: &Amount,
        range: &RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let (span, literal) = match amount {
            Amount::Number(_) => (delay(amount), true),
            Amount::Text(text) => {
                (self.text("dissolve_after", text)?.parse().ok(), !variables::any(text))
            }
        };
        let message = match span {
            Some(span) if range.contains(&span.as_duration()) => return Some(span.as_duration()),
            Some(span) if literal => format!("`dissolve_after` cannot be {} s", span.as_seconds()),
            Some(_) => "`dissolve_after`: the variables make a span that it cannot be".to_owned(),
            None => "`dissolve_after` is no span".to_owned(),
        };
        let finding = Finding::error("dissolve_after", message)
            .help("write seconds (`1800`), or `30m`, `1h`; Tencent takes from 10m to 24h");
        self.fault(&["dissolve_after"], finding);
        None
    }

    /// What the service takes as attributes of one room: the kind's own limits, and the file's over them.
    pub(super) fn limits(&mut self, kind: Kind, limits: Option<&Limits>) -> AttributeLimits {
        let mut all = kind.attribute_limits();
        let Some(Limits { attributes, key_bytes, value_bytes, total_bytes }) = limits else {
            return all;
        };
        for (name, amount, limit) in [
            ("attributes", attributes, &mut all.attributes),
            ("key_bytes", key_bytes, &mut all.key_bytes),
            ("value_bytes", value_bytes, &mut all.value_bytes),
            ("total_bytes", total_bytes, &mut all.total_bytes),
        ] {
            let Some(amount) = amount else { continue };
            let number = self.number(&["limits", name], *amount, &(1..=u64::from(u32::MAX)));
            if let Some(number) = number.and_then(|number| usize::try_from(number).ok()) {
                *limit = number;
            }
        }
        all
    }
}
