//! The JSON protocol of SignalR hubs: a handshake, then JSON objects that each end with the record separator 0x1E. Both
//! directions. A frame may hold several records, and a record may come in several frames.

mod message;
mod records;

pub use message::{
    HANDSHAKE, Hub, HubError, encode_close, encode_completion, encode_handshake_answer, encode_invocation, encode_ping,
    parse_record,
};
pub use records::{MAX_RECORD, Records, RecordsError};

/// What ends a record.
pub const SEPARATOR: u8 = 0x1e;
