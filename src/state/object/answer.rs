//! Classifies the answer of an object store by its status and code.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::model::ObjectService;
use crate::state::lease::RemoteError;

/// The longest text of a service that is printed, in characters.
const LONGEST: usize = 200;

/// The number of bytes of an answer that are searched for its code.
const SEARCHED: usize = 8 << 10;

/// The parts of an answer that are used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// The host that answered, with its port if it is not the default.
    pub(super) host: String,
    /// The status.
    pub(super) status: u16,
    /// The service's code for an error, such as `NoSuchKey`.
    code: Option<String>,
    /// The service's message.
    message: Option<String>,
    /// The service's id of the request, for its support.
    request: Option<String>,
    /// The region of the bucket, if the request went to another one.
    region: Option<String>,
    /// The age of the object by the service's clock.
    pub(super) age: Option<Duration>,
    /// The server software that answered.
    pub(super) server: Option<String>,
}

/// The meaning of an unsuccessful answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no such object.
    NoObject,
    /// The condition of a write did not hold.
    Condition,
    /// Any other error.
    Error(RemoteError),
}

/// What is known of a store when an answer is classified.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expectation<'a> {
    /// The service.
    pub(super) service: ObjectService,
    /// The bucket, or the container.
    pub(super) bucket: &'a str,
    /// Whether the store has answered as an object store before. If so, an unexpected answer is
    /// transient; otherwise it is a configuration error.
    pub(super) answered: bool,
}

impl Answer {
    /// Reads an answer.
    pub(super) fn read<'a>(
        host: &str,
        status: u16,
        header: impl Fn(&str) -> Option<&'a str>,
        body: &[u8],
    ) -> Self {
        let text = match status {
            200..300 => String::new(),
            _ => String::from_utf8_lossy(&body[..body.len().min(SEARCHED)]).into_owned(),
        };
        let code = header("x-ms-error-code").map(str::to_owned);
        let code = code.or_else(|| element(&text, "Code")).or_else(|| json_error(&text));
        let first_line = |words: String| Some(clean(words.lines().next()?.trim_end_matches('.')));
        let request = ["x-amz-request-id", "x-ms-request-id", "x-guploader-uploadid"];
        Self {
            host: host.to_owned(),
            status,
            code: code.map(|code| clean(&code)),
            message: element(&text, "Message").and_then(first_line),
            request: request.into_iter().find_map(&header).map(clean),
            region: header("x-amz-bucket-region").map(clean),
            age: age(header("date"), header("last-modified")),
            server: header("server").map(clean),
        }
    }

    /// Classifies an answer of the store that is not a success, or lacks an expected header.
    pub(super) fn refusal(&self, expected: Expectation<'_>) -> Refusal {
        let code = self.code.as_deref().unwrap_or_default();
        let denied = |advice: String| Refusal::Error(RemoteError::Denied(self.sentence(&advice)));
        let unavailable = || Refusal::Error(RemoteError::Unavailable(self.sentence("")));
        match (self.status, code) {
            (404, "NoSuchKey" | "BlobNotFound") => Refusal::NoObject,
            (404, "NoSuchBucket" | "ContainerNotFound") => denied(no_bucket(expected)),
            // A client leased the blob: retries do not help.
            (409 | 412, "LeaseIdMissing" | "LeaseIdMismatchWithBlobOperation")
            | (
                409,
                "ContainerBeingDeleted"
                | "ContainerDisabled"
                | "AccountBeingCreated"
                | "BlobImmutableDueToPolicy",
            ) => {
                denied("the container or blob does not accept writes in this condition".to_owned())
            }
            (304 | 409 | 412, _) => Refusal::Condition,
            (400, "RequestTimeout") | (408 | 429, _) => unavailable(),
            (301 | 302 | 307 | 308, _) | (400, "AuthorizationHeaderMalformed") => {
                denied(elsewhere(expected.service, self.region.as_deref()))
            }
            (_, "RequestTimeTooSkewed") => {
                denied("the clock of this machine is wrong: set it".to_owned())
            }
            (_, "ExpiredToken" | "TokenRefreshRequired") => {
                denied("the credentials expired: get new ones".to_owned())
            }
            (401 | 403, _) | (400, "InvalidToken") => {
                denied(permissions(expected, code).to_owned())
            }
            (407, _) => denied("the proxy refused: check HTTPS_PROXY".to_owned()),
            (405 | 501, _) => {
                denied("the store does not support this request: use another store".to_owned())
            }
            (500.., _) => unavailable(),
            // A proxy may have answered.
            (200..=299 | 404, _) if expected.answered => unavailable(),
            _ => denied("check the endpoint, the bucket and the key".to_owned()),
        }
    }

    /// Classifies an answer of a credentials service that contains no credentials.
    pub(super) fn without_credentials(&self, expected: Expectation<'_>) -> RemoteError {
        let missing = format!("{}, so there are no credentials for the state", self.sentence(""));
        match self.status {
            408 | 429 | 500.. => RemoteError::Unavailable(missing),
            200..300 if expected.answered => RemoteError::Unavailable(missing),
            _ => {
                let advice = credentials_advice(expected.service);
                RemoteError::Denied(format!("{missing}; {advice}"))
            }
        }
    }

    fn sentence(&self, advice: &str) -> String {
        let Self { host, status, code, message, request, region: _, age: _, server: _ } = self;
        let text = match status {
            200..300 => format!("the answer of {host} cannot be read"),
            _ => format!("{host} answered {status}"),
        };
        let code = code.as_ref().map_or_else(String::new, |code| format!(" {code}"));
        let message = message.as_ref().map_or_else(String::new, |text| format!(" ({text})"));
        let request = request.as_ref().map_or_else(String::new, |id| format!(", request {id}"));
        let text = format!("{text}{code}{message}{request}");
        match advice {
            "" => text,
            advice => format!("{text}: {advice}"),
        }
    }
}

