//! The stand-in's own calls: people come and go, and time passes. From this machine only.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::model::{Clock, Kind, RoomId};

use super::gate::AppKey;
use super::{Emulator, EmulatorError};

const BODY_BYTES: usize = 1 << 16;

/// Who goes in or out. Kind and app id may be left out where one application is meant without them; without
/// users, `enter` lets one in and `leave` everyone out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    kind: Option<Kind>,
    app_id: Option<u32>,
    room: String,
    users: Option<u64>,
}

/// How many seconds pass.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u64,
}

/// Why one of these calls was refused.
enum Refused {
    NotLocal,
    Body(String),
    NoApp,
    WhichApp,
    Emulator(EmulatorError),
}

/// `POST /emulator/enter` with `{"kind": "zim", "app_id": 1, "room": "lobby", "users": 300}`.
pub(super) async fn enter(State(emulator): State<Emulator>, request: Request) -> Response {
    moved(&emulator, read(request).await, |(kind, app), room, users| {
        emulator.enter(kind, app, room, users.unwrap_or(1))
    })
}

/// `POST /emulator/leave` with `{"kind": "zim", "app_id": 1, "room": "lobby", "users": 300}`.
pub(super) async fn leave(State(emulator): State<Emulator>, request: Request) -> Response {
    moved(&emulator, read(request).await, |(kind, app), room, users| {
        emulator.leave(kind, app, room, users)
    })
}

/// `POST /emulator/advance` with `{"seconds": 10800}`.
pub(super) async fn advance(State(emulator): State<Emulator>, request: Request) -> Response {
    let advanced = read(request).await.and_then(|Advance { seconds }| {
        emulator.advance(Duration::from_secs(seconds)).map_err(Refused::Emulator)
    });
    match advanced {
        Ok(()) => axum::Json(json!({"now": emulator.now()})).into_response(),
        Err(refused) => refused.into_response(),
    }
}

fn moved(
    emulator: &Emulator,
    request: Result<Move, Refused>,
    how: impl FnOnce(AppKey, &RoomId, Option<u64>) -> Result<u64, EmulatorError>,
) -> Response {
    let people = request.and_then(|Move { kind, app_id, room, users }| {
        let app = meant(emulator, kind, app_id)?;
        how(app, &RoomId::new(&room), users).map_err(Refused::Emulator)
    });
    match people {
        Ok(people) => axum::Json(json!({"people": people})).into_response(),
        Err(refused) => refused.into_response(),
    }
}

fn meant(emulator: &Emulator, kind: Option<Kind>, app: Option<u32>) -> Result<AppKey, Refused> {
    let mut served = emulator.served(kind, app);
    match (served.next(), served.next()) {
        (None, _) => Err(Refused::NoApp),
        (Some(app), None) => Ok(app),
        (Some(_), Some(_)) => Err(Refused::WhichApp),
    }
}

async fn read<T: DeserializeOwned>(request: Request) -> Result<T, Refused> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    // Without a socket the caller is this process itself.
    if peer.is_some_and(|ConnectInfo(address)| !address.ip().to_canonical().is_loopback()) {
        return Err(Refused::NotLocal);
    }
    let body = to_bytes(request.into_body(), BODY_BYTES).await;
    let body: Bytes = body.map_err(|error| Refused::Body(error.to_string()))?;
    serde_json::from_slice(&body).map_err(|error| Refused::Body(error.to_string()))
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Self::NotLocal => (StatusCode::FORBIDDEN, "only from this machine".to_owned()),
            Self::Body(why) => (StatusCode::BAD_REQUEST, why),
            Self::NoApp => (StatusCode::NOT_FOUND, "the emulator serves no such app".to_owned()),
            Self::WhichApp => {
                let words =
                    "there are several apps: say `app_id`, and `kind` where they have the same";
                (StatusCode::BAD_REQUEST, words.to_owned())
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
        | EmulatorError::Listen { .. }
        | EmulatorError::AppTwice { .. }
        | EmulatorError::FaultsOverWhole { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
