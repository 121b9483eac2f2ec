//! Polygon (Massive): events of the WebSocket and pages of the REST interface.

mod pages;
mod socket;

pub use pages::{Page, PageKind, Pages};
pub use socket::{encode_auth, encode_subscribe, encode_unsubscribe, socket_spec};
