//! Connects providers: the only place that maps a kind to its service.

use std::sync::Arc;

use super::access::Access;
use super::http::{
    AllowedHosts, HostNotAllowed, HttpTransport, NetworkError, Random, ServiceUrl, SystemRandom,
    Transport,
};
use super::rtc::{self, Rtc};
use super::tencent_live::{self, TencentLive};
use super::zim::{self, Zim};
use super::{Client, Service};
use crate::model::{Application, Clock, EndpointUrl, Kind, Provider, Secret};

/// Why a provider cannot be connected, by what the user does next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The host has to be allowed.
    #[error(transparent)]
    Endpoint(#[from] HostNotAllowed),
    /// This machine's TLS has to be fixed.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// The clocks that a client reads.
#[derive(Clone)]
pub struct Clocks {
    /// The clock of signatures: the wall clock.
    pub signing: Arc<dyn Clock>,
    /// The clock of observations and of the rooms, which the built-in emulator may advance.
    pub rooms: Arc<dyn Clock>,
}

impl Clocks {
    /// Uses one clock for both.
    #[must_use]
    pub fn same(clock: Arc<dyn Clock>) -> Self {
        Self { signing: Arc::clone(&clock), rooms: clock }
    }
}

/// Returns the vendor's URL for a kind, the default endpoint.
///
/// # Panics
/// Never: the hosts are constants that make valid URLs.
#[must_use]
pub fn vendor_url(kind: Kind) -> EndpointUrl {
    let url = format!("https://{}/", kind.vendor_host());
    url.parse().expect("https and a host are an endpoint")
}

/// Returns the client of a provider at `base_url`, over the network or on loopback. Nothing is sent yet.
/// The signing clock must be within 10 minutes of the service's.
///
/// # Errors
/// Returns [`ConnectError`] if credentials may not be sent to `base_url`, or TLS cannot be set up.
pub fn connect(
    provider: &Provider,
    base_url: &EndpointUrl,
    secret: Secret,
    clocks: Clocks,
    allowed: &AllowedHosts,
) -> Result<Client, ConnectError> {
    let url = service_url(provider.kind(), base_url, allowed)?;
    let transport = Arc::new(HttpTransport::new(&url)?);
    Ok(client(provider, url, secret, clocks, transport))
}

/// Returns the client of a provider like [`connect`], over the given transport.
///
/// # Errors
/// Returns [`ConnectError`] if credentials may not be sent to `base_url`.
pub fn connect_over(
    provider: &Provider,
    base_url: &EndpointUrl,
    secret: Secret,
    clocks: Clocks,
    allowed: &AllowedHosts,
    transport: Arc<dyn Transport>,
) -> Result<Client, ConnectError> {
    let url = service_url(provider.kind(), base_url, allowed)?;
    Ok(client(provider, url, secret, clocks, transport))
}

/// The service of one kind.
struct ServiceEntry {
    /// Returns whether a host is the vendor's: credentials may be sent to it.
    is_vendor: fn(&str) -> bool,
    /// Makes the service.
    service: fn(Access, &Application) -> Arc<dyn Service>,
}

fn service_entry(kind: Kind) -> ServiceEntry {
    match kind {
        Kind::Rtc => ServiceEntry {
            is_vendor: rtc::is_vendor,
            service: |access, it| Arc::new(Rtc::new(access, it.is_test())),
        },
        Kind::Zim => ServiceEntry {
            is_vendor: zim::is_vendor,
            service: |access, it| Arc::new(Zim::new(access, operator(it))),
        },
        Kind::TencentLive => ServiceEntry {
            is_vendor: tencent_live::is_vendor,
            service: |access, it| Arc::new(TencentLive::new(access, operator(it))),
        },
    }
}

fn operator(application: &Application) -> String {
    application.operator().unwrap_or_default().to_owned()
}

fn service_url(
    kind: Kind,
    base_url: &EndpointUrl,
    allowed: &AllowedHosts,
) -> Result<ServiceUrl, HostNotAllowed> {
    ServiceUrl::new(base_url, service_entry(kind).is_vendor, allowed)
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
    let service = (service_entry(provider.kind()).service)(access, &provider.application);
    let calls = provider.kind().calls().iter();
    let rates = calls.map(|(call, _)| (*call, provider.rate(*call))).collect();
    Client::new(service, rates, random, rooms)
}

#[cfg(test)]
mod tests;
