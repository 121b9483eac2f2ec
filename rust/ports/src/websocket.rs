//! WebSocket as frames in and frames out. The connection is opened by [`WebSockets`], so that a shadow
//! can be given one that opens nothing.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;

use thiserror::Error;

use crate::{Request, locked};

/// One message of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// Are you there?
    Ping(Vec<u8>),
    /// I am.
    Pong(Vec<u8>),
    /// The end, with code and reason (RFC 6455, 7.4).
    Close(u16, String),
}

/// Why a connection could not be opened or used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WebSocketError {
    /// No connection.
    #[error("the WebSocket to {url} could not be opened: {reason}")]
    NotOpened {
        /// Where to.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The connection broke: what was sent last may not have arrived.
    #[error("the WebSocket is lost: {0}; connect again and ask for a snapshot")]
    Lost(String),
    /// The recording has no such connection or frame.
    #[error("the tape has no {0}; a taped port never asks the network")]
    NotTaped(String),
}

/// An open connection.
pub trait WebSocket: fmt::Debug + Send {
    /// Sends one frame.
    ///
    /// # Errors
    /// [`WebSocketError::Lost`] if the connection is broken.
    fn send(&mut self, frame: Frame) -> Result<(), WebSocketError>;

    /// Waits for the next frame; `None` after the other side has closed.
    ///
    /// # Errors
    /// [`WebSocketError::Lost`] if the connection broke without a close.
    fn receive(&mut self) -> Result<Option<Frame>, WebSocketError>;
}

/// Opens connections.
pub trait WebSockets: fmt::Debug + Send + Sync {
    /// Opens one; URL and headers are those of `request`.
    ///
    /// # Errors
    /// [`WebSocketError::NotOpened`].
    fn connect(&self, request: &Request) -> Result<Box<dyn WebSocket>, WebSocketError>;
}

type Answer = dyn FnMut(&Frame) -> Vec<Frame> + Send;

/// A connection whose other side is a script: frames that wait from the start, and a function that
/// answers each frame that is sent. When nothing waits, it was lost, or closed if the last frame said so.
pub struct SimWebSocket {
    waiting: VecDeque<Frame>,
    answer: Box<Answer>,
    closed: bool,
}

impl SimWebSocket {
    /// A connection on which `waiting` arrives first, then what `answer` returns for each frame sent.
    pub fn new(
        waiting: impl IntoIterator<Item = Frame>,
        answer: impl FnMut(&Frame) -> Vec<Frame> + Send + 'static,
    ) -> Self {
        Self { waiting: waiting.into_iter().collect(), answer: Box::new(answer), closed: false }
    }
}

impl fmt::Debug for SimWebSocket {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SimWebSocket").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}

impl WebSocket for SimWebSocket {
    fn send(&mut self, frame: Frame) -> Result<(), WebSocketError> {
        if self.closed {
            return Err(WebSocketError::Lost("it was closed".to_owned()));
        }
        let answers = (self.answer)(&frame);
        self.waiting.extend(answers);
        Ok(())
    }

    fn receive(&mut self) -> Result<Option<Frame>, WebSocketError> {
        if self.closed {
            return Ok(None);
        }
        let frame = self.waiting.pop_front().ok_or_else(|| WebSocketError::Lost("the script has ended".to_owned()))?;
        self.closed = matches!(frame, Frame::Close(..));
        Ok(Some(frame))
    }
}

/// Opens recorded connections in their order: frames come as they came then, and nothing is ever sent.
#[derive(Debug)]
pub struct TapedWebSockets {
    tape: Mutex<VecDeque<(String, Vec<Frame>)>>,
}

impl TapedWebSockets {
    /// Recorded connections: URL and the frames that arrived.
    #[must_use]
    pub fn new(connections: impl IntoIterator<Item = (String, Vec<Frame>)>) -> Self {
        Self { tape: Mutex::new(connections.into_iter().collect()) }
    }
}

impl WebSockets for TapedWebSockets {
    fn connect(&self, request: &Request) -> Result<Box<dyn WebSocket>, WebSocketError> {
        let mut tape = locked(&self.tape);
        match tape.front() {
            Some((url, _)) if *url == request.url => {
                let frames = tape.pop_front().map(|(_, frames)| frames).unwrap_or_default();
                Ok(Box::new(TapedWebSocket { frames: frames.into() }))
            }
            _ => Err(WebSocketError::NotTaped(format!("connection to {} at this place", request.url))),
        }
    }
}

#[derive(Debug)]
struct TapedWebSocket {
    frames: VecDeque<Frame>,
}

impl WebSocket for TapedWebSocket {
    /// Refuses: what a replay wants to send is not sent.
    fn send(&mut self, frame: Frame) -> Result<(), WebSocketError> {
        Err(WebSocketError::NotTaped(format!("place for an outgoing frame {frame:?}")))
    }

    fn receive(&mut self) -> Result<Option<Frame>, WebSocketError> {
        Ok(self.frames.pop_front())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_scripted_socket_in_a_log_says_how_many_frames_wait() {
        let frame = || Frame::Text("{\"token\":\"s3cret\"}".to_owned());
        let mut socket = SimWebSocket::new([frame(), frame()], |_| Vec::new());
        assert_eq!(format!("{socket:?}"), "SimWebSocket { waiting: 2, .. }");
        socket.receive().unwrap();
        assert_eq!(format!("{socket:?}"), "SimWebSocket { waiting: 1, .. }");
    }
}
