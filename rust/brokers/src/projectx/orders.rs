//! What is asked of an order's account: the requests, byte for byte.

use exuvia_model::{Price, Quantity, Side};

use super::json::Body;
use super::{BracketSign, ORDER_LIMIT_TICKS, ProjectXError};

/// The type of an order, with the price that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKind {
    /// Type 2.
    Market,
    /// Type 1.
    Limit(Price),
    /// Type 4.
    Stop(Price),
    /// Type 3: in the vendor's list, not among what may be placed.
    StopLimit {
        /// The limit.
        limit: Price,
        /// The stop.
        stop: Price,
    },
    /// Type 5: where the stop starts, or its distance.
    Trailing(Price),
    /// Type 6: at the bid.
    JoinBid,
    /// Type 7: at the ask.
    JoinAsk,
}

impl OrderKind {
    /// The vendor's number.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Limit(_) => 1,
            Self::Market => 2,
            Self::StopLimit { .. } => 3,
            Self::Stop(_) => 4,
            Self::Trailing(_) => 5,
            Self::JoinBid => 6,
            Self::JoinAsk => 7,
        }
    }

    /// Limit, stop and trail.
    const fn prices(self) -> [Option<Price>; 3] {
        match self {
            Self::Limit(limit) => [Some(limit), None, None],
            Self::Stop(stop) => [None, Some(stop), None],
            Self::StopLimit { limit, stop } => [Some(limit), Some(stop), None],
            Self::Trailing(trail) => [None, None, Some(trail)],
            Self::Market | Self::JoinBid | Self::JoinAsk => [None; 3],
        }
    }
}

/// How an exit of a bracket is priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExitKind {
    /// Type 1, of a target.
    Limit,
    /// Type 4, of a stop.
    Stop,
    /// Type 5, of a stop.
    TrailingStop,
}

/// An exit that the gateway itself places when the entry is executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bracket {
    ticks: u32,
    kind: ExitKind,
}

impl Bracket {
    /// An exit so many ticks away from the entry.
    ///
    /// # Errors
    /// `Unfit` for none, or more than 1,000.
    pub fn new(ticks: u32, kind: ExitKind) -> Result<Self, ProjectXError> {
        if (1..=ORDER_LIMIT_TICKS).contains(&ticks) {
            return Ok(Self { ticks, kind });
        }
        Err(ProjectXError::unfit(format!("bracket of {ticks} ticks"), "it must be 1 to 1000 ticks away from the entry"))
    }

    /// The exit between two prices: the side of the entry says which way a stop and a target must be.
    ///
    /// ```
    /// use exuvia_brokers::projectx::{Bracket, ExitKind};
    /// use exuvia_model::Side;
    /// let (entry, tick) = ("21000.25".parse()?, "0.25".parse()?);
    /// let stop = Bracket::between(Side::Buy, entry, "20995.25".parse()?, tick, ExitKind::Stop)?;
    /// assert_eq!(stop, Bracket::new(20, ExitKind::Stop)?);
    /// assert!(Bracket::between(Side::Buy, entry, "21010.25".parse()?, tick, ExitKind::Stop).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `Unfit` if it is on the wrong side, between two ticks, or more than 1,000 ticks away.
    pub fn between(
        entry_side: Side,
        entry: Price,
        exit: Price,
        tick: Price,
        kind: ExitKind,
    ) -> Result<Self, ProjectXError> {
        let what = || format!("{kind:?} exit at {exit} of a {entry_side} at {entry}");
        let distance = i128::from(exit.raw()) - i128::from(entry.raw());
        let gain = distance * i128::from(entry_side.sign());
        if (gain > 0) != (kind == ExitKind::Limit) || gain == 0 {
            return Err(ProjectXError::unfit(what(), "it is on the wrong side: a target gains, a stop loses"));
        }
        let tick = i128::from(tick.raw().max(1));
        let ticks = u32::try_from(distance.abs() / tick).ok().filter(|_| distance % tick == 0);
        let why = "its distance must be a whole number of ticks";
        Self::new(ticks.ok_or_else(|| ProjectXError::unfit(what(), why))?, kind)
    }

