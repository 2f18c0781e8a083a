//! What all services share: the client, the rate limit, the retry policy and the clocks.

mod clock;
mod endpoint;
mod loopback;
mod moments;
mod network;
mod pacer;
mod query;
mod random;
mod retry;
mod transport;
mod words;

pub use clock::{SystemClock, TokioClock};
pub use endpoint::{AllowedHosts, HostNotAllowed, Reach, Security, ServiceUrl};
pub use loopback::post_to_loopback;
pub use moments::ClockDifference;
pub(super) use moments::{http_date, retry_after};
pub use network::{HttpTransport, NetworkError};
pub use pacer::{InFlight, Pacer, Permit};
pub(super) use query::Query;
#[cfg(test)]
pub(crate) use random::Fixed;
pub use random::{Random, SystemRandom};
pub use retry::{Backoff, RetryPolicy};
pub(super) use transport::within_timeout;
pub use transport::{HttpRequest, HttpResponse, Method, Sending, Transport, TransportError};
pub(super) use words::{clean, printable};
