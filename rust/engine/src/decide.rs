//! The decision of one scenario at one instant, pure: its rules, its view, the quote and what the strategy
//! wants go in; a cancel, an exit, an entry or nothing comes out. Floats are compared in the bot's own order.

use exuvia_model::{OrderType, SECOND, Side, Time};

use crate::{OrderStyle, Rules, ScanError, rounding};

/// The last quote of an instrument.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quote {
    /// When the venue says it was.
    pub time: Time,
    /// Best price to sell at.
    pub bid: f64,
    /// Best price to buy at.
    pub ask: f64,
    /// Whether the venue says that the market is open.
    pub open: bool,
}

/// An order that a scenario has out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOrder {
    /// Which way; a resting order without a side is left alone.
    pub side: Option<Side>,
    /// How it is priced.
    pub order_type: Option<OrderType>,
    /// When it was decided.
    pub decided: Option<Time>,
}

/// What a scan may know of a scenario: its position and its open order. What is `None` applies no rule.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct View {
    /// Signed units held.
    pub position: i64,
    /// Average entry price of the position.
    pub entry_price: Option<f64>,
    /// When it was entered.
    pub entry_time: Option<Time>,
    /// When the last position was left.
    pub last_exit: Option<Time>,
    /// The open order.
    pub open: Option<OpenOrder>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Send a new order.
    Place,
    /// Take back the open one.
    Cancel,
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The strategy wants a position.
    Entry,
    /// The loss is as large as allowed.
    Stop,
    /// The gain is as large as wanted.
    Take,
    /// The position is as old as allowed.
    Time,
    /// The strategy wants out.
    Signal,
    /// The limit order rested as long as allowed.
    Ttl,
}

/// One decision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// Place or cancel.
    pub action: Action,
    /// Which way.
    pub side: Side,
    /// Units; zero for a cancel.
    pub amount: i64,
    /// How it is priced.
    pub order_type: OrderType,
    /// The limit of a limit order.
    pub limit: Option<f64>,
    /// Why.
    pub reason: Reason,
}

impl Action {
    /// The text of this value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Cancel => "cancel",
        }
    }
}

impl Reason {
    /// The text of this value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Stop => "stop",
            Self::Take => "take",
            Self::Time => "time",
            Self::Signal => "signal",
            Self::Ttl => "ttl",
        }
    }
}

/// Whether the quote may be acted on: the market is open and the quote not too old.
#[must_use]
pub fn is_tradable(quote: &Quote, rules: &Rules, now: Time) -> bool {
    quote.open && !longer(now, quote.time, rules.max_quote_age_s)
}

/// Decides for one scenario whose quote is tradable. `wanted` asks the strategy; it is asked only when no order is open.
///
/// # Errors
/// `BadPrice` for a quote that is no price, `BadLimit` for a limit that cannot be rounded, and what `wanted` fails with.
pub fn act<E: From<ScanError>>(
    scenario: (&str, i64, &Rules),
    view: &View,
    quote: &Quote,
    now: Time,
    wanted: impl FnOnce() -> Result<Option<i64>, E>,
) -> Result<Option<Decision>, E> {
    let (name, uic, rules) = scenario;
    for (what, value) in [("bid", quote.bid), ("ask", quote.ask)] {
        if !value.is_finite() || value <= 0.0 {
            return Err(ScanError::BadPrice { uic, what, value }.into());
        }
    }
    if let Some(order) = &view.open {
        return Ok(expire(rules, order, now));
    }
    let target = wanted()?;
    if view.position != 0 {
        return Ok(exit(rules, view, quote, target, now));
    }
    Ok(enter(name, rules, view, quote, target, now)?)
}

/// A limit order that has rested for as long as it may.
fn expire(rules: &Rules, order: &OpenOrder, now: Time) -> Option<Decision> {
    let (Some(OrderType::Limit), Some(side), Some(decided)) = (order.order_type, order.side, order.decided) else {
        return None;
    };
    at_least(now, decided, rules.order_ttl_s).then_some(Decision {
        action: Action::Cancel,
        side,
        amount: 0,
        order_type: OrderType::Limit,
        limit: None,
        reason: Reason::Ttl,
    })
}

