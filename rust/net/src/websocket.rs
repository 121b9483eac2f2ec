//! The live WebSocket client (RFC 6455). The connection is opened by the HTTP client, so proxies, TLS and reach are the
//! same; after that it is frames in and frames out, with a ping when nothing was heard and an end when that went unanswered.

use std::fmt;
use std::time::{Duration, Instant};

use exuvia_ports::{Frame, Request, WebSocket, WebSocketError, WebSockets};
use futures_util::{SinkExt, StreamExt};
use reqwest::{StatusCode, Upgraded};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::http::{chain, shown, without_query};
use crate::{Driver, HttpClient};

/// Most bytes of a refusal that are told.
const TOLD: usize = 300;

/// The bounds of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebSocketOptions {
    /// Longest time until the connection is open.
    pub open: Duration,
    /// After so long without a frame the other side is asked by a ping.
    pub ping: Duration,
    /// After so long without a frame the connection is lost; longer than `ping`.
    pub silent: Duration,
    /// Longest time until a frame that is sent has left.
    pub send: Duration,
    /// Largest message in bytes; a larger one loses the connection.
    pub largest: usize,
}

impl Default for WebSocketOptions {
    /// 10 s to open, ping after 15 s, lost after 30 s (SignalR's own), 10 s to send, 16 MiB.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { open: seconds(10), ping: seconds(15), silent: seconds(30), send: seconds(10), largest: 16 << 20 }
    }
}

/// Opens connections; clones share the HTTP client.
///
/// ```
/// use exuvia_net::{Driver, HttpClient, HttpOptions, WebSocketClient, WebSocketOptions};
/// use exuvia_ports::{Request, WebSockets};
/// let http = HttpClient::new(&Driver::new()?, HttpOptions::default())?;
/// let client = WebSocketClient::new(&http, WebSocketOptions::default());
/// let error = client.connect(&Request::new("GET", "wss://stream.example/?access_token=s3cret")).unwrap_err();
/// assert!(error.to_string().contains("127.0.0.1 only") && !error.to_string().contains("s3cret"), "{error}");
/// # Ok::<(), exuvia_net::NetError>(())
/// ```
#[derive(Debug, Clone)]
pub struct WebSocketClient {
    http: HttpClient,
    options: WebSocketOptions,
}

impl WebSocketClient {
    /// A client that opens connections by `http`.
    #[must_use]
    pub fn new(http: &HttpClient, options: WebSocketOptions) -> Self {
        Self { http: http.clone(), options }
    }

    /// Opens a connection, in any runtime; [`WebSockets::connect`] is the same for callers that wait.
    ///
    /// # Errors
    /// [`WebSocketError::NotOpened`].
    pub async fn open(&self, request: &Request) -> Result<Connection, WebSocketError> {
        let (client, asked) = (self.clone(), request.clone());
        self.http.driver().on_threads(async move { client.open_here(&asked).await }).await
    }

    async fn open_here(&self, request: &Request) -> Result<Connection, WebSocketError> {
        let open = self.options.open;
        let opened = match tokio::time::timeout(open, self.shake_hands(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("it was not open within {}", shown(open))),
        };
        match opened {
            Ok(stream) => {
                let (driver, options) = (self.http.driver().clone(), self.options);
                Ok(Connection { driver, stream, options, heard: Instant::now(), asked: None, closed: false })
            }
            Err(reason) => Err(WebSocketError::NotOpened { url: without_query(&request.url), reason }),
        }
    }

    /// The opening handshake, RFC 6455 section 4.1.
    async fn shake_hands(&self, request: &Request) -> Result<WebSocketStream<Upgraded>, String> {
        let url = match request.url.split_once("://") {
            Some(("ws", rest)) => format!("http://{rest}"),
            Some(("wss", rest)) => format!("https://{rest}"),
            _ => return Err("a WebSocket's URL begins with ws:// or wss://".to_owned()),
        };
        let key = generate_key();
        let asked = Request { url, method: "GET".to_owned(), headers: request.headers.clone(), body: Vec::new() }
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", &key);
        let mut answer = self.http.ask_to_upgrade(&asked).await?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            let status = answer.status().as_u16();
            let said = answer.chunk().await.ok().flatten().unwrap_or_default();
            let said = String::from_utf8_lossy(said.get(..TOLD).unwrap_or(&said)).into_owned();
            return Err(format!("the server answered {status} instead of 101: {said:?}"));
        }
        let accepted = answer.headers().get("sec-websocket-accept").map(|value| value.as_bytes().to_vec());
        if accepted.as_deref() != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            return Err("the server's Sec-WebSocket-Accept does not belong to our key: it is no WebSocket".to_owned());
        }
        let upgraded = answer.upgrade().await.map_err(|error| chain(&error.without_url()))?;
        let largest = self.options.largest;
        let bounds = WebSocketConfig::default().max_message_size(Some(largest)).max_frame_size(Some(largest));
        Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(bounds)).await)
    }
}

impl WebSockets for WebSocketClient {
    fn connect(&self, request: &Request) -> Result<Box<dyn WebSocket>, WebSocketError> {
        match self.http.driver().wait(self.open_here(request)) {
            Some(opened) => Ok(Box::new(opened?)),
            None => {
                let url = without_query(&request.url);
                Err(WebSocketError::NotOpened {
                    url,
                    reason: "a task of an async runtime must not wait: await open".to_owned(),
                })
            }
        }
    }
}