/// Returns the advice on how to set the credentials.
pub(super) fn credentials_advice(service: ObjectService) -> &'static str {
    match service {
        ObjectService::S3 => {
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where the machine \
             has a role"
        }
        ObjectService::Gcs => {
            "set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account, or \
             GOOGLE_OAUTH_ACCESS_TOKEN, or run where the machine has a service account"
        }
        ObjectService::Azure => {
            "set AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN, or AZURE_CLIENT_ID, \
             AZURE_TENANT_ID and AZURE_CLIENT_SECRET or AZURE_FEDERATED_TOKEN_FILE, or run where the \
             machine has a managed identity"
        }
    }
}

fn permissions(expected: Expectation<'_>, code: &str) -> &'static str {
    let wrong = matches!(
        code,
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "AuthenticationFailed"
    );
    match (expected.service, wrong) {
        (ObjectService::S3, true) => {
            "the credentials are wrong: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and \
             AWS_SESSION_TOKEN, or the profile"
        }
        (ObjectService::S3, false) => {
            "the identity needs s3:GetObject, s3:PutObject and s3:DeleteObject on the key, and \
             s3:ListBucket on the bucket"
        }
        (ObjectService::Gcs, true) => "the credentials are wrong: check the service account's key",
        (ObjectService::Gcs, false) => {
            "the identity needs storage.objects.get, create, update, delete and list on the bucket"
        }
        (ObjectService::Azure, true) => {
            "the credentials are wrong: check AZURE_STORAGE_ACCOUNT and its key, or the SAS token"
        }
        (ObjectService::Azure, false) if code == "AuthorizationFailure" => {
            "check AZURE_STORAGE_ACCOUNT and its key, and the firewall of the account"
        }
        (ObjectService::Azure, false) => {
            "the identity needs the role Storage Blob Data Contributor on the container"
        }
    }
}

fn no_bucket(expected: Expectation<'_>) -> String {
    let Expectation { service, bucket, answered: _ } = expected;
    let what = match service {
        ObjectService::S3 | ObjectService::Gcs => "bucket",
        ObjectService::Azure => "container",
    };
    format!("there is no {what} `{bucket}`: create it, or correct the URL")
}

fn elsewhere(service: ObjectService, region: Option<&str>) -> String {
    match (service, region) {
        (ObjectService::S3, Some(region)) => {
            format!("the bucket is in another region: set AWS_REGION={region}")
        }
        (ObjectService::S3, None) => {
            "the bucket is in another region: set AWS_REGION to it".to_owned()
        }
        (ObjectService::Gcs | ObjectService::Azure, _) => "check the endpoint".to_owned(),
    }
}

/// Returns the age of an object by the `Date` and the `Last-Modified` of one answer.
fn age(date: Option<&str>, last_modified: Option<&str>) -> Option<Duration> {
    let moment =
        |text: Option<&str>| -> Option<Timestamp> { Some(rfc2822::parse(text?).ok()?.timestamp()) };
    let age = moment(date)?.duration_since(moment(last_modified)?);
    Some(Duration::try_from(age).unwrap_or_default())
}

/// Returns the content of an element of an XML document.
fn element(text: &str, name: &str) -> Option<String> {
    let (_, after) = text.split_once(&format!("<{name}>"))?;
    let (inside, _) = after.split_once(&format!("</{name}>"))?;
    Some(inside.to_owned())
}

/// Returns the error code of an OAuth server, such as `invalid_client`.
fn json_error(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(value.get("error")?.as_str()?.to_owned())
}

/// Returns a text of a service as one line of printable characters, at most 200.
pub(super) fn clean(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let line: String = text.chars().take(LONGEST + 1).map(plain).collect();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let header =
            |name: &str| headers.iter().find(|(is, _)| *is == name).map(|(_, value)| *value);
        Answer::read("h", status, header, body.as_bytes())
    }

    fn expected(service: ObjectService, answered: bool) -> Expectation<'static> {
        Expectation { service, bucket: "b", answered }
    }

    #[test]
    fn the_codes_of_azure_and_google_are_classified() {
        use ObjectService::{Azure, Gcs};
        let denied = |part: &'static str| Err(part);
        let cases = [
            (Azure, 404, "BlobNotFound", Ok(Refusal::NoObject)),
            (Azure, 404, "ContainerNotFound", denied("there is no container `b`: create it")),
            (Azure, 409, "BlobAlreadyExists", Ok(Refusal::Condition)),
            (Azure, 412, "ConditionNotMet", Ok(Refusal::Condition)),
            (Azure, 412, "LeaseIdMissing", denied("does not accept writes")),
            (Azure, 409, "ContainerBeingDeleted", denied("does not accept writes")),
            (Azure, 403, "AuthorizationPermissionMismatch", denied("Blob Data Contributor")),
            (Azure, 403, "AuthenticationFailed", denied("the credentials are wrong")),
            (Gcs, 412, "PreconditionFailed", Ok(Refusal::Condition)),
            (Gcs, 404, "NoSuchBucket", denied("there is no bucket `b`")),
            (Gcs, 403, "AccessDenied", denied("the identity needs storage.objects.get")),
            (Gcs, 401, "", denied("the identity needs storage.objects.get")),
        ];
        for (service, status, code, meaning) in cases {
            let by_header = answer(status, &[("x-ms-error-code", code)], "");
            let by_body = answer(status, &[], &format!("<Error><Code>{code}</Code></Error>"));
            for answer in [by_header, by_body] {
                match (answer.refusal(expected(service, true)), &meaning) {
                    (Refusal::Error(RemoteError::Denied(why)), Err(part)) => {
                        assert!(why.contains(part), "{code}: {why}");
                    }
                    (refusal, meaning) => assert_eq!(Ok(refusal), *meaning, "{code}"),
                }
            }
        }
    }

    #[test]
    fn missing_credentials_are_transient_only_for_transient_answers() {
        let meaning = |status, body, answered| {
            answer(status, &[], body).without_credentials(expected(ObjectService::Gcs, answered))
        };
        let refused = meaning(400, r#"{"error": "invalid_grant"}"#, true);
        let RemoteError::Denied(why) = refused else { panic!("{refused:?}") };
        let part = "h answered 400 invalid_grant, so there are no credentials for the state; set";
        assert!(why.starts_with(part), "{why}");
        assert!(matches!(meaning(200, "garbage", false), RemoteError::Denied(_)));
        for (status, answered) in [(200, true), (500, false), (429, true)] {
            let passing = meaning(status, "", answered);
            assert!(matches!(passing, RemoteError::Unavailable(_)), "{passing:?}");
        }
    }

    #[test]
    fn messages_of_a_service_are_shortened_to_one_line() {
        let words = format!("first\u{1b}[2J{}.\nsecond", "x".repeat(300));
        let body = format!("<Error><Code>C</Code><Message>{words}</Message></Error>");
        let refusal = answer(418, &[], &body).refusal(expected(ObjectService::S3, false));
        let Refusal::Error(RemoteError::Denied(why)) = refusal else { panic!("{refusal:?}") };
        assert!(why.starts_with("h answered 418 C (first [2Jxxx"), "{why}");
        assert!(!why.contains("second") && why.chars().count() < 300, "{why}");
    }
}
