//! Saxo OpenAPI streaming: one binary WebSocket frame holds messages; a message is a control message
//! or a snapshot or delta of a subscription. Both directions, so that a simulated venue speaks it too.

mod book;
mod control;
mod encode;
mod frame;
mod oddity;
mod quote;
mod said;
mod skip;
mod stream;

pub use book::{QuoteBook, QuoteError, QuoteTick};
pub use control::{Control, Heartbeat, HeartbeatReason, encode_heartbeat, encode_reset, parse_control};
pub use encode::{
    QuoteChange, QuoteElement, QuoteFull, encode_quote_delta, encode_quote_full, encode_quotes, encode_text,
};
pub use frame::{
    FORMAT_JSON, FORMAT_PROTOBUF, FrameDecoder, FrameError, Message, Messages, decode_frame, encode_frame,
};
pub use oddity::{Oddities, Oddity};
pub use quote::{DetailsGroup, Field, QuoteGroup, QuoteRow, Reading};
pub use said::Said;
pub use skip::{Gap, Side, Skip, Skips};
pub use stream::{MessageError, Payload, QuoteColumns, QuoteStream};
