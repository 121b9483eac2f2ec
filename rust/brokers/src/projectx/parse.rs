//! The gateway's records: accounts, orders, positions and trades, out of answers and out of the events of the user hub.

use exuvia_model::{Money, OrderType, Price, Quantity, Side, Time};

use super::json::{FieldError, Row};

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Cash in US dollars; events may leave it out.
    pub balance: Option<Money>,
    /// Whether it may trade.
    pub can_trade: bool,
    /// Whether it trades no real money, where that is said.
    pub simulated: Option<bool>,
}

impl Account {
    pub(super) fn read(row: Row<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            id: row.must("id", row.whole("id")?)?,
            name: row.must("name", row.text("name")?)?.to_owned(),
            balance: row.money("balance")?,
            can_trade: row.must("canTrade", row.flag("canTrade")?)?,
            simulated: row.flag("simulated")?,
        })
    }
}

/// Where an order stands, by the gateway's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowStatus {
    /// 1: it works, executed in part or not.
    Open,
    /// 2
    Filled,
    /// 3
    Cancelled,
    /// 4
    Expired,
    /// 5
    Rejected,
    /// 6: on its way to the exchange.
    Pending,
    /// 7: its cancel is on its way.
    PendingCancellation,
    /// 8: the leg of a bracket that waits for its parent.
    Suspended,
    /// 0 (None), and what the vendor adds.
    Other(i64),
}

impl RowStatus {
    /// The status of this number.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        match number {
            1 => Self::Open,
            2 => Self::Filled,
            3 => Self::Cancelled,
            4 => Self::Expired,
            5 => Self::Rejected,
            6 => Self::Pending,
            7 => Self::PendingCancellation,
            8 => Self::Suspended,
            other => Self::Other(other),
        }
    }
}

/// An order as the gateway shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRow {
    /// Its number.
    pub id: i64,
    /// Of which account.
    pub account: i64,
    /// Of which contract.
    pub contract: String,
    /// When it was made.
    pub created: Time,
    /// When it changed last; when it was made, if that is not said.
    pub updated: Time,
    /// Where it stands.
    pub status: RowStatus,
    /// The number of its type; see [`Self::order_type`].
    pub kind: i64,
    /// Which way.
    pub side: Side,
    /// How many contracts in all.
    pub size: Quantity,
    /// Its limit.
    pub limit: Option<Price>,
    /// Its stop.
    pub stop: Option<Price>,
    /// Its trail, a level or a distance: sources disagree.
    pub trail: Option<Price>,
    /// How many contracts were executed.
    pub filled: Quantity,
    /// At which price on average.
    pub average: Option<Price>,
    /// Our own id.
    pub tag: Option<String>,
    /// The order whose leg it is.
    pub parent: Option<i64>,
    /// The other leg.
    pub linked: Option<i64>,
}

impl OrderRow {
    pub(super) fn read(row: Row<'_>) -> Result<Self, FieldError> {
        let created = row.must("creationTimestamp", row.time("creationTimestamp")?)?;
        Ok(Self {
            id: row.must("id", row.whole("id")?)?,
            account: row.must("accountId", row.whole("accountId")?)?,
            contract: row.must("contractId", row.text("contractId")?)?.to_owned(),
            created,
            updated: row.time("updateTimestamp")?.unwrap_or(created),
            status: RowStatus::from_number(row.must("status", row.whole("status")?)?),
            kind: row.must("type", row.whole("type")?)?,
            side: side(row)?,
            size: row.must("size", row.quantity("size")?)?,
            limit: row.price("limitPrice")?,
            stop: row.price("stopPrice")?,
            trail: row.price("trailPrice")?,
            filled: row.quantity("fillVolume")?.unwrap_or_default(),
            average: row.price("filledPrice")?,
            tag: row.text("customTag")?.filter(|tag| !tag.is_empty()).map(str::to_owned),
            parent: row.whole("parentOrderId")?,
            linked: row.whole("linkedOrderId")?,
        })
    }

    /// Its type; none for JoinBid, JoinAsk and what the vendor adds.
    #[must_use]
    pub const fn order_type(&self) -> Option<OrderType> {
        Some(match self.kind {
            1 => OrderType::Limit,
            2 => OrderType::Market,
            3 => OrderType::StopLimit,
            4 => OrderType::Stop,
            5 => OrderType::TrailingStop,
            _ => return None,
        })
    }
}

/// 0 buys, 1 sells; another number is an error, not a guess.
fn side(row: Row<'_>) -> Result<Side, FieldError> {
    let known = |number: i64| match number {
        0 => Some(Side::Buy),
        1 => Some(Side::Sell),
        _ => None,
    };
    row.must("side", row.whole("side")?.and_then(known))
}

/// What is held of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PositionRow {
    /// Its number.
    pub id: i64,
    /// Of which account.
    pub account: i64,
    /// Of which contract.
    pub contract: String,
    /// When it was opened.
    pub created: Time,
    /// Signed amount: short is negative, nothing is a position that was closed.
    pub quantity: Quantity,
    /// At which price on average.
    pub average: Option<Price>,
}

impl PositionRow {
    pub(super) fn read(row: Row<'_>) -> Result<Self, FieldError> {
        let size = row.must("size", row.quantity("size")?.filter(|size| *size >= Quantity::ZERO))?;
        // 1 is long, 2 short; 0 is what a closed position has.
        let sign = match row.whole("type")? {
            _ if size == Quantity::ZERO => Some(0),
            Some(1) => Some(1),
            Some(2) => Some(-1),
            _ => None,
        };
        let sign = row.must("type", sign)?;
        Ok(Self {
            id: row.must("id", row.whole("id")?)?,
            account: row.must("accountId", row.whole("accountId")?)?,
            contract: row.must("contractId", row.text("contractId")?)?.to_owned(),
            created: row.must("creationTimestamp", row.time("creationTimestamp")?)?,
            quantity: Quantity::from_raw(size.raw() * sign),
            average: row.price("averagePrice")?,
        })
    }
}

/// An execution: a half-turn, which opens or closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeRow {
    /// Its number.
    pub id: i64,
    /// Of which account.
    pub account: i64,
    /// Of which contract.
    pub contract: String,
    /// When it was executed.
    pub created: Time,
    /// At which price.
    pub price: Price,
    /// What it made; none where it opened.
    pub profit: Option<Money>,
    /// What it cost: fees, and commissions where they are told apart.
    pub fees: Money,
    /// Which way.
    pub side: Side,
    /// How many contracts.
    pub size: Quantity,
    /// Whether it was taken back.
    pub voided: bool,
    /// Of which order.
    pub order: i64,
}

impl TradeRow {
    pub(super) fn read(row: Row<'_>) -> Result<Self, FieldError> {
        let fees = row.money("fees")?.unwrap_or_default();
        let commissions = row.money("commissions")?.unwrap_or_default();
        Ok(Self {
            id: row.must("id", row.whole("id")?)?,
            account: row.must("accountId", row.whole("accountId")?)?,
            contract: row.must("contractId", row.text("contractId")?)?.to_owned(),
            created: row.must("creationTimestamp", row.time("creationTimestamp")?)?,
            price: row.must("price", row.price("price")?)?,
            profit: row.money("profitAndLoss")?,
            fees: row.must("fees", fees.checked_add(commissions).ok())?,
            side: side(row)?,
            size: row.must("size", row.quantity("size")?.filter(|size| *size > Quantity::ZERO))?,
            voided: row.flag("voided")?.unwrap_or(false),
            order: row.must("orderId", row.whole("orderId")?)?,
        })
    }
}
