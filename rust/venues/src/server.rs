//! The server around a venue: HTTP and WebSocket on 127.0.0.1 by axum, nothing decided here. A request is
//! handled under one lock; each stream sends what was queued for its context, so an answer never waits for a socket.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response as HttpResponse};
use axum::routing::any;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use crate::VenueError;
use crate::saxo::{Request, Response, SaxoVenue};

/// Largest request body.
const LARGEST: usize = 1 << 20;
const STREAM: &str = "/sim/oapi/streaming/ws/connect";

/// A running server; it stops when it is closed or dropped.
#[derive(Debug)]
pub struct SaxoServer {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

#[derive(Debug)]
struct House {
    venue: Mutex<SaxoVenue>,
    /// Rung after each request: there may be frames to send.
    bell: Notify,
}

impl House {
    fn venue(&self) -> MutexGuard<'_, SaxoVenue> {
        self.venue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SaxoServer {
    /// Serves `venue` at `address` on threads of its own; port 0 takes a free one.
    ///
    /// # Errors
    /// `NotLoopback` for any address but 127.0.0.1, `Port` when the port cannot be had, `Runtime`.
    pub fn start(venue: SaxoVenue, address: SocketAddr) -> Result<Self, VenueError> {
        if address.ip() != Ipv4Addr::LOCALHOST {
            return Err(VenueError::NotLoopback { address });
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("exuvia-venue")
            .enable_all()
            .build()
            .map_err(VenueError::Runtime)?;
        let unbound = |source| VenueError::Port { port: address.port(), source };
        let listener = runtime.block_on(TcpListener::bind(address)).map_err(unbound)?;
        let address = listener.local_addr().map_err(unbound)?;
        let house = Arc::new(House { venue: Mutex::new(venue), bell: Notify::new() });
        let router = Router::new()
            .route(STREAM, any(stream))
            .fallback(answer)
            .layer(DefaultBodyLimit::max(LARGEST))
            .with_state(house);
        // Small answers must not wait for Nagle's algorithm: a step of the clock is a round trip.
        let listener = listener.tap_io(|socket| {
            let _ = socket.set_nodelay(true);
        });
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, runtime: Some(runtime) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it still serves.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.runtime.is_some()
    }

    /// Stops serving and drops all connections; a second call does nothing.
    pub fn close(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(2));
        }
    }
}

impl Drop for SaxoServer {
    fn drop(&mut self) {
        self.close();
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Everything but the stream.
async fn answer(
    State(house): State<Arc<House>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> HttpResponse {
    let body = match body {
        Ok(body) => body,
        Err(refusal) => {
            // The rest of it is not read: the next request must not come on this connection.
            let mut answer = refusal.into_response();
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            return answer;
        }
    };
    let request = Request {
        method: method.as_str(),
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        authorization: text(&headers, "authorization"),
        content_type: text(&headers, "content-type"),
        request_id: text(&headers, "x-request-id"),
        body: &body,
    };
    let response = house.venue().handle(&request);
    house.bell.notify_waiters();
    wire(response)
}

fn wire(response: Response) -> HttpResponse {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let correlation = Some(response.correlation).filter(|text| !text.is_empty());
    let json = !response.body.is_empty();
    let mut answer = HttpResponse::new(Body::from(response.body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    if json {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    }
    for (name, value) in [("x-correlation", correlation), ("x-request-id", response.request_id)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    answer
}

/// Connects a stream: the bearer may be in the query, as browsers send it.
async fn stream(
    State(house): State<Arc<House>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> HttpResponse {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let query = query.unwrap_or_default();
    let param = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.into_owned())
    };
    let bearer = text(&headers, "authorization").map(str::to_owned).or_else(|| param("authorization"));
    let connected = house.venue().connect(param("contextId").as_deref(), bearer.as_deref());
    match connected {
        Ok(context) => {
            let seat = Seat { house, context };
            upgrade.on_upgrade(move |socket| send(socket, seat))
        }
        Err(refusal) => wire(refusal),
    }
}

/// A context's connection: given back when the stream ends, or if the upgrade never happens.
struct Seat {
    house: Arc<House>,
    context: String,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.house.venue().disconnect(&self.context);
    }
}

/// Sends a context's frames until the client leaves.
async fn send(mut socket: WebSocket, seat: Seat) {
    loop {
        // Listen for the bell before looking, so that none is missed in between.
        let bell = seat.house.bell.notified();
        tokio::pin!(bell);
        bell.as_mut().enable();
        let frames = seat.house.venue().take_frames(&seat.context);
        let idle = frames.is_empty();
        for frame in frames {
            if socket.send(Message::Binary(frame.into())).await.is_err() {
                return;
            }
        }
        if !idle {
            continue;
        }
        tokio::select! {
            () = bell => {}
            message = socket.recv() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
}
