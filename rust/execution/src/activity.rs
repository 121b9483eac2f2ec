//! What a venue says about an order after it was placed: one activity of the event stream (Saxo ENS),
//! typed, its price exact.

use std::str::FromStr;

use exuvia_model::{ModelError, Quantity, Side, Symbol, Time};

use crate::{Decimal, OrderEvent};

/// What happened, in the venue's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActivityStatus {
    /// The order came in; see the sub-status.
    Placed,
    /// It is in the book.
    Working,
    /// Its terms were changed.
    Changed,
    /// It was taken back; see the sub-status.
    Cancelled,
    /// A part was executed.
    Fill,
    /// The last part was executed.
    FinalFill,
    /// Its day is over.
    DoneForDay,
    /// Its time ran out.
    Expired,
    /// The stop of a trailing order moved.
    TrailingStopOrderMove,
}

impl ActivityStatus {
    /// The text of this value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "Placed",
            Self::Working => "Working",
            Self::Changed => "Changed",
            Self::Cancelled => "Cancelled",
            Self::Fill => "Fill",
            Self::FinalFill => "FinalFill",
            Self::DoneForDay => "DoneForDay",
            Self::Expired => "Expired",
            Self::TrailingStopOrderMove => "TrailingStopOrderMove",
        }
    }
}

impl FromStr for ActivityStatus {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        Ok(match text {
            "Placed" => Self::Placed,
            "Working" => Self::Working,
            "Changed" => Self::Changed,
            "Cancelled" => Self::Cancelled,
            "Fill" => Self::Fill,
            "FinalFill" => Self::FinalFill,
            "DoneForDay" => Self::DoneForDay,
            "Expired" => Self::Expired,
            "TrailingStopOrderMove" => Self::TrailingStopOrderMove,
            _ => {
                return Err(ModelError::Unknown {
                    what: "activity status",
                    text: text.to_owned(),
                    known: "Placed, Working, Changed, Cancelled, Fill, FinalFill, DoneForDay, Expired, TrailingStopOrderMove",
                });
            }
        })
    }
}

/// How far the venue got with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SubStatus {
    /// Asked for.
    Requested,
    /// Done.
    #[default]
    Confirmed,
    /// Refused.
    Rejected,
    /// Waiting: for a condition or for a route.
    Waiting,
}

impl FromStr for SubStatus {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        Ok(match text {
            "Requested" => Self::Requested,
            "Confirmed" => Self::Confirmed,
            "Rejected" => Self::Rejected,
            "WaitCondition" | "RouteRequestPending" | "RouteRequested" => Self::Waiting,
            _ => {
                return Err(ModelError::Unknown {
                    what: "activity sub-status",
                    text: text.to_owned(),
                    known: "Requested, Confirmed, Rejected, WaitCondition, RouteRequestPending, RouteRequested",
                });
            }
        })
    }
}

/// One activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Our client id, as the venue gives it back.
    pub reference: Option<String>,
    /// The stream's sequence id; the same id is the same activity.
    pub sequence: Option<String>,
    /// The venue's order id.
    pub venue_id: Option<String>,
    /// Of which instrument, where it says so.
    pub symbol: Option<Symbol>,
    /// Which way, where it says so.
    pub side: Option<Side>,
    /// What happened.
    pub status: ActivityStatus,
    /// How far it got.
    pub sub_status: SubStatus,
    /// How much was executed this time.
    pub fill_quantity: Option<Quantity>,
    /// At what price.
    pub execution_price: Option<Decimal>,
    /// When.
    pub time: Option<Time>,
}

impl Activity {
    /// What it means for the order.
    pub(crate) const fn meaning(&self) -> Meaning {
        use ActivityStatus as A;
        match (self.status, self.sub_status) {
            (A::Fill | A::FinalFill, _) => Meaning::Execution { last: matches!(self.status, A::FinalFill) },
            (A::Placed, SubStatus::Rejected) => Meaning::Step(OrderEvent::Refused),
            (A::Placed | A::Working, SubStatus::Confirmed) => Meaning::Step(OrderEvent::Accepted),
            (A::Cancelled, SubStatus::Rejected) => Meaning::Step(OrderEvent::CancelRefused),
            (A::Cancelled, SubStatus::Confirmed) => Meaning::Step(OrderEvent::Cancelled),
            (A::Expired | A::DoneForDay, SubStatus::Confirmed) => Meaning::Step(OrderEvent::Expired),
            // Asked for or under way: the venue says more when it is done.
            _ => Meaning::News,
        }
    }
}

/// What an activity means for its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// An execution, to be booked.
    Execution { last: bool },
    /// A step of the machine.
    Step(OrderEvent),
    /// Nothing to do.
    News,
}

/// An execution that the book has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedFill {
    /// Our own order id.
    pub client_id: String,
    /// Whose order it was.
    pub scenario: String,
    /// Which instrument.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// How much this time.
    pub quantity: Quantity,
    /// At what price, as the venue wrote it.
    pub price: Decimal,
    /// When.
    pub time: Time,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_status_comes_back_from_its_text_and_no_other_text_is_one() {
        for text in [
            "Placed",
            "Working",
            "Changed",
            "Cancelled",
            "Fill",
            "FinalFill",
            "DoneForDay",
            "Expired",
            "TrailingStopOrderMove",
        ] {
            assert_eq!(text.parse::<ActivityStatus>().map(ActivityStatus::as_str), Ok(text));
            assert!(
                text.to_lowercase().parse::<ActivityStatus>().unwrap_err().to_string().contains(&text.to_lowercase())
            );
        }
    }
}
