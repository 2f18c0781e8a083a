//! Reads the part of an answer that all services have in common: a code, a message, and a request id.

use std::time::Duration;

use serde_json::{Map, Value};

use super::codes::{Verdict, unfinished};
use super::http::{
    ClockDifference, HttpResponse, TransportError, clean, http_date, printable, retry_after,
};
use super::json::{integer, text};
use super::{Probe, Receipt};
use crate::model::{ApiError, Call, ErrorClass, Timestamp};

/// The format of one service's answers.
#[derive(Debug)]
pub(super) struct ResponseFormat {
    /// The service's name, for messages.
    pub(super) service: &'static str,
    /// The field of the code; 0 is a success.
    pub(super) code: &'static str,
    /// The field of the message.
    pub(super) message: &'static str,
    /// A second field that marks a success, with its value; `None` if there is none.
    pub(super) success_marker: Option<(&'static str, &'static str)>,
    /// Returns the verdict on a code as the answer to a call, by the message if the code is ambiguous;
    /// `None` for an unknown code.
    pub(super) verdict: fn(i64, Call, &str) -> Option<Verdict>,
}

/// The context in which the answer to one request is read.
pub(super) struct Exchange<'a> {
    /// The format of the answer.
    pub(super) format: &'static ResponseFormat,
    /// The call.
    pub(super) call: Call,
    /// Texts to hide: the secret, the signature, the query.
    pub(super) hidden: &'a [&'a str],
    /// This machine's time when the answer was received.
    pub(super) now: Timestamp,
}

/// An answer of code 0.
#[derive(Debug)]
pub(super) struct Reply {
    /// All fields of the answer.
    pub(super) fields: Map<String, Value>,
    /// The service's id of the request.
    pub(super) request_id: Option<String>,
    date: Option<Timestamp>,
}

/// Returns the service's time, if the answer contains it.
fn date(response: &HttpResponse) -> Option<Timestamp> {
    response.date.as_deref().and_then(http_date)
}

