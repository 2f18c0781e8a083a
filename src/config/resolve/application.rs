//! The settings of a provider that depend on its kind: the operator, `is_test`, `dissolve_after`,
//! `max_rooms`, `limits`.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::model::{
    Application, AttributeLimits, EmptyLife, Finding, Kind, KindSpec, Lineage, Origin,
};

use crate::config::diagnostics::{kinds, shortened, suggestion};
use crate::config::raw::{self, Amount, Limits, Text};
use crate::config::values::{delay, doubtful, kind_names, nearest_kind, operator_error, shown};
use crate::config::variables::{self, ProviderFields};

/// Whether a kind is spelled correctly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As in the schema.
    Exact,
    /// Misspelled, or missing.
    Misspelled,
}

/// A key that only some kinds of providers have.
struct Key {
    name: &'static str,
    has: fn(&KindSpec) -> bool,
    is_set: fn(&raw::Provider) -> bool,
    help: &'static str,
}

const KEYS: &[Key] = &[
    Key {
        name: "operator",
        has: |kind| kind.operator.is_some(),
        is_set: |declared| declared.operator.is_some(),
        help: "remove it: rtc rooms are created by their first user",
    },
    Key {
        name: "is_test",
        has: |kind| !kind.test_limits.is_empty(),
        is_set: |declared| declared.is_test.is_some(),
        help: "remove it",
    },
    Key {
        name: "dissolve_after",
        has: |kind| matches!(kind.empty_life, EmptyLife::OfApplication { default: _, range: _ }),
        is_set: |declared| declared.dissolve_after.is_some(),
        help: "remove it; zim rooms have `destroy_delay_time` instead",
    },
    Key {
        name: "max_rooms",
        has: |kind| kind.origin != Origin::FirstUser,
        is_set: |declared| declared.max_rooms.is_some(),
        help: "remove it: rtc rooms exist only while users are inside, and count towards no quota",
    },
    Key {
        name: "limits",
        has: |kind| kind.attribute_calls.is_some(),
        is_set: |declared| declared.limits.is_some(),
        help: "remove it: rtc rooms have no attributes",
    },
    Key {
        name: "ownership_attribute",
        has: |kind| kind.attribute_calls.is_some(),
        is_set: |declared| declared.ownership_attribute.is_some(),
        help: "remove it: rtc rooms have no attributes",
    },
];

impl ProviderFields<'_, '_> {
    /// Returns the kind. A misspelled kind is reported, and the nearest one is used for the other
    /// checks.
    pub(super) fn kind(&mut self, kind: Option<&Text>) -> (Option<Kind>, Spelling) {
        let Some(Text(text)) = kind else {
            self.missing("kind");
            return (None, Spelling::Misspelled);
        };
        let Some(name) = self.literal("kind", text) else { return (None, Spelling::Misspelled) };
        let nearest = nearest_kind(name);
        if let Some(kind) = nearest.filter(|kind| kind.as_str() == name) {
            return (Some(kind), Spelling::Exact);
        }
        let message = format!("unknown kind `{}`", shortened(name));
        let finding = Finding::error("unknown_value", message);
        self.report(&["kind"], finding.help(suggestion(name, &kind_names())));
        (nearest, Spelling::Misspelled)
    }

    /// Reports keys that the provider's kind does not have.
    pub(super) fn keys_are_of_its_kind(&mut self, kind: Kind, declared: &raw::Provider) {
        for Key { name, has, is_set, help } in KEYS {
            if has(kind.spec()) || !is_set(declared) {
                continue;
            }
            let holders: Vec<Kind> =
                Kind::ALL.iter().copied().filter(|kind| has(kind.spec())).collect();
            let does = if holders.len() == 1 { "does" } else { "do" };
            let message = format!("{kind} has no `{name}`: {} {does}", kinds(&holders));
            let path = self.path(&[name]);
            self.reporter.at_key(path, Finding::error("not_of_kind", message).help(*help));
        }
    }

    /// Resolves the application; `None` if it has a mistake, which is reported.
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
        let message = match operator_error(kind, &operator) {
            None => {
                self.operator_is_taken_everywhere(kind, &operator);
                return Some(operator);
            }
            Some(_) if variables::any(text) => {
                format!("`operator`: the variables expand to a user id that {kind} does not accept")
            }
            Some(message) => format!("`operator` {message}"),
        };
        let finding = Finding::error("operator", message)
            .help("write a user id that the service accepts, such as `admin`");
        self.report(&["operator"], finding);
        None
    }

    fn operator_is_taken_everywhere(&mut self, kind: Kind, operator: &str) {
        let spec = kind.spec().operator;
        let doubtful = spec.and_then(|spec| doubtful(&spec.id, operator));
        if let Some(doubtful) = doubtful {
            let shown = shown(doubtful);
            let message =
                format!("`operator` contains {shown}, which only some pages of the vendor allow");
            let finding = Finding::warning("operator_doubtful", message)
                .help("use a user whose id has letters, digits, `_` and `-` only");
            self.report(&["operator"], finding);
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
            Some(_) => "`dissolve_after`: the variables expand to a value out of range".to_owned(),
            None => "`dissolve_after` is not a duration".to_owned(),
        };
        let finding = Finding::error("dissolve_after", message)
            .help("write seconds (`1800`), or `30m`, `1h`; Tencent accepts 10m to 24h");
        self.report(&["dissolve_after"], finding);
        None
    }

    /// Resolves the key of the ownership attribute, which has to fit the limits of a room without other
    /// attributes.
    pub(super) fn ownership_attribute(
        &mut self,
        declared: Option<&Text>,
        limits: &AttributeLimits,
    ) -> Option<Box<str>> {
        let Text(text) = declared?;
        let name = self.literal("ownership_attribute", text)?;
        let AttributeLimits { attributes: _, key_bytes, value_bytes, total_bytes } = *limits;
        let (length, lineage) = (name.len(), Lineage::BYTES);
        let too_long = |message: String, limit: &str| {
            let finding = Finding::error("ownership_attribute", message);
            finding.help(format!(
                "shorten it, or raise `limits.{limit}` if the vendor has raised yours"
            ))
        };
        let finding = if name.is_empty() {
            Finding::error("ownership_attribute", "`ownership_attribute` is empty")
                .help("name an attribute, such as `managed_by`")
        } else if length > key_bytes {
            let message = format!(
                "`ownership_attribute` is {length} bytes long; a key has at most {key_bytes}"
            );
            too_long(message, "key_bytes")
        } else if lineage > value_bytes {
            let message = format!(
                "the value of `ownership_attribute` has {lineage} bytes; a value has at most {value_bytes}"
            );
            too_long(message, "value_bytes")
        } else if length + lineage > total_bytes {
            let message = format!(
                "`ownership_attribute` takes up {} bytes; a room has at most {total_bytes}",
                length + lineage
            );
            too_long(message, "total_bytes")
        } else {
            return Some(name.into());
        };
        self.report(&["ownership_attribute"], finding);
        None
    }

    /// Resolves the limits for the attributes of one room: the file's, or else those of the kind.
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
