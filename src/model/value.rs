//! The values of the fields of a room.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Attributes, Delay, Field};

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a boolean, a number, a string or a list of numbers")]
pub enum Value {
    /// A boolean.
    Flag(bool),
    /// A whole number.
    Number(u32),
    /// A text, or a keyword.
    Text(Box<str>),
    /// Whole numbers.
    Numbers(Box<[u32]>),
    /// A duration. In JSON it is a number, which can be read back only if the field is known.
    #[serde(skip_deserializing)]
    Delay(Delay),
    /// Attributes.
    #[serde(skip_deserializing)]
    Attributes(Attributes),
}

/// A borrowed value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueRef<'a> {
    /// A boolean.
    Flag(bool),
    /// A whole number.
    Number(u32),
    /// A text, or a keyword.
    Text(&'a str),
    /// Whole numbers.
    Numbers(&'a [u32]),
    /// A duration.
    Delay(Delay),
    /// Attributes.
    Attributes(&'a Attributes),
}

/// Fields with their values: of a patch, or as a query reported them. It takes little memory when
/// empty, since most kinds report none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Option<Box<Entries>>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Entries(BTreeMap<Field, Value>);

impl Value {
    /// Borrows the value.
    #[must_use]
    pub fn by_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Flag(flag) => ValueRef::Flag(*flag),
            Self::Number(number) => ValueRef::Number(*number),
            Self::Text(text) => ValueRef::Text(text),
            Self::Numbers(numbers) => ValueRef::Numbers(numbers),
            Self::Delay(delay) => ValueRef::Delay(*delay),
            Self::Attributes(attributes) => ValueRef::Attributes(attributes),
        }
    }

    /// Returns the text, or `None` if it has another type.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        self.by_ref().as_text()
    }

    /// Returns the boolean, or `None` if it has another type.
    #[must_use]
    pub fn as_flag(&self) -> Option<bool> {
        self.by_ref().as_flag()
    }
}

impl<'a> ValueRef<'a> {
    /// Clones the value.
    #[must_use]
    pub fn to_value(self) -> Value {
        match self {
            Self::Flag(flag) => Value::Flag(flag),
            Self::Number(number) => Value::Number(number),
            Self::Text(text) => Value::Text(text.into()),
            Self::Numbers(numbers) => Value::Numbers(numbers.into()),
            Self::Delay(delay) => Value::Delay(delay),
            Self::Attributes(attributes) => Value::Attributes(attributes.clone()),
        }
    }

    /// Returns the text, or `None` if it has another type.
    #[must_use]
    pub fn as_text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Flag(_)
            | Self::Number(_)
            | Self::Numbers(_)
            | Self::Delay(_)
            | Self::Attributes(_) => None,
        }
    }

    /// Returns the boolean, or `None` if it has another type.
    #[must_use]
    pub fn as_flag(self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(flag),
            Self::Text(_)
            | Self::Number(_)
            | Self::Numbers(_)
            | Self::Delay(_)
            | Self::Attributes(_) => None,
        }
    }
}

impl Fields {
    /// Returns the value of `field`, or `None` if it is not set.
    #[must_use]
    pub fn of(&self, field: Field) -> Option<&Value> {
        self.0.as_ref()?.0.get(&field)
    }

    /// Sets or removes `field`.
    pub fn set(&mut self, field: Field, value: Option<Value>) {
        let mut entries = self.0.take().unwrap_or_default();
        match value {
            Some(value) => drop(entries.0.insert(field, value)),
            None => drop(entries.0.remove(&field)),
        }
        self.0 = (!entries.0.is_empty()).then_some(entries);
    }

    /// Returns all fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (Field, &Value)> {
        self.0.iter().flat_map(|entries| entries.0.iter().map(|(field, value)| (*field, value)))
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl FromIterator<(Field, Value)> for Fields {
    fn from_iter<I: IntoIterator<Item = (Field, Value)>>(pairs: I) -> Self {
        let entries: BTreeMap<Field, Value> = pairs.into_iter().collect();
        Self((!entries.is_empty()).then(|| Box::new(Entries(entries))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_fields_need_no_allocation() {
        let mut fields = Fields::default();
        fields.set(Field::Muted, Some(Value::Flag(true)));
        assert!(!fields.is_empty());
        fields.set(Field::Muted, None);
        assert_eq!(fields, Fields::default());
        assert_eq!(size_of::<Fields>(), size_of::<usize>());
    }
}
