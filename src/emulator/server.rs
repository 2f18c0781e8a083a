//! Serves the emulator on a socket: the services, and the emulator's own calls (enter, leave, advance).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::serve::ListenerExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use crate::model::{Clock, Kind, RoomId};

use super::action::AppKey;
use super::error::EmulatorError;
use super::handle::Emulator;
use super::process;

/// How long a shutdown waits for the requests in flight.
const GRACE: Duration = Duration::from_millis(500);

/// A header of every answer that identifies the emulator.
const EMULATOR_HEADER: HeaderName = HeaderName::from_static("x-roomctl-emulator");

/// The longest body of one of the emulator's own calls.
const BODY_BYTES: usize = 1 << 16;

/// A listening emulator.
#[derive(Debug)]
pub struct Running {
    emulator: Emulator,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

/// The body of `enter` and `leave`. Kind and app id are optional if one application matches without them.
/// `users` defaults to 1 for `enter`, and to all people for `leave`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MoveBody {
    kind: Option<Kind>,
    app_id: Option<u32>,
    room: String,
    users: Option<u64>,
}

/// The body of `advance`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdvanceBody {
    seconds: u64,
}

/// Why one of the emulator's own calls failed.
enum CallError {
    NotLocal,
    Body(String),
    UnknownApp,
    AmbiguousApp,
    Emulator(EmulatorError),
}

impl Running {
    /// Returns the address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, waits up to half a second for the requests in flight, and folds the log into the
    /// data file.
    ///
    /// # Errors
    /// Returns [`EmulatorError::File`] if the data file cannot be written; all changes are then still in its
    /// log.
    pub async fn shutdown(self) -> Result<(), EmulatorError> {
        let Self { emulator, address: _, stop, mut task } = self;
        drop(stop);
        if timeout(GRACE, &mut task).await.is_err() {
            task.abort();
        }
        blocking(move || emulator.fold()).await
    }
}

impl Emulator {
    /// Returns the services as a router, to be used without a socket. A connection that a fault cuts is a
    /// response with the extension [`process::Cut`], whose body fails.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/", any(process::receive))
            .route("/v4/{service}/{command}", any(process::receive))
            .route("/emulator/enter", post(enter))
            .route("/emulator/leave", post(leave))
            .route("/emulator/advance", post(advance))
            .layer(axum::middleware::map_response(add_emulator_header))
            .with_state(self.clone())
    }

    /// Listens on `address`; port 0 selects a free port.
    ///
    /// # Errors
    /// Returns [`EmulatorError::Listen`] if the address is in use or does not belong to this machine.
    pub async fn listen(&self, address: SocketAddr) -> Result<Running, EmulatorError> {
        let failed = |source| EmulatorError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!("the emulator cannot send without delay: {error}");
            }
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let service = self.router().into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, service).with_graceful_shutdown(async {
            // Dropping the sender stops the server.
            stopped.await.unwrap_or_default();
        });
        let task = tokio::spawn(async { server.await });
        Ok(Running { emulator: self.clone(), address: bound, stop, task })
    }
}

async fn add_emulator_header(mut response: Response) -> Response {
    response.headers_mut().insert(EMULATOR_HEADER, HeaderValue::from_static("1"));
    response
}

/// Runs work that writes to a disk on a blocking thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EmulatorError> + Send + 'static,
) -> Result<T, EmulatorError> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(EmulatorError::Interrupted(error)))
}

/// `POST /emulator/enter` with `{"kind": "zim", "app_id": 1, "room": "lobby", "users": 300}`.
async fn enter(State(emulator): State<Emulator>, request: Request) -> Response {
    move_people(emulator, request, |emulator, (kind, app), room, users| {
        emulator.enter(kind, app, room, users.unwrap_or(1))
    })
    .await
}

