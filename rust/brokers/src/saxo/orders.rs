//! Orders as Saxo takes them and what it answers: the body of a new order with its related ones, of a change, and the meaning of
//! each answer. Only an error without an order id rejects; an order id is an order, whatever the status says.

use std::fmt::{Display, Write};

use exuvia_execution::{Amendment, Instrument, Order, PlaceOutcome};
use exuvia_model::{OrderType, Price, Quantity, Side, TimeInForce, Trail};
use exuvia_ports::Response;

use super::accounts::words;
use super::config::{Contract, SaxoConfig};
use super::parse::{Node, parse, shown};

/// Most related orders of one request.
pub(super) const MOST_RELATED: usize = 2;

/// Statuses whose error is the venue's refusal; others may come from a venue that does not know what it did.
pub(super) const REFUSES: [u16; 6] = [200, 201, 400, 403, 404, 415];

/// A JSON object that is written field by field, so that the same order gives the same bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Body(String);

impl Body {
    pub(super) fn text(self, name: &str, value: &str) -> Self {
        self.raw(name, &quoted(value))
    }

    /// A number, or `true` and `false`: what `Display` prints.
    pub(super) fn plain(self, name: &str, value: impl Display) -> Self {
        self.raw(name, &value.to_string())
    }

    /// A value that is JSON already.
    pub(super) fn raw(mut self, name: &str, value: &str) -> Self {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(&quoted(name));
        self.0.push(':');
        self.0.push_str(value);
        self
    }

    fn price(self, name: &str, price: Option<Price>) -> Self {
        match price {
            Some(price) => self.plain(name, price),
            None => self,
        }
    }

    pub(super) fn end(mut self) -> String {
        self.0.push_str(if self.0.is_empty() { "{}" } else { "}" });
        self.0
    }
}

/// A JSON string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\u{0}'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            _ => out.push(letter),
        }
    }
    out.push('"');
    out
}

/// The terms of an order in Saxo's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ticket {
    contract: Contract,
    side: Side,
    amount: Quantity,
    order_type: &'static str,
    price: Option<Price>,
    stop_limit: Option<Price>,
    trail: Option<(Price, Price)>,
    duration: &'static str,
    open_close: Option<&'static str>,
    reference: String,
}

impl Ticket {
    /// The ticket of an order.
    ///
    /// # Errors
    /// In words, what of it Saxo has no place for.
    pub(super) fn of(order: &Order, instrument: &Instrument, config: &SaxoConfig) -> Result<Self, String> {
        let contract = config.find(&instrument.name).ok_or_else(|| {
            format!(
                "instrument {:?} is not among `contracts` and is no name of the form <Uic>__<AssetType>",
                instrument.name
            )
        })?;
        let intent = order.intent();
        let (limit, stop) = (order.limit(), order.stop());
        let need = |price: Option<Price>, what: &str| {
            price.ok_or_else(|| format!("a {} order needs {what}", intent.order_type)).map(Some)
        };
        let (order_type, price, stop_limit) = match (intent.order_type, contract.if_traded) {
            (OrderType::Market, _) => ("Market", None, None),
            (OrderType::Limit, _) => ("Limit", need(limit, "a limit")?, None),
            (OrderType::Stop, true) => ("StopIfTraded", need(stop, "a stop")?, None),
            (OrderType::Stop, false) => ("Stop", need(stop, "a stop")?, None),
            (OrderType::StopLimit, _) => ("StopLimit", need(stop, "a stop")?, need(limit, "a limit")?),
            (OrderType::TrailingStop, traded) => {
                let start = need(stop, "a stop to start from: Saxo does not take one without")?;
                (if traded { "TrailingStopIfTraded" } else { "TrailingStop" }, start, None)
            }
        };
        let trail = match (intent.order_type, intent.trail) {
            (OrderType::TrailingStop, Some(Trail::Ticks(count))) => {
                let distance = times(instrument.tick, count)?;
                Some((distance, times(instrument.tick, config.trailing_step.max(1))?))
            }
            (OrderType::TrailingStop, _) => {
                return Err("a TrailingStop needs its distance in ticks: Saxo takes no percentage".to_owned());
            }
            _ => None,
        };
        let duration = match (intent.order_type, intent.duration) {
            // Saxo's market orders are day orders.
            (OrderType::Market, TimeInForce::Day | TimeInForce::GoodTillCancel) => TimeInForce::Day.as_str(),
            (_, duration) => duration.as_str(),
        };
        let open_close = contract.open_close.then_some(if intent.reason == "entry" { "ToOpen" } else { "ToClose" });
        Ok(Self {
            contract,
            side: intent.side,
            amount: order.state().quantity(),
            order_type,
            price,
            stop_limit,
            trail,
            duration,
            open_close,
            reference: order.client_id().to_owned(),
        })
    }