/// What came within a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A frame.
    Frame(Frame),
    /// Nothing yet.
    Nothing,
    /// The other side has closed.
    Closed,
}

/// An open connection. Pings of the other side are answered by themselves while it is listened to.
pub struct Connection {
    driver: Driver,
    stream: WebSocketStream<Upgraded>,
    options: WebSocketOptions,
    /// When the last frame came.
    heard: Instant,
    /// When the silence since then was answered by a ping.
    asked: Option<Instant>,
    closed: bool,
}

impl fmt::Debug for Connection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Connection")
            .field("options", &self.options)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Awaits the next frame in a runtime of tokio, but no longer than `within`; silence beyond the bounds is an error.
    ///
    /// # Errors
    /// [`WebSocketError::Lost`].
    pub async fn hear(&mut self, within: Duration) -> Result<Heard, WebSocketError> {
        let until = Instant::now() + within;
        loop {
            if self.closed {
                return Ok(Heard::Closed);
            }
            // Reckoned from the ping: whoever listens seldom must not find a connection lost that was never asked.
            let WebSocketOptions { ping, silent, .. } = self.options;
            let next = until.min(self.asked.map_or(self.heard + ping, |asked| asked + silent.saturating_sub(ping)));
            match tokio::time::timeout_at(next.into(), self.stream.next()).await {
                Ok(Some(Ok(message))) => {
                    (self.heard, self.asked) = (Instant::now(), None);
                    if let Some(frame) = frame(message) {
                        self.closed = matches!(frame, Frame::Close(..));
                        return Ok(Heard::Frame(frame));
                    }
                }
                Ok(Some(Err(error))) => return Err(self.lost(&chain(&error))),
                Ok(None) => return Err(self.lost("it ended without a close")),
                Err(_) if Instant::now() >= until => return Ok(Heard::Nothing),
                Err(_) if self.asked.is_some() => {
                    let words = format!("nothing was heard for {}, and no answer to a ping", shown(silent));
                    return Err(self.lost(&words));
                }
                Err(_) => {
                    self.asked = Some(Instant::now());
                    self.say(Frame::Ping(Vec::new())).await?;
                }
            }
        }
    }

    /// Sends one frame; [`WebSocket::send`] is the same for callers that wait.
    ///
    /// # Errors
    /// [`WebSocketError::Lost`].
    pub async fn say(&mut self, frame: Frame) -> Result<(), WebSocketError> {
        if self.closed {
            return Err(WebSocketError::Lost("it was closed".to_owned()));
        }
        let closes = matches!(frame, Frame::Close(..));
        let within = self.options.send;
        match tokio::time::timeout(within, self.stream.send(message(frame))).await {
            // After our close the other side's is still to come.
            Ok(Ok(())) => Ok(()),
            Ok(Err(Error::ConnectionClosed)) if closes => Ok(()),
            Ok(Err(error)) => Err(self.lost(&chain(&error))),
            Err(_) => Err(self.lost(&format!("the frame had not left after {}", shown(within)))),
        }
    }

    /// [`Self::hear`] for callers that wait.
    ///
    /// # Errors
    /// [`WebSocketError::Lost`].
    pub fn receive_within(&mut self, within: Duration) -> Result<Heard, WebSocketError> {
        let driver = self.driver.clone();
        driver.wait(self.hear(within)).unwrap_or_else(|| Err(in_a_task("hear")))
    }

    fn lost(&mut self, reason: &str) -> WebSocketError {
        self.closed = true;
        WebSocketError::Lost(reason.to_owned())
    }
}

impl WebSocket for Connection {
    fn send(&mut self, frame: Frame) -> Result<(), WebSocketError> {
        let driver = self.driver.clone();
        driver.wait(self.say(frame)).unwrap_or_else(|| Err(in_a_task("say")))
    }

    fn receive(&mut self) -> Result<Option<Frame>, WebSocketError> {
        loop {
            match self.receive_within(self.options.silent)? {
                Heard::Frame(frame) => return Ok(Some(frame)),
                Heard::Closed => return Ok(None),
                Heard::Nothing => {}
            }
        }
    }
}

fn in_a_task(name: &str) -> WebSocketError {
    WebSocketError::Lost(format!("a task of an async runtime must not wait: await {name}"))
}

fn frame(message: Message) -> Option<Frame> {
    Some(match message {
        Message::Text(text) => Frame::Text(text.as_str().to_owned()),
        Message::Binary(bytes) => Frame::Binary(bytes.into()),
        Message::Ping(bytes) => Frame::Ping(bytes.into()),
        Message::Pong(bytes) => Frame::Pong(bytes.into()),
        // 1005: there was no code (RFC 6455, 7.4.1).
        Message::Close(None) => Frame::Close(1005, String::new()),
        Message::Close(Some(close)) => Frame::Close(close.code.into(), close.reason.as_str().to_owned()),
        // A raw frame is only ever written.
        Message::Frame(_) => return None,
    })
}

fn message(frame: Frame) -> Message {
    match frame {
        Frame::Text(text) => Message::text(text),
        Frame::Binary(bytes) => Message::binary(bytes),
        Frame::Ping(bytes) => Message::Ping(bytes.into()),
        Frame::Pong(bytes) => Message::Pong(bytes.into()),
        Frame::Close(code, reason) => {
            Message::Close(Some(CloseFrame { code: CloseCode::from(code), reason: reason.into() }))
        }
    }
}
