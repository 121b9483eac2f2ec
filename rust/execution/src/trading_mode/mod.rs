//! In which mode an account trades: `research` decides and records, `paper` sends to a simulated exchange, `live` to the
//! venue. A new installation is in research. Live needs the configuration, the explicit flag and an approval that somebody
//! recorded; nothing else makes a [`LivePermit`], and without one there is no [`Route::Live`].

mod approval;
mod modes;

use std::fmt;
use std::str::FromStr;

use exuvia_model::{ModelError, Time};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use approval::{Approval, ApprovalError, LivePermit, LiveRequest, NotLive};
pub use modes::{Digest, ModeError, Modes};

/// Where an account's orders go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nowhere: decided and recorded.
    #[default]
    Research,
    /// To a simulated exchange.
    Paper,
    /// To the venue.
    Live,
}

impl Mode {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Research => "research",
            Self::Paper => "paper",
            Self::Live => "live",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let found = [Self::Research, Self::Paper, Self::Live].into_iter().find(|mode| mode.as_str() == text);
        let known = "research, paper, live";
        found.ok_or_else(|| ModelError::Unknown { what: "trading mode", text: text.to_owned(), known })
    }
}

/// The way out for an account's orders: `P` is a paper broker, `L` the venue's.
///
/// In research there is no broker, so there is nothing that could send:
///
/// ```compile_fail
/// use exuvia_execution::trading_mode::Route;
/// fn out<P, L>(route: Route<P, L>) -> P {
///     match route {
///         Route::Research(broker) | Route::Paper(broker) => broker,
///         Route::Live(_, _) => unreachable!(),
///     }
/// }
/// ```
///
/// The venue's broker alone makes no live route, and nobody can write a permit by hand:
///
/// ```compile_fail
/// use exuvia_execution::trading_mode::Route;
/// fn live<L>(broker: L) -> Route<(), L> {
///     Route::Live(broker)
/// }
/// ```
///
/// ```compile_fail
/// use exuvia_execution::trading_mode::{Approval, LivePermit};
/// fn forge(approval: Approval) -> LivePermit {
///     LivePermit { approval }
/// }
/// ```
///
/// ```
/// use exuvia_execution::trading_mode::{LivePermit, Mode, Route};
/// fn live<L>(broker: L, permit: LivePermit) -> Route<(), L> {
///     Route::Live(broker, permit)
/// }
/// assert_eq!(Route::<(), ()>::default().mode(), Mode::Research);
/// ```
#[derive(Debug, Default)]
pub enum Route<P, L> {
    /// No way out.
    #[default]
    Research,
    /// To a simulated exchange.
    Paper(P),
    /// To the venue, with what permits it.
    Live(L, LivePermit),
}

/// Why nothing may be sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Closed {
    /// The account is in research.
    #[error("the account is in research: what is decided is recorded, and nothing is sent")]
    Research,
    /// The permit does not hold any more.
    #[error(transparent)]
    NotLive(#[from] NotLive),
}

impl Closed {
    /// A word for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Research => "research",
            Self::NotLive(error) => error.code(),
        }
    }
}

impl<P, L> Route<P, L> {
    /// The mode.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        match self {
            Self::Research => Mode::Research,
            Self::Paper(_) => Mode::Paper,
            Self::Live(..) => Mode::Live,
        }
    }

    /// A line for every status; whoever reads it knows whether there is money in it.
    #[must_use]
    pub fn status(&self, account: &str) -> String {
        match self {
            Self::Research => format!("account {account}: research (decides and records, nothing is sent)"),
            Self::Paper(_) => format!("account {account}: paper (orders go to a simulated exchange)"),
            Self::Live(_, permit) => format!(
                "account {account}: LIVE (orders go to the venue, with money; approved by {} until {})",
                permit.person(),
                permit.expires()
            ),
        }
    }

    /// The broker, each time something is to be sent: a permit is held against the account, the clock and the configuration as they
    /// are now.
    ///
    /// # Errors
    /// `Research`; `NotLive` once the approval has expired or the configuration is another one.
    pub fn way(&mut self, account: &str, configuration: Digest, now: Time) -> Result<Way<'_, P, L>, Closed> {
        match self {
            Self::Research => Err(Closed::Research),
            Self::Paper(broker) => Ok(Way::Paper(broker)),
            Self::Live(broker, permit) => {
                permit.holds(account, configuration, now)?;
                Ok(Way::Live(broker))
            }
        }
    }
}

/// A broker that may be used now.
#[derive(Debug, PartialEq, Eq)]
pub enum Way<'a, P, L> {
    /// A simulated exchange.
    Paper(&'a mut P),
    /// The venue.
    Live(&'a mut L),
}
