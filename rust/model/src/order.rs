//! What is sent to a venue and what comes back.

use std::fmt;
use std::str::FromStr;

use crate::{ModelError, Money, Price, Quantity, Symbol, Time};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $label:literal, $known:literal, $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant),+
        }

        impl $name {
            /// The text of this value.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = ModelError;

            fn from_str(text: &str) -> Result<Self, ModelError> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(ModelError::Unknown { what: $label, text: text.to_owned(), known: $known }),
                }
            }
        }
    };
}

words!(
    /// Which way an order goes.
    Side, "side", "Buy, Sell",
    /// Takes the ask.
    Buy = "Buy",
    /// Takes the bid.
    Sell = "Sell",
);

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// +1 for buy, −1 for sell.
    #[must_use]
    pub const fn sign(self) -> i64 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }
}

words!(
    /// How an order is priced.
    OrderType, "order type", "Market, Limit, Stop, StopLimit, TrailingStop",
    /// At the first price there is.
    Market = "Market",
    /// At the limit or better.
    Limit = "Limit",
    /// At the first price there is, once the stop was reached.
    Stop = "Stop",
    /// At the limit or better, once the stop was reached.
    StopLimit = "StopLimit",
    /// A stop that follows the market at a distance and never goes back.
    TrailingStop = "TrailingStop",
);

impl OrderType {
    /// Whether it waits for a stop.
    #[must_use]
    pub const fn is_stop(self) -> bool {
        matches!(self, Self::Stop | Self::StopLimit | Self::TrailingStop)
    }
}

/// How far a trailing stop stays behind the market.
///
/// ```
/// use exuvia_model::Trail;
/// assert_eq!("20 ticks".parse::<Trail>()?, Trail::Ticks(20));
/// assert_eq!(Trail::BasisPoints(150).to_string(), "150 bp");
/// # Ok::<(), exuvia_model::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trail {
    /// So many ticks of the instrument.
    Ticks(u32),
    /// So many hundredths of a percent of the price.
    BasisPoints(u32),
}

impl fmt::Display for Trail {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ticks(count) => write!(out, "{count} ticks"),
            Self::BasisPoints(count) => write!(out, "{count} bp"),
        }
    }
}

impl FromStr for Trail {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let read = |unit: &str| text.strip_suffix(unit).and_then(|count| count.parse().ok());
        let known = "20 ticks, 150 bp";
        let unknown = || ModelError::Unknown { what: "distance of a trailing stop", text: text.to_owned(), known };
        read(" ticks").map(Self::Ticks).or_else(|| read(" bp").map(Self::BasisPoints)).ok_or_else(unknown)
    }
}

words!(
    /// How long an order works.
    TimeInForce, "time in force", "DayOrder, GoodTillCancel, ImmediateOrCancel, FillOrKill",
    /// Until the end of the session.
    Day = "DayOrder",
    /// Until cancelled.
    GoodTillCancel = "GoodTillCancel",
    /// What does not fill at once is cancelled.
    ImmediateOrCancel = "ImmediateOrCancel",
    /// All at once or nothing.
    FillOrKill = "FillOrKill",
);

words!(
    /// Where an order stands. `Unknown` is not rejected: it may be live and is reconciled with the venue.
    OrderStatus, "order status", "intent, checked, pending, working, partially_filled, pending_cancel, pending_replace, unknown, filled, cancelled, rejected, expired",
    /// A strategy wants it; nothing was checked.
    Intent = "intent",
    /// It passed the pre-trade checks.
    Checked = "checked",
    /// Its bytes left; the venue has not answered.
    PendingNew = "pending",
    /// The venue has it.
    Working = "working",
    /// Some of it was executed.
    PartiallyFilled = "partially_filled",
    /// A cancel was sent; the venue has not answered.
    PendingCancel = "pending_cancel",
    /// A change of its terms was sent; the venue has not answered.
    PendingReplace = "pending_replace",
    /// After a time-out, a 5xx, a reset connection or a 202: may be live.
    Unknown = "unknown",
    /// All of it was executed.
    Filled = "filled",
    /// It was taken back.
    Cancelled = "cancelled",
    /// The checks or the venue refused it.
    Rejected = "rejected",
    /// Its time ran out.
    Expired = "expired",
);

impl OrderStatus {
    /// Whether nothing more can happen to the order.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Filled | Self::Cancelled | Self::Rejected | Self::Expired)
    }
}

/// What a strategy wants done; it has not been checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OrderIntent {
    /// Which scenario decided it.
    pub scenario: String,
    /// Which instrument.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// How much, positive.
    pub quantity: Quantity,
    /// How it is priced.
    pub order_type: OrderType,
    /// The limit, of a Limit and a StopLimit.
    pub limit: Option<Price>,
    /// The stop, of a Stop and a StopLimit; where a TrailingStop starts, if that is known.
    pub stop: Option<Price>,
    /// The distance of a TrailingStop.
    pub trail: Option<Trail>,
    /// How long it works.
    pub duration: TimeInForce,
    /// When it was decided.
    pub decided: Time,
    /// Why, in a word: `entry`, `stop`, `take`, `time`, `signal`.
    pub reason: String,
}

/// One execution of an order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fill {
    /// Our own order id.
    pub client_order_id: String,
    /// The venue's order id.
    pub venue_order_id: String,
    /// Which instrument.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// How much of it, positive.
    pub quantity: Quantity,
    /// At what price.
    pub price: Price,
    /// When.
    pub time: Time,
}

/// What is held of one instrument.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Position {
    /// Signed amount; short is negative.
    pub quantity: Quantity,
    /// Signed cost of what is held: positive was paid.
    pub cost: Money,
    /// Profit of what was closed.
    pub realised: Money,
}
