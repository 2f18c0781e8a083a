//! Reads ZIM's answers, tolerantly: fields may be absent, numbers may be text.

use std::time::Duration;

use serde_json::{Map, Value};

use super::codes::{Code, unfinished};
use crate::model::{Attribute, Attributes, Call, Class, People, Timestamp, Trouble};
use crate::provider::http::{
    ClockDifference, HttpResponse, TransportError, clean, http_date, printable, retry_after,
};
use crate::provider::{AttributesRead, Receipt};

/// One exchange, as far as its answer is judged by it.
pub(super) struct Asked<'a> {
    /// The call.
    pub(super) call: Call,
    /// What must not be echoed: the secret, the signature, the query.
    pub(super) hidden: &'a [&'a str],
    /// This machine's time when the answer came.
    pub(super) now: Timestamp,
}

/// An answer of code 0.
#[derive(Debug)]
pub(super) struct Answered {
    fields: Map<String, Value>,
    request_id: Option<String>,
    date: Option<Timestamp>,
}

/// The service's own time, where the answer tells it.
pub(super) fn date(response: &HttpResponse) -> Option<Timestamp> {
    response.date.as_deref().and_then(http_date)
}

impl Asked<'_> {
    /// Judges an answer: the fields of a success, or what the caller does about a failure.
    pub(super) fn read(&self, response: &HttpResponse) -> Result<Answered, Trouble> {
        let HttpResponse { status, date: _, retry_after: pause, body } = response;
        let date = date(response);
        let pause = pause.as_deref().and_then(|text| retry_after(text, date));
        let fields = match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) | Err(_) => Map::new(),
        };
        let code = fields.get("Code").and_then(integer);
        match (status, code) {
            (429, _) => Err(self.by_status(Class::TooOften, *status, &fields, body, pause)),
            (500.., _) => Err(self.by_status(unfinished(self.call), *status, &fields, body, pause)),
            (200..=299, Some(0)) => {
                let request_id = fields.get("RequestId").and_then(|id| self.id(id));
                Ok(Answered { fields, request_id, date })
            }
            (_, Some(code)) if code != 0 => Err(self.by_code(code, &fields, date, pause)),
            (_, _) => Err(self.by_status(Class::Unknown, *status, &fields, body, pause)),
        }
    }

    /// What the caller does about a sub-code inside an answer of code 0.
    pub(super) fn refused(&self, answered: &Answered, number: i64) -> Trouble {
        self.by_code(number, &answered.fields, answered.date, None)
    }

    /// What the caller does about an answer of code 0 that holds something else than it should.
    pub(super) fn unreadable(&self, what: &str) -> Trouble {
        self.trouble(Class::Unknown, None, format!("the answer holds unreadable {what}"))
    }

    /// What the caller does where there is no answer at all.
    pub(super) fn unanswered(&self, error: TransportError) -> Trouble {
        let (class, message) = match error {
            TransportError::NotSent(message) => (Class::Retry, message),
            TransportError::Unknown(message) => (Class::Unknown, message),
        };
        self.trouble(class, None, clean(&message, self.hidden))
    }

    /// A trouble of this exchange.
    fn trouble(&self, class: Class, code: Option<i64>, message: String) -> Trouble {
        Trouble { class, call: self.call, code, message, request_id: None, retry_after: None }
    }

    fn by_code(
        &self,
        number: i64,
        fields: &Map<String, Value>,
        date: Option<Timestamp>,
        pause: Option<Duration>,
    ) -> Trouble {
        let code = Code::of(number);
        let class = code.map_or(Class::Unrecognised, |code| code.class(self.call));
        let words = self.words(fields).unwrap_or_else(|| "no words".to_owned());
        let advice = code.map_or("this code is not known to roomctl", Code::advice);
        let mut message = format!("{words}: {advice}");
        if let (Class::SignAgain, Some(date)) = (class, date) {
            message = format!("{message}; {}", ClockDifference::between(date, self.now));
        }
        Trouble {
            request_id: fields.get("RequestId").and_then(|id| self.id(id)),
            retry_after: pause,
            ..self.trouble(class, Some(number), message)
        }
    }

    /// The service's id of the request; what must not be told is taken out of it too.
    fn id(&self, value: &Value) -> Option<String> {
        let id = text(value).filter(|id| !id.is_empty())?;
        let shown = self.hidden.iter().filter(|part| !part.is_empty());
        Some(printable(&shown.fold(id, |id, part| id.replace(part, "[hidden]"))))
    }

    fn by_status(
        &self,
        class: Class,
        status: u16,
        fields: &Map<String, Value>,
        body: &[u8],
        pause: Option<Duration>,
    ) -> Trouble {
        let said = self.words(fields).or_else(|| self.beginning(body));
        let said = said.map_or_else(|| "nothing in it".to_owned(), |said| format!("`{said}`"));
        let message = match status {
            429 => format!("too many requests (HTTP 429), {said}"),
            500.. => format!("the service failed (HTTP {status}), {said}"),
            300..=399 => format!("the answer is a redirect (HTTP {status}): check `endpoint`"),
            _ => format!(
                "the answer (HTTP {status}) is not ZIM's, {said}: check `endpoint`, and any proxy on the way"
            ),
        };
        let code = fields.get("Code").and_then(integer).filter(|code| *code != 0);
        Trouble {
            request_id: fields.get("RequestId").and_then(|id| self.id(id)),
            retry_after: pause,
            ..self.trouble(class, code, message)
        }
    }

    fn words(&self, fields: &Map<String, Value>) -> Option<String> {
        let words = clean(fields.get("Message")?.as_str()?, self.hidden);
        let words = words.trim_end_matches('.');
        (!words.is_empty()).then(|| words.to_owned())
    }

    fn beginning(&self, body: &[u8]) -> Option<String> {
        let head = clean(&String::from_utf8_lossy(body), self.hidden);
        (!head.is_empty()).then_some(head)
    }
}