    fn body(self, entry_side: Side, sign: BracketSign) -> Body {
        let (number, gains) = match self.kind {
            ExitKind::Limit => (1, true),
            ExitKind::Stop => (4, false),
            ExitKind::TrailingStop => (5, false),
        };
        let ticks = i64::from(self.ticks);
        let up = (entry_side == Side::Buy) == gains;
        let ticks = if sign == BracketSign::Signed && !up { -ticks } else { ticks };
        Body::new().whole("ticks", ticks).whole("type", number)
    }
}

/// An order for the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceOrder {
    /// Of which contract.
    pub contract: String,
    /// How it is priced.
    pub kind: OrderKind,
    /// Which way.
    pub side: Side,
    /// How many contracts.
    pub size: Quantity,
    /// Our own id, unique within the account.
    pub tag: Option<String>,
    /// The stop that the gateway places with the fill.
    pub stop_loss: Option<Bracket>,
    /// The target that the gateway places with the fill.
    pub take_profit: Option<Bracket>,
}

impl PlaceOrder {
    pub(super) fn body(&self, account: i64, sign: BracketSign) -> Result<Vec<u8>, ProjectXError> {
        if self.stop_loss.is_some_and(|exit| exit.kind == ExitKind::Limit)
            || self.take_profit.is_some_and(|exit| exit.kind != ExitKind::Limit)
        {
            return Err(ProjectXError::unfit("bracket", "a stop is a Stop or a TrailingStop, a target is a Limit"));
        }
        let [limit, stop, trail] = self.kind.prices();
        let mut body = Body::new()
            .whole("accountId", account)
            .text("contractId", &self.contract)
            .whole("type", self.kind.number())
            .whole("side", side_number(self.side))
            .whole("size", contracts(self.size)?)
            .price("limitPrice", limit)
            .price("stopPrice", stop)
            .price("trailPrice", trail);
        if let Some(tag) = &self.tag {
            body = body.text("customTag", tag);
        }
        for (name, exit) in [("stopLossBracket", self.stop_loss), ("takeProfitBracket", self.take_profit)] {
            if let Some(exit) = exit {
                body = body.object(name, exit.body(self.side, sign));
            }
        }
        Ok(body.end())
    }
}

/// New terms of an order; what is `None` stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModifyOrder {
    /// How many contracts in all.
    pub size: Option<Quantity>,
    /// The limit.
    pub limit: Option<Price>,
    /// The stop.
    pub stop: Option<Price>,
    /// The trail.
    pub trail: Option<Price>,
}

impl ModifyOrder {
    pub(super) fn body(&self, account: i64, order: i64) -> Result<Vec<u8>, ProjectXError> {
        if *self == Self::default() {
            return Err(ProjectXError::unfit(format!("change of order {order}"), "it changes nothing"));
        }
        let mut body = Body::new().whole("accountId", account).whole("orderId", order);
        if let Some(size) = self.size {
            body = body.whole("size", contracts(size)?);
        }
        Ok(body.price("limitPrice", self.limit).price("stopPrice", self.stop).price("trailPrice", self.trail).end())
    }
}

pub(super) const fn side_number(side: Side) -> i64 {
    match side {
        Side::Buy => 0,
        Side::Sell => 1,
    }
}

/// A whole positive number of contracts in 32 bits.
pub(super) fn contracts(size: Quantity) -> Result<i64, ProjectXError> {
    let whole = size.raw() / exuvia_model::NANO;
    let fits = size > Quantity::ZERO && size.raw() % exuvia_model::NANO == 0 && i32::try_from(whole).is_ok();
    let why = "an order is of a whole number of contracts, from 1 to 2147483647";
    if fits { Ok(whole) } else { Err(ProjectXError::unfit(format!("size {size}"), why)) }
}