impl Exchange<'_> {
    /// Reads an answer: the fields of a success, or the error.
    pub(super) fn read(&self, response: &HttpResponse) -> Result<Reply, ApiError> {
        let HttpResponse { status, date: _, retry_after: pause, body } = response;
        let date = date(response);
        let pause = pause.as_deref().and_then(|text| retry_after(text, date));
        let fields = match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) | Err(_) => Map::new(),
        };
        let code = fields.get(self.format.code).and_then(integer);
        match (status, code) {
            (429, _) => Err(self.by_status(ErrorClass::TooOften, *status, &fields, body, pause)),
            (500.., _) => Err(self.by_status(unfinished(self.call), *status, &fields, body, pause)),
            (200..=299, Some(0)) => self.success(fields, date),
            (_, Some(code)) if code != 0 => Err(self.by_code(code, &fields, date, pause)),
            (_, _) => Err(self.by_status(ErrorClass::Unknown, *status, &fields, body, pause)),
        }
    }

    /// Reads the answer to a query without effect. Errors of the classes in `harmless` count as a success.
    pub(super) fn probe(
        &self,
        response: &HttpResponse,
        harmless: &[ErrorClass],
    ) -> Result<Probe, ApiError> {
        let clock = date(response).map(|date| ClockDifference::between(date, self.now));
        match self.read(response) {
            Ok(_) => Ok(Probe { clock }),
            Err(error) if harmless.contains(&error.class) => Ok(Probe { clock }),
            Err(error) => Err(error),
        }
    }

    /// Returns the error of a sub-code inside an answer of code 0.
    pub(super) fn refused(&self, reply: &Reply, number: i64) -> ApiError {
        self.by_code(number, &reply.fields, reply.date, None)
    }

    /// Returns the error of an answer of code 0 whose content is unreadable.
    pub(super) fn unreadable(&self, what: &str) -> ApiError {
        self.api_error(ErrorClass::Unknown, None, format!("the answer contains unreadable {what}"))
    }

    /// Returns the error of an exchange without an answer.
    pub(super) fn unanswered(&self, error: TransportError) -> ApiError {
        let (class, message) = match error {
            TransportError::NotSent(message) => (ErrorClass::Retry, message),
            TransportError::Unknown(message) => (ErrorClass::Unknown, message),
        };
        let message = clean(&message, self.hidden);
        ApiError { answered: false, ..self.api_error(class, None, message) }
    }

    /// Returns an error that an answer reports.
    fn api_error(&self, class: ErrorClass, code: Option<i64>, message: String) -> ApiError {
        ApiError {
            class,
            call: self.call,
            code,
            message,
            request_id: None,
            retry_after: None,
            answered: true,
        }
    }

    /// Accepts an answer of code 0, unless its success marker contradicts that.
    fn success(
        &self,
        fields: Map<String, Value>,
        date: Option<Timestamp>,
    ) -> Result<Reply, ApiError> {
        let request_id = fields.get("RequestId").and_then(|id| self.id(id));
        let contradicted = self.format.success_marker.filter(|(name, value)| {
            fields.get(*name).is_some_and(|found| found.as_str() != Some(*value))
        });
        let Some((name, value)) = contradicted else {
            return Ok(Reply { fields, request_id, date });
        };
        let quoted = self.message(&fields).map_or_else(String::new, |text| format!(", `{text}`"));
        let code = self.format.code;
        let message = format!("{code} is 0 and {name} is not {value}{quoted}");
        Err(ApiError { request_id, ..self.api_error(ErrorClass::Unknown, None, message) })
    }

    fn by_code(
        &self,
        number: i64,
        fields: &Map<String, Value>,
        date: Option<Timestamp>,
        pause: Option<Duration>,
    ) -> ApiError {
        let text = self.message(fields).unwrap_or_else(|| "no message".to_owned());
        let verdict = (self.format.verdict)(number, self.call, &text);
        let Verdict { class, advice, pause: least } = verdict.unwrap_or(Verdict {
            class: ErrorClass::Unrecognised,
            advice: "this code is not known to roomctl",
            pause: None,
        });
        let mut message = format!("{text}: {advice}");
        if let (ErrorClass::SignAgain, Some(date)) = (class, date) {
            message = format!("{message}; {}", ClockDifference::between(date, self.now));
        }
        ApiError {
            request_id: fields.get("RequestId").and_then(|id| self.id(id)),
            retry_after: pause.max(least),
            ..self.api_error(class, Some(number), message)
        }
    }

    /// Returns the service's id of the request, without the texts to hide.
    fn id(&self, value: &Value) -> Option<String> {
        let id = text(value).filter(|id| !id.is_empty())?;
        let shown = self.hidden.iter().filter(|part| !part.is_empty());
        Some(printable(&shown.fold(id, |id, part| id.replace(part, "[hidden]"))))
    }

    fn by_status(
        &self,
        class: ErrorClass,
        status: u16,
        fields: &Map<String, Value>,
        body: &[u8],
        pause: Option<Duration>,
    ) -> ApiError {
        let text = self.message(fields).or_else(|| self.beginning(body));
        let text = text.map_or_else(|| "nothing in it".to_owned(), |text| format!("`{text}`"));
        let service = self.format.service;
        let message = match status {
            429 => format!("too many requests (HTTP 429), {text}"),
            500.. => format!("the service failed (HTTP {status}), {text}"),
            300..=399 => format!("the answer is a redirect (HTTP {status}): check `endpoint`"),
            _ => format!(
                "the answer (HTTP {status}) is not from {service}, {text}: check `endpoint`, and any proxy"
            ),
        };
        let code = fields.get(self.format.code).and_then(integer).filter(|code| *code != 0);
        ApiError {
            request_id: fields.get("RequestId").and_then(|id| self.id(id)),
            retry_after: pause,
            ..self.api_error(class, code, message)
        }
    }

    fn message(&self, fields: &Map<String, Value>) -> Option<String> {
        let text = clean(fields.get(self.format.message)?.as_str()?, self.hidden);
        let text = text.trim_end_matches('.');
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn beginning(&self, body: &[u8]) -> Option<String> {
        let head = clean(&String::from_utf8_lossy(body), self.hidden);
        (!head.is_empty()).then_some(head)
    }
}

impl Reply {
    /// Returns the receipt of a change whose answer contains only a request id.
    pub(super) fn receipt(self) -> Receipt {
        Receipt { request_id: self.request_id, ..Receipt::default() }
    }
}