impl Answered {
    /// What a change was answered with.
    pub(super) fn receipt(&self) -> Receipt {
        Receipt {
            request_id: self.request_id.clone(),
            attribute_sequence: self.sequence(),
            failed_keys: self.failed_keys(),
        }
    }

    /// All the attributes; nothing where one of them cannot be read.
    pub(super) fn attributes(&self) -> Option<AttributesRead> {
        let read = self.list("Attributes")?.iter().map(attribute);
        let attributes = read.collect::<Option<Vec<_>>>()?;
        let attributes: Attributes = attributes.into_iter().collect();
        Some(AttributesRead { attributes, sequence: self.sequence() })
    }

    /// Who is inside. The paging ends with a NextFlag of `""` or `"0"`: the page contradicts itself.
    pub(super) fn people(&self) -> People {
        let listed = self.fields.get("UserList").and_then(Value::as_array).map(Vec::len);
        let listed = listed.map(|listed| u64::try_from(listed).unwrap_or(u64::MAX));
        let counted = self.fields.get("Count").and_then(integer);
        let counted = counted.and_then(|count| u64::try_from(count).ok());
        let Some(people) = counted.max(listed) else { return People::Unknown };
        let next = self.fields.get("NextFlag").and_then(text).unwrap_or_default();
        match people {
            _ if !matches!(&*next, "" | "0") => People::AtLeast(people.max(1)),
            0 => People::Nobody,
            people => People::Count(people),
        }
    }

    /// The sub-code of the one user who was to be registered; none where he was.
    pub(super) fn refused_user(&self) -> Option<i64> {
        let refused = self.list("ErrUserList").map(<[Value]>::first);
        match refused {
            Some(user) => Some(user?.get("SubCode").and_then(integer).unwrap_or(0)),
            None => Some(0),
        }
    }

    /// The keys that were not changed. A list that cannot be read is no success.
    fn failed_keys(&self) -> Vec<(String, i64)> {
        let unread = || vec![("?".to_owned(), 0)];
        let listed = self.list("ErrKeyList");
        listed.map_or_else(unread, |failed| failed.iter().map(failed_key).collect())
    }

    fn sequence(&self) -> Option<u64> {
        u64::try_from(integer(self.fields.get("AttributeSeq")?)?).ok()
    }

    /// A list, empty where it is absent; nothing where something else stands there.
    fn list(&self, name: &str) -> Option<&[Value]> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Some(&[]),
            Some(value) => value.as_array().map(Vec::as_slice),
        }
    }
}

fn attribute(value: &Value) -> Option<(String, Attribute)> {
    let key = text(value.get("Key")?)?;
    let auto_delete = value.get("AutoDelete").is_some_and(truth);
    let value = value.get("Value").map_or(Some(String::new()), text)?;
    Some((key, Attribute { value: value.into(), auto_delete }))
}

fn failed_key(value: &Value) -> (String, i64) {
    let key = value.get("Key").and_then(text).map_or_else(|| "?".to_owned(), |key| printable(&key));
    (key, value.get("SubCode").and_then(integer).unwrap_or(0))
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn truth(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| integer(value) == Some(1))
}
