//! Which kind is which service: the one place that knows them all.

use std::sync::Arc;

use super::access::Access;
use super::http::{
    AllowedHosts, EndpointError, HttpTransport, NetworkError, Random, ServiceUrl, SystemRandom,
    Transport,
};
use super::rtc::{self, Rtc};
use super::tencent_live::{self, TencentLive};
use super::zim::{self, Zim};
use super::{Client, Service};
use crate::model::{Application, Clock, Kind, Provider, Secret};

/// Why a provider cannot be reached at all, by what the user does next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The endpoint has to be fixed or allowed.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// This machine's TLS has to be fixed.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// The clocks that a client reads.
#[derive(Clone)]
pub struct Clocks {
    /// The clock of signatures: the real time.
    pub signing: Arc<dyn Clock>,
    /// The clock of observations and of the rooms' life, which the built-in emulator may move ahead.
    pub rooms: Arc<dyn Clock>,
}

impl Clocks {
    /// Uses one clock for both.
    #[must_use]
    pub fn same(clock: Arc<dyn Clock>) -> Self {
        Self { signing: Arc::clone(&clock), rooms: clock }
    }
}

/// Returns the vendor's own URL for a kind, the default endpoint.
#[must_use]
pub fn vendor_url(kind: Kind) -> String {
    format!("https://{}/", kind.vendor_host())
}

/// Returns the client of a provider at `base_url`, over the network or on loopback. Nothing is sent yet.
/// The signing clock must be within 10 minutes of the service's.
///
/// # Errors
/// Returns [`ConnectError`] if credentials may not be sent to `base_url`, or TLS cannot be set up.
pub fn connect(
    provider: &Provider,
    base_url: &str,
    secret: Secret,
    clocks: Clocks,
    allowed: &AllowedHosts,
) -> Result<Client, ConnectError> {
    let url = service_url(provider.kind(), base_url, allowed)?;
    let transport = Arc::new(HttpTransport::new(&url)?);
    Ok(client(provider, url, secret, clocks, transport))
}

/// Returns the client of a provider as [`connect`] does, over a transport of the caller's.
///
/// # Errors
/// Returns [`ConnectError`] if credentials may not be sent to `base_url`.
pub fn connect_over(
    provider: &Provider,
    base_url: &str,
    secret: Secret,
    clocks: Clocks,
    allowed: &AllowedHosts,
    transport: Arc<dyn Transport>,
) -> Result<Client, ConnectError> {
    let url = service_url(provider.kind(), base_url, allowed)?;
    Ok(client(provider, url, secret, clocks, transport))
}

fn service_url(
    kind: Kind,
    base_url: &str,
    allowed: &AllowedHosts,
) -> Result<ServiceUrl, EndpointError> {
    let is_vendor = match kind {
        Kind::Rtc => rtc::is_vendor,
        Kind::Zim => zim::is_vendor,
        Kind::TencentLive => tencent_live::is_vendor,
    };
    ServiceUrl::new(base_url, is_vendor, allowed)
}

fn client(
    provider: &Provider,
    url: ServiceUrl,
    secret: Secret,
    clocks: Clocks,
    transport: Arc<dyn Transport>,
) -> Client {
    let Clocks { signing: clock, rooms } = clocks;
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let app_id = provider.app_id;
    let access = Access { app_id, secret, url, transport, clock, random: Arc::clone(&random) };
    let service: Arc<dyn Service> = match &provider.application {
        Application::Rtc { is_test } => Arc::new(Rtc::new(access, *is_test)),
        Application::Zim { operator } => Arc::new(Zim::new(access, operator.clone())),
        Application::TencentLive { operator, dissolve_after: _ } => {
            Arc::new(TencentLive::new(access, operator.clone()))
        }
    };
    let calls = provider.kind().calls().iter();
    let rates = calls.map(|(call, _)| (*call, provider.rate(*call))).collect();
    Client::new(service, rates, random, rooms)
}

#[cfg(test)]
mod tests;
