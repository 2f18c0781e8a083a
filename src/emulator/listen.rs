//! The listener: the stand-in on a socket.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use axum::routing::{any, post};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Emulator, EmulatorError, admin, process};

/// How long a shutdown waits for requests under way.
const GRACE: Duration = Duration::from_millis(500);

/// Stands on every answer, so that nobody takes the stand-in for the vendor.
const MARK: HeaderName = HeaderName::from_static("x-roomctl-emulator");

/// A stand-in that listens.
#[derive(Debug)]
pub struct Running {
    emulator: Emulator,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, gives requests under way half a second, and brings the data file up to date.
    ///
    /// # Errors
    /// Returns [`EmulatorError::File`] where the data file cannot be written; every change is then still in
    /// its log.
    pub async fn shutdown(self) -> Result<(), EmulatorError> {
        let Self { emulator, address: _, stop, mut task } = self;
        drop(stop);
        if timeout(GRACE, &mut task).await.is_err() {
            task.abort();
        }
        emulator.fold()
    }
}

pub(super) async fn listen(
    emulator: Emulator,
    address: SocketAddr,
) -> Result<Running, EmulatorError> {
    let failed = |source| EmulatorError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("the emulator cannot send without delay: {error}");
        }
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let service = router(emulator.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async {
        // Told to stop and forgotten are the same to it.
        stopped.await.unwrap_or_default();
    });
    let task = tokio::spawn(async { server.await });
    Ok(Running { emulator, address: bound, stop, task })
}

pub(super) fn router(emulator: Emulator) -> Router {
    Router::new()
        .route("/", any(process::receive))
        .route("/v4/{service}/{command}", any(process::receive))
        .route("/emulator/enter", post(admin::enter))
        .route("/emulator/leave", post(admin::leave))
        .route("/emulator/advance", post(admin::advance))
        .layer(axum::middleware::map_response(mark))
        .with_state(emulator)
}

async fn mark(mut response: Response) -> Response {
    response.headers_mut().insert(MARK, HeaderValue::from_static("1"));
    response
}
