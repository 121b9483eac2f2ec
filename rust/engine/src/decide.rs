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

/// A rule that is one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Widest spread to enter at.
    MaxSpread,
    /// Loss per unit at which it leaves.
    Stop,
    /// Gain per unit at which it leaves.
    Take,
    /// Longest time in a position, in seconds.
    MaxHold,
    /// Shortest time between an exit and an entry, in seconds.
    Cooldown,
    /// How long a limit order rests, in seconds.
    OrderTtl,
}

/// What a decision may ask of a scenario and its view. Asking may be dear (attributes of Python objects, each in a
/// cache line of its own), so a decision asks only for what it needs.
pub trait Facts<E> {
    /// A rule.
    ///
    /// # Errors
    /// What the source fails with; the same for the others.
    fn rule(&self, rule: Rule) -> Result<f64, E>;
    /// Units of an entry.
    ///
    /// # Errors
    /// As `rule`.
    fn amount(&self) -> Result<i64, E>;
    /// How it enters.
    ///
    /// # Errors
    /// As `rule`.
    fn style(&self) -> Result<OrderStyle, E>;
    /// Signed units held.
    ///
    /// # Errors
    /// As `rule`.
    fn position(&self) -> Result<i64, E>;
    /// Average entry price of the position.
    ///
    /// # Errors
    /// As `rule`.
    fn entry_price(&self) -> Result<Option<f64>, E>;
    /// When it was entered.
    ///
    /// # Errors
    /// As `rule`.
    fn entry_time(&self) -> Result<Option<Time>, E>;
    /// When the last position was left.
    ///
    /// # Errors
    /// As `rule`.
    fn last_exit(&self) -> Result<Option<Time>, E>;
    /// The open order.
    ///
    /// # Errors
    /// As `rule`.
    fn open(&self) -> Result<Option<OpenOrder>, E>;
}

/// Rules and view that are known already.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a>(pub &'a Rules, pub &'a View);

impl<E> Facts<E> for Known<'_> {
    fn rule(&self, rule: Rule) -> Result<f64, E> {
        Ok(match rule {
            Rule::MaxSpread => self.0.max_spread,
            Rule::Stop => self.0.stop,
            Rule::Take => self.0.take,
            Rule::MaxHold => self.0.max_hold_s,
            Rule::Cooldown => self.0.cooldown_s,
            Rule::OrderTtl => self.0.order_ttl_s,
        })
    }

    fn amount(&self) -> Result<i64, E> {
        Ok(self.0.amount)
    }

    fn style(&self) -> Result<OrderStyle, E> {
        Ok(self.0.style)
    }

    fn position(&self) -> Result<i64, E> {
        Ok(self.1.position)
    }

    fn entry_price(&self) -> Result<Option<f64>, E> {
        Ok(self.1.entry_price)
    }

    fn entry_time(&self) -> Result<Option<Time>, E> {
        Ok(self.1.entry_time)
    }

    fn last_exit(&self) -> Result<Option<Time>, E> {
        Ok(self.1.last_exit)
    }

    fn open(&self) -> Result<Option<OpenOrder>, E> {
        Ok(self.1.open)
    }
}

/// Whether the quote may be acted on: the market is open and the quote not older than `max_age_s` seconds.
#[must_use]
pub fn is_tradable(quote: &Quote, max_age_s: f64, now: Time) -> bool {
    quote.open && !longer(now, quote.time, max_age_s)
}

/// Decides for the scenario `name` on instrument `uic`, whose quote is tradable. `wanted` asks the strategy, which is
/// given the position; it is asked only when no order is open.
///
/// # Errors
/// `BadPrice` for a quote that is no price, `BadPosition` for one that has no opposite, `BadLimit` for a limit that cannot be rounded, and what `facts` and `wanted`
/// fail with.
pub fn act<E: From<ScanError>>(
    (name, uic): (&str, i64),
    facts: &impl Facts<E>,
    quote: &Quote,
    now: Time,
    wanted: impl FnOnce(i64) -> Result<Option<i64>, E>,
) -> Result<Option<Decision>, E> {
    for (what, value) in [("bid", quote.bid), ("ask", quote.ask)] {
        if !value.is_finite() || value <= 0.0 {
            return Err(ScanError::BadPrice { uic, what, value }.into());
        }
    }
    if let Some(order) = facts.open()? {
        return expire(facts, &order, now);
    }
    let position = facts.position()?;
    if position == i64::MIN {
        return Err(ScanError::BadPosition { scenario: name.to_owned(), position }.into());
    }
    let target = wanted(position)?;
    if position == 0 { enter(name, facts, quote, target, now) } else { exit(facts, position, quote, target, now) }
}

