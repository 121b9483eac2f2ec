//! A broker over the paper exchange: orders in, their ids out; quotes in, fills out. No venue, no socket:
//! an order fills at the first quote after its decision.

use exuvia_execution::matching::{Execution, Matching, NewOrder, Refusal, Terms};
use exuvia_model::{Fill, Money, Position, Quote, Symbol};

/// What the order ids start with.
const PREFIX: &str = "P-";

/// A paper account with its working orders.
///
/// ```
/// use exuvia_brokers::paper::PaperBroker;
/// use exuvia_execution::matching::{NewOrder, Terms};
/// use exuvia_model::{Money, Quantity, Quote, Side, Symbol, Time};
///
/// let mut broker = PaperBroker::new(Terms { cash: Money::from_whole(100_000)?, leverage: Some(30) });
/// let id = broker.place(NewOrder {
///     reference: "LB-trend-000001".into(), symbol: Symbol(21), side: Side::Sell,
///     quantity: Quantity::from_whole(10_000)?, limit: None, decided: Time(5),
/// })?;
/// assert_eq!(id, "P-000001");
/// let fills = broker.on_quote(&Quote {
///     symbol: Symbol(21), time: Time(6), bid: "1.39286".parse()?, ask: "1.39298".parse()?,
///     bid_size: Quantity::ZERO, ask_size: Quantity::ZERO,
/// })?;
/// assert_eq!((fills[0].venue_order_id.as_str(), fills[0].price.to_string()), ("P-000001", "1.39286".to_owned()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct PaperBroker {
    exchange: Matching,
}

impl PaperBroker {
    /// A broker with cash and nothing else.
    #[must_use]
    pub const fn new(terms: Terms) -> Self {
        Self { exchange: Matching::new(terms) }
    }

    /// Places an order and gives its id.
    ///
    /// # Errors
    /// What the exchange refuses; the account is as before then.
    pub fn place(&mut self, order: NewOrder) -> Result<String, Refusal> {
        Ok(order_id(self.exchange.place(order)?.id))
    }

    /// Takes a working order back.
    ///
    /// # Errors
    /// `Refusal::NotWorking` for an order that was filled, cancelled or never placed.
    pub fn cancel(&mut self, order_id: &str) -> Result<(), Refusal> {
        let id = order_id.strip_prefix(PREFIX).and_then(|id| id.parse().ok()).unwrap_or(0);
        self.exchange.cancel(id).map(drop)
    }

    /// Takes a quote and fills what it fills, in order of arrival.
    ///
    /// # Errors
    /// `Refusal::Crossed`: nothing was filled.
    pub fn on_quote(&mut self, quote: &Quote) -> Result<Vec<Fill>, Refusal> {
        Ok(self.exchange.on_quote(quote)?.into_iter().map(fill).collect())
    }

    /// Opens or closes the market of an instrument; it starts open.
    pub fn set_open(&mut self, symbol: Symbol, open: bool) {
        self.exchange.set_open(symbol, open);
    }

    /// What is held of an instrument.
    #[must_use]
    pub fn position(&self, symbol: Symbol) -> Position {
        self.exchange.position(symbol)
    }

    /// Cash at the start plus all that was realised.
    #[must_use]
    pub const fn cash(&self) -> Money {
        self.exchange.cash()
    }

    /// The ids of the working orders in order of arrival.
    #[must_use]
    pub fn working(&self) -> Vec<String> {
        self.exchange.working().map(|order| order_id(order.id)).collect()
    }
}

fn order_id(id: u64) -> String {
    format!("{PREFIX}{id:06}")
}

fn fill(execution: Execution) -> Fill {
    let NewOrder { reference, symbol, side, quantity, .. } = execution.order.order;
    Fill {
        client_order_id: reference,
        venue_order_id: order_id(execution.order.id),
        symbol,
        side,
        quantity,
        price: execution.price,
        time: execution.time,
    }
}
