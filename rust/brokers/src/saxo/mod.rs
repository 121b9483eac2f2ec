//! Saxo OpenAPI: from a checked order to the venue's REST services and back, over the ports of HTTP and WebSocket. In come orders
//! and questions with the caller's time, out come outcomes, reports and snapshots; nothing here sleeps, retries or keeps a clock.
//!
//! What each answer becomes, and every switch for what Saxo's documents leave open, is in `docs/saxo.md`.

mod accounts;
mod activity;
mod auth;
mod broker;
mod config;
mod disclaimers;
mod error;
mod http;
mod instruments;
mod limits;
mod orders;
mod parse;
mod stream;
mod subscription;
mod working;

pub use accounts::{AccountRow, Balances, Holder, Netting, PositionRow, User};
pub use auth::{
    App, AuthError, Bearer, Secret, TokenPair, Verifier, authorize_url, exchange_request, parse_token_answer,
    read_redirect, read_token, refresh_request,
};
pub use broker::SaxoBroker;
pub use config::{Contract, SaxoConfig};
pub use disclaimers::{Disclaimer, Precheck};
pub use error::SaxoError;
pub use http::{Client, Counts};
pub use instruments::{Details, Hit, OptionRow, OptionSpace};
pub use limits::Limits;
pub use orders::{OrderFault, Outstanding};
pub use parse::{Node, ParseError, parse};
pub use stream::Feed;
pub use subscription::Topic;