/// The position closed at the market, if a rule or the strategy says so.
fn exit(rules: &Rules, view: &View, quote: &Quote, target: Option<i64>, now: Time) -> Option<Decision> {
    let long = view.position > 0;
    let gain = view.entry_price.map(|entry| if long { quote.bid - entry } else { entry - quote.ask });
    let against = |target: i64| i128::from(target) * i128::from(view.position.signum()) <= 0;
    let reason = if gain.is_some_and(|gain| gain <= -rules.stop) {
        Reason::Stop
    } else if gain.is_some_and(|gain| gain >= rules.take) {
        Reason::Take
    } else if view.entry_time.is_some_and(|entry| at_least(now, entry, rules.max_hold_s)) {
        Reason::Time
    } else if target.is_some_and(against) {
        Reason::Signal
    } else {
        return None;
    };
    Some(Decision {
        action: Action::Place,
        side: if long { Side::Sell } else { Side::Buy },
        amount: view.position.saturating_abs(),
        order_type: OrderType::Market,
        limit: None,
        reason,
    })
}

/// A position opened as the strategy wants, unless it is too soon or too dear.
fn enter(
    name: &str,
    rules: &Rules,
    view: &View,
    quote: &Quote,
    target: Option<i64>,
    now: Time,
) -> Result<Option<Decision>, ScanError> {
    let side = match target {
        None | Some(0) => return Ok(None),
        Some(target) if target > 0 => Side::Buy,
        Some(_) => Side::Sell,
    };
    if view.last_exit.is_some_and(|exit| !at_least(now, exit, rules.cooldown_s))
        || quote.ask - quote.bid > rules.max_spread
    {
        return Ok(None);
    }
    let limit = match rules.style {
        OrderStyle::Market => None,
        OrderStyle::Limit { offset, tick } => {
            let price = if side == Side::Buy { quote.bid - offset } else { quote.ask + offset };
            let bad = || ScanError::BadLimit { scenario: name.to_owned(), price, tick };
            Some(rounding::on_grid(price, tick).ok_or_else(bad)?)
        }
    };
    Ok(Some(Decision {
        action: Action::Place,
        side,
        amount: rules.amount,
        order_type: if limit.is_some() { OrderType::Limit } else { OrderType::Market },
        limit,
        reason: Reason::Entry,
    }))
}

/// `now − then ≥ seconds`, the difference exact.
fn at_least(now: Time, then: Time, seconds: f64) -> bool {
    ordering(now, then, seconds) != std::cmp::Ordering::Less
}

/// `now − then > seconds`, the difference exact.
fn longer(now: Time, then: Time, seconds: f64) -> bool {
    ordering(now, then, seconds) == std::cmp::Ordering::Greater
}

/// Compares an exact difference in nanoseconds with float seconds × 10⁹, as Python compares an int with a float.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn ordering(now: Time, then: Time, seconds: f64) -> std::cmp::Ordering {
    let nanos = i128::from(now.0) - i128::from(then.0);
    let bound = seconds * SECOND as f64;
    let whole = bound.floor();
    // The cast saturates, far outside of what a difference of two times can be.
    match nanos.cmp(&(whole as i128)) {
        std::cmp::Ordering::Equal if bound > whole => std::cmp::Ordering::Less,
        order => order,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering::{Equal, Greater, Less};

    #[test]
    fn a_difference_is_compared_exactly() {
        for (nanos, seconds, want) in [
            (60 * SECOND, 60.0, Equal),
            (60 * SECOND - 1, 60.0, Less),
            (i64::MAX, 9_223_372_036.854_776, Less),
            (1, 1.5e-9, Less),
            (2, 1.5e-9, Greater),
            (-1, 0.0, Less),
            (i64::MAX, f64::INFINITY, Less),
            (i64::MIN, f64::NEG_INFINITY, Greater),
        ] {
            assert_eq!(ordering(Time(nanos), Time(0), seconds), want, "{nanos} {seconds}");
        }
    }
}