    /// The ticket with new terms.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub(super) fn changed(
        order: &Order,
        terms: &Amendment,
        instrument: &Instrument,
        config: &SaxoConfig,
    ) -> Result<Self, String> {
        let mut ticket = Self::of(order, instrument, config)?;
        ticket.amount = terms.quantity;
        match ticket.order_type {
            "Limit" => ticket.price = terms.limit.or(ticket.price),
            "StopLimit" => {
                ticket.price = terms.stop.or(ticket.price);
                ticket.stop_limit = terms.limit.or(ticket.stop_limit);
            }
            _ => ticket.price = terms.stop.or(ticket.price),
        }
        Ok(ticket)
    }

    pub(super) const fn amount(&self) -> Quantity {
        self.amount
    }

    /// What all bodies of new orders have; `account` goes first where it is wanted.
    fn fields(&self, account: Option<&str>, manual: bool) -> Body {
        let body = account.map_or_else(Body::default, |key| Body::default().text("AccountKey", key));
        let body = body
            .plain("Uic", self.contract.uic)
            .text("AssetType", &self.contract.asset_type)
            .text("BuySell", self.side.as_str())
            .plain("Amount", self.amount)
            .text("OrderType", self.order_type);
        let body = self.prices(body).raw("OrderDuration", &self.duration());
        let body = match self.open_close {
            Some(word) => body.text("ToOpenClose", word),
            None => body,
        };
        body.plain("ManualOrder", manual).text("ExternalReference", &self.reference)
    }

    fn prices(&self, body: Body) -> Body {
        body.price("OrderPrice", self.price)
            .price("StopLimitPrice", self.stop_limit)
            .price("TrailingStopDistanceToMarket", self.trail.map(|(distance, _)| distance))
            .price("TrailingStopStep", self.trail.map(|(_, step)| step))
    }

    fn duration(&self) -> String {
        Body::default().text("DurationType", self.duration).end()
    }

    /// The body of a change.
    pub(super) fn patch(&self, venue_id: &str, config: &SaxoConfig) -> String {
        let body = Body::default()
            .text("AccountKey", &config.account_key)
            .text("OrderId", venue_id)
            .text("AssetType", &self.contract.asset_type)
            .text("OrderType", self.order_type)
            .raw("OrderDuration", &self.duration())
            .plain("Amount", self.amount);
        self.prices(body).end()
    }
}

/// The body of an order with at most two that hang on it; without a `first` the others are each other's alternatives.
pub(super) fn order_body(first: Option<&Ticket>, related: &[Ticket], config: &SaxoConfig) -> Body {
    let (account, manual) = (config.account_key.as_str(), config.manual_order);
    let body = first.map_or_else(Body::default, |ticket| ticket.fields(Some(account), manual));
    if related.is_empty() {
        return body;
    }
    // The legs of an OCO name the account themselves.
    let own = first.is_none().then_some(account);
    let legs: Vec<String> = related.iter().map(|ticket| ticket.fields(own, manual).end()).collect();
    body.raw("Orders", &format!("[{}]", legs.join(",")))
}

fn times(tick: Price, count: u32) -> Result<Price, String> {
    let raw = tick.raw().checked_mul(i64::from(count)).filter(|raw| *raw > 0);
    raw.map(Price::from_raw).ok_or_else(|| format!("a distance of {count} ticks of {tick} is no price"))
}

/// An error of the order services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFault {
    /// Saxo's code, such as `OnWrongSideOfMarket`; the list is open.
    pub code: String,
    /// Its message.
    pub message: String,
    /// Texts that must be answered before the order is taken.
    pub disclaimers: Option<Outstanding>,
}

impl OrderFault {
    /// Code and message in a line.
    #[must_use]
    pub fn words(&self) -> String {
        let mut text = self.code.clone();
        if !self.message.is_empty() {
            text = if text.is_empty() { self.message.clone() } else { format!("{text}: {}", self.message) };
        }
        if let Some(outstanding) = &self.disclaimers {
            let tokens = outstanding.tokens.join(", ");
            let before = if text.is_empty() { "" } else { "; " };
            text = format!(
                "{text}{before}pre-trade disclaimers are outstanding ({tokens}): read and answer them, then order anew"
            );
        }
        shown(text.as_bytes())
    }

