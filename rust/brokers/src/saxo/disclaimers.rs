//! The question before an order, and the texts that must be answered before some orders are taken. Nothing here accepts a text by
//! itself: whoever asks names it.

use exuvia_execution::{Instrument, Order};
use exuvia_model::{Money, Time};

use super::accounts::words;
use super::error::SaxoError;
use super::http::{Ask, Client, encoded};
use super::orders::{Body, Outstanding, Said, Ticket, order_body};
use super::parse::{Node, ParseError};

/// What the venue would make of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Precheck {
    /// Whether nothing is in the way: the result is `Ok`, and there is no error and no disclaimer beside it.
    pub is_clear: bool,
    /// What is in the way; empty if nothing is.
    pub words: String,
    /// Cash that it would take, where it is said.
    pub cash: Option<Money>,
    /// In which currency.
    pub currency: Option<String>,
    /// What it would cost, in that currency.
    pub cost: Option<Money>,
    /// Texts to answer first.
    pub outstanding: Option<Outstanding>,
}

/// A text that must be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclaimer {
    /// Names it in the answer.
    pub token: String,
    /// Its title.
    pub title: String,
    /// Its text, as HTML.
    pub body: String,
    /// Whether no answer helps: the order is not taken.
    pub is_blocking: bool,
    /// What is asked beside "accepted": a box to tick, a word to type.
    pub conditions: usize,
    /// The answers that it takes, such as `Accepted`.
    pub responses: Vec<String>,
}

impl Client {
    /// Asks what the venue would make of an order. Nothing is placed; the triggers of conditional orders are not looked at.
    ///
    /// # Errors
    /// [`SaxoError`]; `Unfit` if Saxo has no place for such an order.
    pub fn precheck(
        &mut self,
        order: &Order,
        instrument: &Instrument,
        request_id: &str,
        now: Time,
    ) -> Result<Precheck, SaxoError> {
        let path = "/trade/v2/orders/precheck";
        let what = format!("POST {path}");
        let ticket = Ticket::of(order, instrument, self.config());
        let ticket = ticket.map_err(|why| SaxoError::Unfit { what: what.clone(), why })?;
        let body =
            order_body(Some(&ticket), &[], self.config()).raw("FieldGroups", "[\"Costs\",\"MarginImpactBuySell\"]");
        let node = self.json(&Ask::post(path, body.end()).request_id(request_id), now)?;
        read_precheck(&node).map_err(|why| SaxoError::Unreadable { what, why })
    }

    /// The texts behind these tokens.
    ///
    /// # Errors
    /// [`SaxoError`].
    pub fn disclaimers(&mut self, outstanding: &Outstanding, now: Time) -> Result<Vec<Disclaimer>, SaxoError> {
        let tokens = encoded(&outstanding.tokens.join(","));
        self.rows(&format!("/dm/v2/disclaimers?DisclaimerTokens={tokens}"), now, read_disclaimer)
    }

    /// Accepts one text, with what its conditions ask to be typed. The order is then placed anew, as a new intent.
    ///
    /// # Errors
    /// [`SaxoError`]; `Unfit` for a text that blocks, which no answer moves, or that has no such answer.
    pub fn accept(
        &mut self,
        outstanding: &Outstanding,
        text: &Disclaimer,
        input: Option<&str>,
        now: Time,
    ) -> Result<(), SaxoError> {
        let path = "/dm/v2/disclaimers";
        let unfit = |why: String| SaxoError::Unfit { what: format!("POST {path}"), why };
        if text.is_blocking {
            return Err(unfit(format!("{:?} blocks the order and cannot be accepted", text.title)));
        }
        if !text.responses.is_empty() && !text.responses.iter().any(|word| word == "Accepted") {
            return Err(unfit(format!("{:?} takes {} and not Accepted", text.title, text.responses.join(", "))));
        }
        let body = Body::default()
            .text("DisclaimerContext", &outstanding.context)
            .text("DisclaimerToken", &text.token)
            .text("ResponseType", "Accepted");
        let body = match input {
            Some(input) => body.text("UserInput", input),
            None => body,
        };
        self.done(&Ask::post(path, body.end()), now)
    }
}

fn read_precheck(node: &Node) -> Result<Precheck, ParseError> {
    let said = Said::read(node);
    let outstanding = node.get("PreTradeDisclaimers").map(Outstanding::read).or_else(|| said.outstanding().cloned());
    let result = node.need("PreCheckResult")?;
    let mut complaints: Vec<String> = said.faults().iter().map(|fault| fault.words()).collect();
    if complaints.is_empty() && outstanding.is_some() {
        complaints.push("pre-trade disclaimers are outstanding".to_owned());
    }
    if complaints.is_empty() && result != "Ok" {
        complaints.push(format!("the venue answers {result} and no reason"));
    }
    Ok(Precheck {
        is_clear: complaints.is_empty(),
        words: complaints.join("; "),
        cash: node.money("EstimatedCashRequired")?,
        currency: node.text("EstimatedCashRequiredCurrency").map(str::to_owned),
        cost: node.money("EstimatedTotalCost")?,
        outstanding,
    })
}

fn read_disclaimer(node: &Node) -> Result<Disclaimer, ParseError> {
    let rows = |name: &str| node.get(name).map(Node::items).unwrap_or_default();
    let responses = rows("ResponseOptions").iter().filter_map(|row| row.text("ResponseType").map(str::to_owned));
    Ok(Disclaimer {
        token: node.need("DisclaimerToken")?.to_owned(),
        title: node.text("Title").unwrap_or_default().to_owned(),
        body: node.text("Body").unwrap_or_default().to_owned(),
        // Without a word it is taken for one that no answer moves.
        is_blocking: node.flag("IsBlocking").unwrap_or(true),
        conditions: rows("Conditions").len(),
        responses: responses.collect(),
    })
}

impl Outstanding {
    /// Reads `PreTradeDisclaimers`.
    pub(super) fn read(node: &Node) -> Self {
        Self {
            context: node.text("DisclaimerContext").unwrap_or_default().to_owned(),
            tokens: words(node.get("DisclaimerTokens").map(Node::items).unwrap_or_default()),
        }
    }
}
