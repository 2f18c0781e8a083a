//! A word to a server on this machine, such as an emulator that listens: nothing secret is in it.

use serde_json::Value;

use super::{AllowedHosts, Reach, ServiceUrl};
use crate::model::CALL_TIMEOUT;

/// Sends `body` to `path` at a URL on loopback.
///
/// # Errors
/// Returns a sentence where the URL is not on loopback, nobody answers, or the answer is a refusal.
pub async fn post_to_loopback(url: &str, path: &str, body: &Value) -> Result<(), String> {
    let base = ServiceUrl::new(url, |_| false, &AllowedHosts::none()).map_err(|e| e.to_string())?;
    if base.reach() != Reach::Loopback {
        return Err(format!("{} is not on this machine", base.host()));
    }
    let said = |error: reqwest::Error| error.without_url().to_string();
    let client =
        reqwest::Client::builder().no_proxy().timeout(CALL_TIMEOUT).build().map_err(said)?;
    let url = format!("{}{path}", url.trim_end_matches('/'));
    let response = client.post(url).json(body).send().await.map_err(said)?;
    if response.status().is_success() {
        return Ok(());
    }
    Err(response.text().await.map_err(said)?)
}