    /// Whether it leaves open what became of the order: its code says so, or it says nothing.
    pub(super) fn is_doubt(&self) -> bool {
        match self.code.as_str() {
            "" => self.disclaimers.is_none(),
            code => matches!(code, "TradeNotCompleted" | "InternalServerError" | "Unknown"),
        }
    }
}

/// Pre-trade disclaimers that are outstanding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outstanding {
    /// Goes with each answer.
    pub context: String,
    /// One for each text.
    pub tokens: Vec<String>,
}

/// What an answer says of one order of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) order_id: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) fault: Option<OrderFault>,
    pub(super) related: Vec<Said>,
}

impl Said {
    pub(super) fn read(node: &Node) -> Self {
        let related = node.get("Orders").map(Node::items).unwrap_or_default().iter().map(Self::read).collect();
        Self {
            order_id: node.id("OrderId").map(str::to_owned),
            reference: node.text("ExternalReference").map(str::to_owned),
            fault: fault(node),
            related,
        }
    }

    /// The errors of all levels.
    pub(super) fn faults(&self) -> Vec<&OrderFault> {
        self.fault.iter().chain(self.related.iter().flat_map(Self::faults)).collect()
    }

    /// The outstanding disclaimers, of whichever order of the request.
    pub(super) fn outstanding(&self) -> Option<&Outstanding> {
        self.faults().into_iter().find_map(|fault| fault.disclaimers.as_ref())
    }

    /// Whether an order id is anywhere in it.
    fn names_an_order(&self) -> bool {
        self.order_id.is_some() || self.related.iter().any(Self::names_an_order)
    }

    /// What became of this order, under this status.
    pub(super) fn outcome(&self, status: u16) -> PlaceOutcome {
        let words = self.fault.as_ref().map(OrderFault::words).unwrap_or_default();
        match (&self.order_id, &self.fault) {
            (Some(id), None) if matches!(status, 200 | 201 | 400) => PlaceOutcome::Accepted(id.clone()),
            (Some(id), _) => PlaceOutcome::Unknown(format!(
                "the venue gave order id {id} with HTTP {status} {words}; it may be live"
            )),
            (None, Some(fault)) if !fault.is_doubt() && REFUSES.contains(&status) && !self.names_an_order() => {
                PlaceOutcome::Rejected(words)
            }
            _ => without_evidence(status, &words),
        }
    }
}

/// The error of one level of an answer: its `ErrorInfo`, or the code at the level itself.
fn fault(node: &Node) -> Option<OrderFault> {
    let info = node.get("ErrorInfo").unwrap_or(node);
    let (code, message) = (info.text("ErrorCode").unwrap_or_default(), info.text("Message").unwrap_or_default());
    let disclaimers = info.get("PreTradeDisclaimers").map(Outstanding::read).filter(|texts| !texts.tokens.is_empty());
    if code.is_empty() && disclaimers.is_none() && node.get("ErrorInfo").is_none() {
        return None;
    }
    let mut message = message.to_owned();
    if let Some(Node::Object(fields)) = info.get("ModelState") {
        for (field, complaints) in fields {
            let _ = write!(message, " [{field}: {}]", words(complaints.items()).join(" "));
        }
    }
    Some(OrderFault { code: code.to_owned(), message, disclaimers })
}

/// What a status alone says of an order.
pub(super) fn without_evidence(status: u16, words: &str) -> PlaceOutcome {
    let words = format!("HTTP {status} {words}").trim_end().to_owned();
    match status {
        401 => PlaceOutcome::NotSent(format!(
            "{words}: the venue does not take the access token; it did not look at the order"
        )),
        429 => PlaceOutcome::NotSent(format!("{words}: the venue's rate limit; it did not look at the order")),
        409 => PlaceOutcome::Unknown(format!("{words}: the venue has had this very request: the first one arrived")),
        _ => PlaceOutcome::Unknown(words),
    }
}

/// What an answer to an order says, and what of it is known beside the outcome.
pub(super) fn read_placed(response: &Response) -> (PlaceOutcome, Option<Said>) {
    match parse(&response.body) {
        Ok(node) => {
            let said = Said::read(&node);
            (said.outcome(response.status), Some(said))
        }
        Err(_) => (without_evidence(response.status, &shown(&response.body)), None),
    }
}
