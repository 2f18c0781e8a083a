//! The access to one application of a service, and one request and answer with it.

use std::sync::Arc;

use super::envelope::{Exchange, ResponseFormat};
use super::http::{
    HttpRequest, HttpResponse, Method, Random, ServiceUrl, Transport, within_timeout,
};
use crate::model::{ApiError, Call, Clock, ErrorClass, Secret};

/// The id of a room that does not exist, for a query without effect.
pub(super) const ABSENT_ROOM: &str = "roomctl-check-no-such-room";

/// The access to one application.
pub(super) struct Access {
    /// ZEGOCLOUD's AppId, or Tencent's SDKAppID.
    pub(super) app_id: u32,
    /// The secret that signs.
    pub(super) secret: Secret,
    /// The service's URL.
    pub(super) url: ServiceUrl,
    /// Sends the requests.
    pub(super) transport: Arc<dyn Transport>,
    /// The clock of the signatures.
    pub(super) clock: Arc<dyn Clock>,
    /// The source of nonces.
    pub(super) random: Arc<dyn Random>,
}

/// A signed request.
pub(super) struct SignedRequest<'a> {
    /// The call.
    pub(super) call: Call,
    /// The method.
    pub(super) method: Method,
    /// The URL.
    pub(super) url: ServiceUrl,
    /// The query, percent-encoded, with the signature.
    pub(super) query: String,
    /// The JSON body.
    pub(super) body: Option<Vec<u8>>,
    /// Texts to hide besides the secret and the query.
    pub(super) hidden: &'a [&'a str],
}

impl Access {
    /// Sends a signed request once, and reads its answer with `read`.
    pub(super) async fn exchange<T>(
        &self,
        format: &'static ResponseFormat,
        request: SignedRequest<'_>,
        read: impl FnOnce(&Exchange<'_>, &HttpResponse) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let SignedRequest { call, method, url, query, body, hidden } = request;
        let request = HttpRequest { call, method, url, query: query.clone(), body };
        let host = request.url.host();
        let response = within_timeout(&host, self.transport.send(request)).await;
        let escaped = query.replace('&', "&amp;");
        let mut parts = vec![self.secret.expose(), &query, &escaped];
        parts.extend(hidden);
        let exchange = Exchange { format, call, hidden: &parts, now: self.clock.now() };
        match response {
            Ok(response) => read(&exchange, &response),
            Err(error) => Err(exchange.unanswered(error)),
        }
    }
}

/// Returns the error of a request that could not be built: it is known not to be done, and a retry fails
/// the same way.
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
