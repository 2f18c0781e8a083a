//! What one application at a service is reached with, and one exchange with it.

use std::sync::Arc;

use super::envelope::{Asked, Dialect};
use super::http::{
    HttpRequest, HttpResponse, Method, Random, ServiceUrl, Transport, within_timeout,
};
use crate::model::{ApiError, Call, Clock, ErrorClass, Secret};

/// A room that nobody has, for a harmless query.
pub(super) const NOBODYS_ROOM: &str = "roomctl-check-no-such-room";

/// What one application is reached with.
pub(super) struct Access {
    /// ZEGOCLOUD's AppId, or Tencent's SDKAppID.
    pub(super) app_id: u32,
    /// What signs.
    pub(super) secret: Secret,
    /// Where the service answers.
    pub(super) url: ServiceUrl,
    /// What sends the requests.
    pub(super) transport: Arc<dyn Transport>,
    /// The clock that signs.
    pub(super) clock: Arc<dyn Clock>,
    /// Where nonces come from.
    pub(super) random: Arc<dyn Random>,
}

/// A request that is signed, and its answer judged by what was asked.
pub(super) struct Signed<'a> {
    /// The call.
    pub(super) call: Call,
    /// The method.
    pub(super) method: Method,
    /// Where it goes.
    pub(super) url: ServiceUrl,
    /// The query, percent-encoded, with what proves the request.
    pub(super) query: String,
    /// The JSON body.
    pub(super) body: Option<Vec<u8>>,
    /// What must not be echoed besides the secret and the query.
    pub(super) hidden: &'a [&'a str],
}

impl Access {
    /// Sends a signed request, once, and has its answer read.
    pub(super) async fn exchange<T>(
        &self,
        dialect: &'static Dialect,
        signed: Signed<'_>,
        read: impl FnOnce(&Asked<'_>, &HttpResponse) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let Signed { call, method, url, query, body, hidden } = signed;
        let request = HttpRequest { call, method, url, query: query.clone(), body };
        let response = within_timeout(&*self.transport, request).await;
        let escaped = query.replace('&', "&amp;");
        let mut parts = vec![self.secret.expose(), &query, &escaped];
        parts.extend(hidden);
        let asked = Asked { dialect, call, hidden: &parts, now: self.clock.now() };
        match response {
            Ok(response) => read(&asked, &response),
            Err(error) => Err(asked.unanswered(error)),
        }
    }
}

/// A request that could not be made: it is known not to be done, and no other would fare better.
pub(super) fn unsent(call: Call, error: &dyn std::fmt::Display) -> ApiError {
    let message = format!("the request could not be made: {error}");
    ApiError {
        class: ErrorClass::Fatal,
        call,
        code: None,
        message,
        request_id: None,
        retry_after: None,
        answered: false,
    }
}
