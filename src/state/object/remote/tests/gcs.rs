//! A fake of Google Cloud Storage, with the part of its XML API that is used:
//! <https://cloud.google.com/storage/docs/xml-api/overview>.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use tokio::net::TcpListener;

/// One bucket.
struct Bucket {
    name: &'static str,
    objects: Mutex<Objects>,
}

/// The last generation, and the objects with their generations.
#[derive(Default)]
struct Objects(u64, BTreeMap<String, (u64, Bytes)>);

/// Serves a bucket on a free port of loopback until the runtime ends.
pub(super) async fn serve(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let bucket = Arc::new(Bucket { name, objects: Mutex::default() });
    let router = axum::Router::new().fallback(answer).with_state(bucket);
    tokio::spawn(async { axum::serve(listener, router).await.expect("served") });
    address
}

async fn answer(State(bucket): State<Arc<Bucket>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.expect("a body");
    let header = |name: &str| head.headers.get(name).map(|value| value.to_str().expect("text"));
    let Some(key) = head.uri.path().strip_prefix(&format!("/{}/", bucket.name)) else {
        return error(StatusCode::NOT_FOUND, "NoSuchBucket");
    };
    let mut objects = bucket.objects.lock().unwrap_or_else(PoisonError::into_inner);
    let Objects(last, objects) = &mut *objects;
    let there = objects.get(key).cloned();
    match (head.method, there) {
        (Method::GET, Some((generation, bytes))) => found(generation, bytes),
        (Method::GET | Method::DELETE, None) => error(StatusCode::NOT_FOUND, "NoSuchKey"),
        (Method::PUT, there) => {
            assert_eq!(header("cache-control"), Some("no-store"));
            let generation = there.map_or(0, |(generation, _)| generation);
            if header("x-goog-if-generation-match") != Some(&generation.to_string()) {
                return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
            }
            *last += 1;
            objects.insert(key.to_owned(), (*last, bytes));
            found(*last, Bytes::new())
        }
        (Method::DELETE, Some(_)) => {
            objects.remove(key);
            Response::builder().status(204).body(Body::empty()).expect("an answer")
        }
        (method, Some(_) | None) => panic!("{method}"),
    }
}

fn found(generation: u64, bytes: Bytes) -> Response {
    Response::builder()
        .header("etag", format!("\"{generation}\""))
        .header("x-goog-generation", generation)
        .header("server", "UploadServer")
        .header("date", "Wed, 21 Oct 2015 07:30:00 GMT")
        .header("last-modified", "Wed, 21 Oct 2015 07:28:30 GMT")
        .body(Body::from(bytes))
        .expect("an answer")
}

fn error(status: StatusCode, code: &str) -> Response {
    let body = format!("<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code></Error>");
    Response::builder().status(status).body(Body::from(body)).expect("an answer")
}
