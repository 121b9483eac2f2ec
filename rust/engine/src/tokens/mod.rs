//! The token keeper: one process renews the tokens of a venue before they end, and everybody reads them from a file that is
//! always whole and 0600. A [`Keeper`] is a loop without sleep, threads or sockets: [`Keeper::tick`] does what is due and says
//! how long to wait; [`Refresher`] is a venue's way to a new pair; [`Tokens`] is what a broker reads.
//!
//! A refresh token is spent once it was answered. So the request is on record in the lease before it leaves, the new pair is on
//! the disk before the old one is forgotten, and whoever comes after a crash knows whether there is a doubt.

mod claim;
mod cutover;
mod document;
mod error;
mod event;
mod keeper;
mod lease;
mod look;
mod oauth;
mod pair;
mod paths;
mod reader;
mod refresher;
mod renew;
mod schedule;
mod secret;
mod settings;
mod status;
mod store;
mod trouble;
mod watch;

pub use claim::Ports;
pub use cutover::cutover;
pub use error::TokenError;
pub use event::Event;
pub use keeper::{Keeper, Tick};
pub use lease::{Asked, Holder, LEASE_VERSION, Lease, read_lease, takeover};
pub use look::{LeaseLook, Look, TokenLook, look};
pub use oauth::{OAuth2, read_answer};
pub use pair::{Pair, Renewal, TOKEN_VERSION};
pub use paths::Paths;
pub use reader::Tokens;
pub use refresher::{RefreshError, Refresher};
pub use secret::Secret;
pub use settings::Settings;
pub use status::{Problem, STATUS_VERSION, Status, read_status};
