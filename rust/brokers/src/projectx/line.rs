//! The user hub over a `WebSockets` port, for programs that have a thread to wait in, replays and simulations. Who waits elsewhere
//! carries the frames itself: `hub_request`, `hub_opened`, `hear`, `hub_frames`, `hub_lost`.

use exuvia_model::Time;
use exuvia_ports::{WebSocket, WebSockets};

use super::{HubState, ProjectXBroker, ProjectXError};

/// What is asked for here, in errors.
const HUB: &str = "hubs/user";

impl ProjectXBroker {
    /// Opens a connection to the user hub and greets; no token is in the error.
    ///
    /// # Errors
    /// `NotSent` if it could not be opened; what can come of a login and of the search for the account.
    pub fn hub_connect(&mut self, sockets: &dyn WebSockets, now: Time) -> Result<Box<dyn WebSocket>, ProjectXError> {
        let request = self.hub_request(now)?;
        let mut socket = sockets.connect(&request).map_err(|error| {
            let why = self.gateway().hide(&error.to_string());
            ProjectXError::NotSent { call: HUB, why, wait: 0 }
        })?;
        self.hub_opened(now);
        self.send_frames(socket.as_mut(), now);
        Ok(socket)
    }

    /// Waits for one frame, hears it and sends what follows from it. False when the connection has ended, which is reported as
    /// a gap: connect again after [`UserHub::delay`](super::UserHub::delay).
    pub fn hub_carry(&mut self, socket: &mut dyn WebSocket, now: Time) -> bool {
        match socket.receive() {
            Ok(Some(frame)) => self.hear(&frame, now),
            Ok(None) => self.hub_lost("the hub closed the connection", now),
            Err(error) => self.hub_lost(&error.to_string(), now),
        }
        self.send_frames(socket, now);
        self.hub_state() != HubState::Closed
    }

    fn send_frames(&mut self, socket: &mut dyn WebSocket, now: Time) {
        for frame in self.hub_frames(now) {
            if let Err(error) = socket.send(frame) {
                return self.hub_lost(&error.to_string(), now);
            }
        }
    }
}
