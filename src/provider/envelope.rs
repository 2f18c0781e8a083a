//! Reads the part of an answer that all services have: a code, words, and the id of the request.

use std::time::Duration;

use serde_json::{Map, Value};

use super::codes::{Verdict, unfinished};
use super::http::{
    ClockDifference, HttpResponse, TransportError, clean, http_date, printable, retry_after,
};
use super::json::{integer, text};
use super::{Probe, Receipt};
use crate::model::{ApiError, Call, ErrorClass, Timestamp};

/// How one service writes its answers.
#[derive(Debug)]
pub(super) struct Dialect {
    /// The service's name, for people.
    pub(super) service: &'static str,
    /// Where the code stands; 0 is a success.
    pub(super) code: &'static str,
    /// Where the words stand.
    pub(super) words: &'static str,
    /// What says once more that it is a success, and how; none where nothing does.
    pub(super) affirmed: Option<(&'static str, &'static str)>,
    /// What is done about a code as the answer to a call, by the service's words where the code says
    /// too little; none where the code is not known.
    pub(super) verdict: fn(i64, Call, &str) -> Option<Verdict>,
}

/// One exchange, as far as its answer is judged by it.
pub(super) struct Asked<'a> {
    /// How the service answers.
    pub(super) dialect: &'static Dialect,
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
    /// All that it holds.
    pub(super) fields: Map<String, Value>,
    /// The service's id of the request.
    pub(super) request_id: Option<String>,
    date: Option<Timestamp>,
}

/// The service's own time, where the answer tells it.
fn date(response: &HttpResponse) -> Option<Timestamp> {
    response.date.as_deref().and_then(http_date)
}

impl Asked<'_> {
    /// Judges an answer: the fields of a success, or what the caller does about a failure.
    pub(super) fn read(&self, response: &HttpResponse) -> Result<Answered, ApiError> {
        let HttpResponse { status, date: _, retry_after: pause, body } = response;
        let date = date(response);
        let pause = pause.as_deref().and_then(|text| retry_after(text, date));
        let fields = match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) | Err(_) => Map::new(),
        };
        let code = fields.get(self.dialect.code).and_then(integer);
        match (status, code) {
            (429, _) => Err(self.by_status(ErrorClass::TooOften, *status, &fields, body, pause)),
            (500.., _) => Err(self.by_status(unfinished(self.call), *status, &fields, body, pause)),
            (200..=299, Some(0)) => self.affirmed(fields, date),
            (_, Some(code)) if code != 0 => Err(self.by_code(code, &fields, date, pause)),
            (_, _) => Err(self.by_status(ErrorClass::Unknown, *status, &fields, body, pause)),
        }
    }

    /// Judges an answer to a harmless query; `harmless` are the failures that such a query may have.
    pub(super) fn probe(
        &self,
        response: &HttpResponse,
        harmless: &[ErrorClass],
    ) -> Result<Probe, ApiError> {
        let clock = date(response).map(|date| ClockDifference::between(date, self.now));
        match self.read(response) {
            Ok(_) => Ok(Probe { clock }),
            Err(api_error) if harmless.contains(&api_error.class) => Ok(Probe { clock }),
            Err(api_error) => Err(api_error),
        }
    }

    /// What the caller does about a sub-code inside an answer of code 0.
    pub(super) fn refused(&self, answered: &Answered, number: i64) -> ApiError {
        self.by_code(number, &answered.fields, answered.date, None)
    }

    /// What the caller does about an answer of code 0 that holds something else than it should.
    pub(super) fn unreadable(&self, what: &str) -> ApiError {
        self.api_error(ErrorClass::Unknown, None, format!("the answer holds unreadable {what}"))
    }

    /// What the caller does where there is no answer at all.
    pub(super) fn unanswered(&self, error: TransportError) -> ApiError {
        let (class, message) = match error {
            TransportError::NotSent(message) => (ErrorClass::Retry, message),
            TransportError::Unknown(message) => (ErrorClass::Unknown, message),
        };
        let message = clean(&message, self.hidden);
        ApiError { answered: false, ..self.api_error(class, None, message) }
    }

    /// A api_error of this exchange that an answer tells.
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

    /// Takes an answer of code 0, unless it contradicts itself.
    fn affirmed(
        &self,
        fields: Map<String, Value>,
        date: Option<Timestamp>,
    ) -> Result<Answered, ApiError> {
        let request_id = fields.get("RequestId").and_then(|id| self.id(id));
        let denied = self.dialect.affirmed.filter(|(name, word)| {
            fields.get(*name).is_some_and(|said| said.as_str() != Some(*word))
        });
        let Some((name, word)) = denied else { return Ok(Answered { fields, request_id, date }) };
        let said = self.words(&fields).map_or_else(String::new, |words| format!(", `{words}`"));
        let code = self.dialect.code;
        let message = format!("{code} is 0 and {name} is not {word}{said}");
        Err(ApiError { request_id, ..self.api_error(ErrorClass::Unknown, None, message) })
    }

    fn by_code(
        &self,
        number: i64,
        fields: &Map<String, Value>,
        date: Option<Timestamp>,
        pause: Option<Duration>,
    ) -> ApiError {
        let words = self.words(fields).unwrap_or_else(|| "no words".to_owned());
        let verdict = (self.dialect.verdict)(number, self.call, &words);
        let Verdict { class, advice, pause: least } = verdict.unwrap_or(Verdict {
            class: ErrorClass::Unrecognised,
            advice: "this code is not known to roomctl",
            pause: None,
        });
        let mut message = format!("{words}: {advice}");
        if let (ErrorClass::SignAgain, Some(date)) = (class, date) {
            message = format!("{message}; {}", ClockDifference::between(date, self.now));
        }
        ApiError {
            request_id: fields.get("RequestId").and_then(|id| self.id(id)),
            retry_after: pause.max(least),
            ..self.api_error(class, Some(number), message)
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
        class: ErrorClass,
        status: u16,
        fields: &Map<String, Value>,
        body: &[u8],
        pause: Option<Duration>,
    ) -> ApiError {
        let said = self.words(fields).or_else(|| self.beginning(body));
        let said = said.map_or_else(|| "nothing in it".to_owned(), |said| format!("`{said}`"));
        let service = self.dialect.service;
        let message = match status {
            429 => format!("too many requests (HTTP 429), {said}"),
            500.. => format!("the service failed (HTTP {status}), {said}"),
            300..=399 => format!("the answer is a redirect (HTTP {status}): check `endpoint`"),
            _ => format!(
                "the answer (HTTP {status}) is not {service}'s, {said}: check `endpoint`, and any proxy on the way"
            ),
        };
        let code = fields.get(self.dialect.code).and_then(integer).filter(|code| *code != 0);
        ApiError {
            request_id: fields.get("RequestId").and_then(|id| self.id(id)),
            retry_after: pause,
            ..self.api_error(class, code, message)
        }
    }

    fn words(&self, fields: &Map<String, Value>) -> Option<String> {
        let words = clean(fields.get(self.dialect.words)?.as_str()?, self.hidden);
        let words = words.trim_end_matches('.');
        (!words.is_empty()).then(|| words.to_owned())
    }

    fn beginning(&self, body: &[u8]) -> Option<String> {
        let head = clean(&String::from_utf8_lossy(body), self.hidden);
        (!head.is_empty()).then_some(head)
    }
}

impl Answered {
    /// What a change was answered with, where the answer tells no more than that it was made.
    pub(super) fn receipt(self) -> Receipt {
        Receipt { request_id: self.request_id, ..Receipt::default() }
    }
}
