//! A word to a server on this machine, such as an emulator that listens: nothing secret is in it.

use serde_json::Value;

use crate::model::EndpointUrl;

use super::{AllowedHosts, HttpTransport, Reach, ServiceUrl};

/// Sends `body` to `path` at a URL on loopback.
///
/// # Errors
/// Returns a sentence where the URL is not on loopback, nobody answers, or the answer is a refusal.
pub async fn post_to_loopback(url: &EndpointUrl, path: &str, body: &Value) -> Result<(), String> {
    let base = ServiceUrl::new(url, |_| false, &AllowedHosts::none()).map_err(|e| e.to_string())?;
    if base.reach() != Reach::Loopback {
        return Err(format!("{} is not on this machine", base.host()));
    }
    let transport = HttpTransport::new(&base).map_err(|error| error.to_string())?;
    let url = url.join(path);
    let response =
        transport.post(url.as_url().as_str(), body).await.map_err(|error| error.to_string())?;
    if response.status().is_success() {
        return Ok(());
    }
    response.text().await.map_or_else(|e| Err(e.without_url().to_string()), Err)
}