/// `POST /emulator/leave` with `{"kind": "zim", "app_id": 1, "room": "lobby", "users": 300}`.
async fn leave(State(emulator): State<Emulator>, request: Request) -> Response {
    move_people(emulator, request, |emulator, (kind, app), room, users| {
        emulator.leave(kind, app, room, users)
    })
    .await
}

/// `POST /emulator/advance` with `{"seconds": 10800}`.
async fn advance(State(emulator): State<Emulator>, request: Request) -> Response {
    let advanced = async {
        let AdvanceBody { seconds } = read(request).await?;
        let clock = emulator.clone();
        blocking(move || emulator.advance(Duration::from_secs(seconds))).await?;
        Ok::<_, CallError>(json!({"now": clock.now()}))
    };
    respond(advanced.await)
}

/// Moves people with `change`, and answers how many are inside then.
async fn move_people(
    emulator: Emulator,
    request: Request,
    change: fn(&Emulator, AppKey, &RoomId, Option<u64>) -> Result<u64, EmulatorError>,
) -> Response {
    let moved = async {
        let MoveBody { kind, app_id, room, users } = read(request).await?;
        let app = select(&emulator, kind, app_id)?;
        let people = blocking(move || change(&emulator, app, &RoomId::new(&room), users)).await?;
        Ok::<_, CallError>(json!({"people": people}))
    };
    respond(moved.await)
}

fn respond(result: Result<Value, CallError>) -> Response {
    match result {
        Ok(value) => axum::Json(value).into_response(),
        Err(error) => error.into_response(),
    }
}

/// Selects the application of a call.
fn select(emulator: &Emulator, kind: Option<Kind>, app: Option<u32>) -> Result<AppKey, CallError> {
    let mut served = emulator.served(kind, app);
    match (served.next(), served.next()) {
        (None, _) => Err(CallError::UnknownApp),
        (Some(app), None) => Ok(app),
        (Some(_), Some(_)) => Err(CallError::AmbiguousApp),
    }
}

impl From<EmulatorError> for CallError {
    fn from(error: EmulatorError) -> Self {
        Self::Emulator(error)
    }
}

async fn read<T: DeserializeOwned>(request: Request) -> Result<T, CallError> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    // Without a socket the caller is this process.
    if peer.is_some_and(|ConnectInfo(address)| !address.ip().to_canonical().is_loopback()) {
        return Err(CallError::NotLocal);
    }
    let body = to_bytes(request.into_body(), BODY_BYTES).await;
    let body: Bytes = body.map_err(|error| CallError::Body(error.to_string()))?;
    serde_json::from_slice(&body).map_err(|error| CallError::Body(error.to_string()))
}

impl IntoResponse for CallError {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Self::NotLocal => (StatusCode::FORBIDDEN, "only from this machine".to_owned()),
            Self::Body(error) => (StatusCode::BAD_REQUEST, error),
            Self::UnknownApp => {
                (StatusCode::NOT_FOUND, "the emulator serves no such app".to_owned())
            }
            Self::AmbiguousApp => {
                let message =
                    "there are several apps: add `app_id`, and `kind` if they have the same id";
                (StatusCode::BAD_REQUEST, message.to_owned())
            }
            Self::Emulator(error) => (status_of(&error), error.to_string()),
        };
        (status, axum::Json(json!({"error": message}))).into_response()
    }
}

fn status_of(error: &EmulatorError) -> StatusCode {
    match error {
        EmulatorError::NoSuchApp { .. } | EmulatorError::NoSuchRoom { .. } => StatusCode::NOT_FOUND,
        EmulatorError::ReadOnly => StatusCode::CONFLICT,
        EmulatorError::Locked { .. }
        | EmulatorError::Damaged { .. }
        | EmulatorError::Newer { .. }
        | EmulatorError::File { .. }
        | EmulatorError::Encode(_)
        | EmulatorError::Interrupted(_)
        | EmulatorError::Listen { .. }
        | EmulatorError::DuplicateApp { .. }
        | EmulatorError::FaultsOverWhole { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