/// A limit order that has rested for as long as it may.
fn expire<E>(facts: &impl Facts<E>, order: &OpenOrder, now: Time) -> Result<Option<Decision>, E> {
    let (Some(OrderType::Limit), Some(side), Some(decided)) = (order.order_type, order.side, order.decided) else {
        return Ok(None);
    };
    let cancel = Decision {
        action: Action::Cancel,
        side,
        amount: 0,
        order_type: OrderType::Limit,
        limit: None,
        reason: Reason::Ttl,
    };
    Ok(at_least(now, decided, facts.rule(Rule::OrderTtl)?).then_some(cancel))
}

/// The position closed at the market, if a rule or the strategy says so.
fn exit<E>(
    facts: &impl Facts<E>,
    position: i64,
    quote: &Quote,
    target: Option<i64>,
    now: Time,
) -> Result<Option<Decision>, E> {
    let close = |reason| Decision {
        action: Action::Place,
        side: if position > 0 { Side::Sell } else { Side::Buy },
        amount: position.saturating_abs(),
        order_type: OrderType::Market,
        limit: None,
        reason,
    };
    if let Some(entry) = facts.entry_price()? {
        let gain = if position > 0 { quote.bid - entry } else { entry - quote.ask };
        if gain <= -facts.rule(Rule::Stop)? {
            return Ok(Some(close(Reason::Stop)));
        }
        if gain >= facts.rule(Rule::Take)? {
            return Ok(Some(close(Reason::Take)));
        }
    }
    if let Some(entry) = facts.entry_time()?
        && at_least(now, entry, facts.rule(Rule::MaxHold)?)
    {
        return Ok(Some(close(Reason::Time)));
    }
    let against = target.is_some_and(|target| target.signum() * position.signum() <= 0);
    Ok(against.then(|| close(Reason::Signal)))
}

/// A position opened as the strategy wants, unless it is too soon or too dear.
fn enter<E: From<ScanError>>(
    name: &str,
    facts: &impl Facts<E>,
    quote: &Quote,
    target: Option<i64>,
    now: Time,
) -> Result<Option<Decision>, E> {
    let side = match target {
        None | Some(0) => return Ok(None),
        Some(target) if target > 0 => Side::Buy,
        Some(_) => Side::Sell,
    };
    if let Some(exit) = facts.last_exit()?
        && !at_least(now, exit, facts.rule(Rule::Cooldown)?)
    {
        return Ok(None);
    }
    if quote.ask - quote.bid > facts.rule(Rule::MaxSpread)? {
        return Ok(None);
    }
    let limit = match facts.style()? {
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
        amount: facts.amount()?,
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
    #![allow(clippy::unwrap_used)]
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

    #[test]
    fn a_position_whose_entry_price_is_unknown_still_leaves_by_time_and_signal() {
        let rules = Rules {
            amount: 1_000,
            style: OrderStyle::Market,
            max_spread: 1.0,
            stop: 0.0,
            take: 0.0,
            max_hold_s: 60.0,
            cooldown_s: 0.0,
            order_ttl_s: 0.0,
            max_quote_age_s: 0.0,
        };
        let quote = Quote { time: Time(0), bid: 1.1, ask: 1.2, open: true };
        let leaves = |view: View, now: i64, wanted: Option<i64>| {
            let decided = act::<ScanError>(("trend", 21), &Known(&rules, &view), &quote, Time(now), |_| Ok(wanted));
            decided.unwrap().map(|decision| (decision.reason, decision.side, decision.amount))
        };
        let long = View { position: 5, entry_time: Some(Time(0)), ..View::default() };
        assert_eq!(leaves(long, 60 * SECOND - 1, Some(1)), None);
        assert_eq!(leaves(long, 60 * SECOND, Some(1)), Some((Reason::Time, Side::Sell, 5)));
        assert_eq!(leaves(long, 0, Some(-1)), Some((Reason::Signal, Side::Sell, 5)));
        let short = View { position: -5, ..View::default() };
        assert_eq!(leaves(short, i64::MAX, None), None, "nothing is known and nothing is wanted");
        assert_eq!(leaves(short, 0, Some(0)), Some((Reason::Signal, Side::Buy, 5)));
    }
}
