//! HTTP for all services: transport, rate limit, retry policy, clocks.

mod clock;
mod endpoint;
mod http_date;
mod network;
mod pacer;
mod query;
mod random;
mod retry;
mod sanitize;
mod transport;

pub use clock::{SystemClock, TokioClock};
pub use endpoint::{AllowedHosts, HostNotAllowed, Reach, Security, ServiceUrl};
pub use http_date::ClockDifference;
pub(super) use http_date::{http_date, retry_after};
pub use network::{HttpTransport, NetworkError, post_to_loopback};
pub use pacer::{InFlight, Pacer, Permit};
pub(super) use query::Query;
#[cfg(test)]
pub(crate) use random::Fixed;
pub use random::{Random, SystemRandom};
pub use retry::{Backoff, RetryPolicy};
pub(super) use sanitize::{clean, printable};
pub(super) use transport::within_timeout;
pub use transport::{HttpRequest, HttpResponse, Method, Sending, Transport, TransportError};
