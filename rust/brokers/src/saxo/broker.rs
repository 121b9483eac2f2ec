//! The broker of a desk at Saxo: orders out, outcomes, reports and snapshots in. One call makes each request at most once; what
//! cannot be known is said to be unknown.

use std::collections::BTreeMap;
use std::sync::Arc;

use exuvia_execution::{
    Amendment, Broker, Capabilities, ChangeOutcome, CheckedOrder, Heard, Instrument, Order, PlaceOutcome, Report,
    Snapshot, Unreachable, VenueOrder, VenueStatus,
};
use exuvia_model::{DAY, OrderType, SECOND, Time};
use exuvia_ports::{Http, Response};

use super::activity::{Activity, folded, sort};
use super::auth::Bearer;
use super::config::SaxoConfig;
use super::error::SaxoError;
use super::http::{Ask, Client, encoded};
use super::orders::{MOST_RELATED, Outstanding, REFUSES, Said, Ticket, order_body, read_placed, without_evidence};
use super::parse::{Node, parse, shown};
use super::stream::Feed;
use super::subscription::{Due, Topic};
use super::working::read_open;

const ORDERS: &str = "/trade/v2/orders";

/// Saxo as a [`Broker`].
///
/// ```
/// use std::sync::Arc;
/// use exuvia_brokers::saxo::{SaxoBroker, SaxoConfig, Secret};
/// use exuvia_execution::Broker;
/// use exuvia_model::Time;
/// use exuvia_ports::{Response, SimHttp};
/// let http = Arc::new(SimHttp::new(|_| Ok(Response::new(503, ""))));
/// let mut broker = SaxoBroker::new(http, Arc::new(Secret::new("token")), SaxoConfig::sim("client==", "account=="));
/// let unreachable = broker.snapshot(Time(0)).unwrap_err();
/// assert!(unreachable.to_string().contains("HTTP 503"), "{unreachable}");
/// ```
#[derive(Debug)]
pub struct SaxoBroker {
    client: Client,
    feed: Feed,
    /// Ids that came with answers in doubt, by our ids.
    doubts: BTreeMap<String, String>,
    outstanding: Option<Outstanding>,
    taken: Option<Time>,
}

impl SaxoBroker {
    /// A broker over a port and whoever has the token. Its feed wants the activities of orders.
    #[must_use]
    pub fn new(http: Arc<dyn Http>, tokens: Arc<dyn Bearer>, config: SaxoConfig) -> Self {
        let feed = Feed::new(&config);
        feed.want(Topic::Activities);
        let client = Client::new(http, tokens, config);
        Self { client, feed, doubts: BTreeMap::new(), outstanding: None, taken: None }
    }

    /// The questions that are no part of a broker: accounts, instruments, prechecks, disclaimers.
    pub const fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// The stream's state, to be given to whoever reads the socket.
    #[must_use]
    pub fn feed(&self) -> Feed {
        self.feed.clone()
    }

    /// The disclaimers that the last refused order met, if it met any.
    #[must_use]
    pub const fn outstanding(&self) -> Option<&Outstanding> {
        self.outstanding.as_ref()
    }

    /// Makes the subscriptions that are to be made; gives how many requests that took.
    ///
    /// # Errors
    /// The first request that failed; what it was for is tried again at the next call.
    pub fn tend(&mut self, now: Time) -> Result<usize, SaxoError> {
        let mut failed = None;
        let mut count = 0;
        for due in self.feed.due(now) {
            count += 1;
            match due {
                // One that is gone already is as good.
                Due::Delete { path } => match self.client.send(&Ask::delete(path), now) {
                    Err(error) if !matches!(error, SaxoError::NotAnswered { .. }) => failed = failed.or(Some(error)),
                    _ => {}
                },
                Due::Create { reference, path, body } => {
                    let answer = self.client.json(&Ask::post(path, body), now);
                    let taken = answer.and_then(|answer| {
                        let unreadable = |why| SaxoError::Unreadable { what: format!("POST {path}"), why };
                        self.feed.created(&reference, &answer, now).map_err(unreadable)
                    });
                    if let Err(error) = taken {
                        self.feed.failed(&reference);
                        failed = failed.or(Some(error));
                    }
                }
            }
        }
        failed.map_or(Ok(count), Err)
    }

    /// Sends linked orders in one request: the first with one or two that hang on it and go out when it is executed, or without a
    /// `first` two that are each other's alternatives (OCO). Gives an outcome for each, in their order, the first one's first.
    ///
    /// An order whose partner was refused may stand alone at the venue: `Accepted` beside `Rejected` says so.
    pub fn place_linked(
        &mut self,
        first: Option<(&CheckedOrder, &Instrument)>,
        related: &[(&CheckedOrder, &Instrument)],
        now: Time,
    ) -> Vec<PlaceOutcome> {
        let count = related.len() + usize::from(first.is_some());
        let all = |outcome: PlaceOutcome| vec![outcome; count];
        let ticket = |(order, instrument): &(&CheckedOrder, &Instrument)| {
            Ticket::of(order.order(), instrument, self.client.config())
        };
        let tickets = || -> Result<_, String> {
            let least = if first.is_some() { 1 } else { MOST_RELATED };
            if !(least..=MOST_RELATED).contains(&related.len()) {
                return Err(format!(
                    "Saxo takes one or two related orders, or an OCO of two; these are {}",
                    related.len()
                ));
            }
            let first = first.as_ref().map(&ticket).transpose()?;
            let related = related.iter().map(&ticket).collect::<Result<Vec<_>, _>>()?;
            let amount = first.as_ref().or(related.first()).map(Ticket::amount);
            if related.iter().any(|ticket| Some(ticket.amount()) != amount) {
                return Err("Saxo takes related orders of one amount only".to_owned());
            }
            Ok((first, related))
        };
        let (ticket, others) = match tickets() {
            Ok(tickets) => tickets,
            Err(why) => return all(unfit(&why)),
        };
        let leader = first.or(related.first().copied()).map(|(order, _)| order.order().client_id()).unwrap_or_default();
        let body = order_body(ticket.as_ref(), &others, self.client.config()).end();
        let response = match self.client.send(&Ask::post(ORDERS, body).request_id(leader).order(), now) {
            Ok(response) => response,
            Err(error) => return all(unanswered(&error)),
        };
        let (outcome, Some(said)) = read_placed(&response) else {
            return all(without_evidence(response.status, &shown(&response.body)));
        };
        self.outstanding = said.outstanding().cloned();
        // Nothing that hangs on an order exists without it.
        let refused = matches!(outcome, PlaceOutcome::Rejected(_) | PlaceOutcome::NotSent(_)).then_some(outcome);
        let mut rows: Vec<(&str, Option<&Said>)> = Vec::with_capacity(count);
        rows.extend(first.iter().map(|(order, _)| (order.order().client_id(), Some(&said))));
        for (at, (order, _)) in related.iter().enumerate() {
            let client_id = order.order().client_id();
            let own = said.related.iter().find(|row| row.reference.as_deref() == Some(client_id));
            rows.push((client_id, own.or_else(|| said.related.get(at).filter(|row| row.reference.is_none()))));
        }
        let silent =
            || PlaceOutcome::Unknown(format!("HTTP {}: the answer does not speak of this order", response.status));
        let outcome = |row: Option<&Said>| match row {
            Some(row) => row.outcome(response.status),
            None => refused.clone().unwrap_or_else(silent),
        };
        let outcomes: Vec<PlaceOutcome> = rows.iter().map(|(_, row)| outcome(*row)).collect();
        for ((client_id, row), outcome) in rows.into_iter().zip(&outcomes) {
            if let (Some(row), PlaceOutcome::Unknown(_)) = (row, outcome) {
                self.remember(client_id, row);
            }
        }
        outcomes
    }

    /// Keeps the venue's id of an order whose answer is in doubt.
    fn remember(&mut self, client_id: &str, said: &Said) {
        if let Some(id) = &said.order_id {
            self.doubts.insert(client_id.to_owned(), id.clone());
        }
    }

    /// The open orders.
    fn open(&mut self, now: Time) -> Result<Vec<VenueOrder>, SaxoError> {
        let path = format!("/port/v1/orders?{}&Status=All", self.client.keys());
        let rows = self.client.list(&path, now)?;
        let unreadable = |why| SaxoError::Unreadable { what: "GET /port/v1/orders".to_owned(), why };
        read_open(&rows, self.client.config()).map_err(unreadable)
    }

    /// All activities of the account's orders since then, in their order.
    fn audit(&mut self, since: Time, now: Time) -> Result<Vec<Activity>, SaxoError> {
        let config = self.client.config().clone();
        let from = Time(since.0.saturating_sub(i64::from(config.margin) * SECOND));
        let path = format!(
            "/cs/v1/audit/orderactivities?{}&FromDateTime={}&EntryType=All",
            self.client.keys(),
            encoded(&from.to_string())
        );
        let mut activities = self.client.rows(&path, now, |row| Activity::read(row, &config))?;
        sort(&mut activities);
        Ok(activities)
    }

    fn search(&mut self, client_id: &str, since: Time, now: Time) -> Result<Option<VenueOrder>, SaxoError> {
        let known = self.doubts.get(client_id).cloned();
        let ours = |order: &VenueOrder| {
            order.client_id.as_deref() == Some(client_id) || known.as_deref() == Some(order.venue_id.as_str())
        };
        // The open orders first: what is executed in between is in the audit.
        let mut found: Vec<VenueOrder> = self.open(now)?.into_iter().filter(ours).collect();
        let (audit, settle) = (self.client.config().audit, i64::from(self.client.config().settle) * SECOND);
        let filled = |orders: &[VenueOrder]| orders.iter().any(|order| order.filled.raw() > 0);
        if audit && (found.is_empty() || filled(&found)) {
            // Not every row of the audit needs to carry the reference: what is found already is known by its id.
            let ids: Vec<String> = found.iter().map(|order| order.venue_id.clone()).collect();
            let told = folded(&self.audit(since, now)?).into_values();
            merge(&mut found, told.filter(|order| ours(order) || ids.contains(&order.venue_id)));
        }
        let what = format!("the order {client_id}");
        // The venue does not mind two orders of one reference; one that it refused never lived.
        if found.len() > 1 {
            found.retain(|order| order.status != VenueStatus::Rejected);
        }
        if let [_, _, ..] = *found {
            let ids: Vec<&str> = found.iter().map(|order| order.venue_id.as_str()).collect();
            let why = format!(
                "the venue has {} orders with this reference, {}: cancel all but one",
                ids.len(),
                ids.join(" and ")
            );
            return Err(SaxoError::Incomplete { what, why });
        }
        if let Some(order) = found.pop() {
            return Ok(Some(VenueOrder { client_id: Some(client_id.to_owned()), ..order }));
        }
        if !audit {
            let why = "it is not open, and without the audit nobody knows whether it was".to_owned();
            return Err(SaxoError::Incomplete { what, why });
        }
        if now.0.saturating_sub(since.0) < settle {
            let why = format!("nobody has it yet, and it may be on its way for {} s", self.client.config().settle);
            return Err(SaxoError::Incomplete { what, why });
        }
        Ok(None)
    }

    fn all(&mut self, now: Time) -> Result<Snapshot, SaxoError> {
        let since = self.taken.unwrap_or(Time(now.0.saturating_sub(DAY)));
        let mut orders = self.open(now)?;
        let mut executions = Vec::new();
        if self.client.config().audit {
            let activities = self.audit(since, now)?;
            merge(&mut orders, folded(&activities).into_values());
            // A fill without its amounts is a gap where it is heard, on which a snapshot is taken; here it would ask for the next one.
            let fills = activities.iter().filter(|activity| activity.is_fill()).filter_map(Activity::report);
            executions.extend(fills.filter(|fill| !matches!(fill.what, Heard::Gap(_))));
        }
        let positions = self.client.net_positions(now)?;
        let balances = self.client.balances(now)?;
        let cash = balances.cash.checked_add(balances.not_booked);
        let cash = cash.ok().filter(|_| balances.is_reliable()).map(|cash| (balances.currency, cash));
        self.taken = Some(now);
        Ok(Snapshot { orders, executions, positions, cash: cash.into_iter().collect(), taken: now })
    }
}

/// Adds what the audit tells to the open orders. What it tells as alive and the list of open orders lacks is between two states:
/// nothing is concluded from it.
fn merge(open: &mut Vec<VenueOrder>, audited: impl Iterator<Item = VenueOrder>) {
    for mut told in audited {
        match open.iter_mut().find(|order| order.venue_id == told.venue_id) {
            Some(order) if told.status.is_terminal() => {
                told.parent = order.parent.take();
                *order = told;
            }
            Some(order) => {
                if told.filled >= order.filled {
                    (order.filled, order.average) = (told.filled, told.average);
                }
                order.client_id = order.client_id.take().or(told.client_id);
                order.updated = order.updated.max(told.updated);
            }
            None => {
                if !told.status.is_terminal() {
                    told.status = VenueStatus::Unclear;
                }
                open.push(told);
            }
        }
    }
}

fn unfit(why: &str) -> PlaceOutcome {
    PlaceOutcome::Rejected(format!("never sent, for Saxo could not take it: {why}"))
}

fn unanswered(error: &SaxoError) -> PlaceOutcome {
    if error.is_safe() { PlaceOutcome::NotSent(error.to_string()) } else { PlaceOutcome::Unknown(error.to_string()) }
}

/// What a change or a cancel without a readable answer about its order comes to.
fn change_without_evidence(status: u16, words: &str) -> ChangeOutcome {
    match without_evidence(status, words) {
        PlaceOutcome::NotSent(words) => ChangeOutcome::NotSent(words),
        PlaceOutcome::Unknown(words) | PlaceOutcome::Rejected(words) | PlaceOutcome::Accepted(words) => {
            ChangeOutcome::Unknown(words)
        }
    }
}

/// What an answer says of a change or a cancel of `venue_id`.
fn changed(response: &Response, venue_id: &str) -> ChangeOutcome {
    let status = response.status;
    let body = parse(&response.body).unwrap_or(Node::Null);
    let said = Said::read(&body);
    let own = |said: &Said| said.order_id.as_deref() == Some(venue_id);
    let row = said.related.iter().find(|row| own(row)).unwrap_or(&said);
    match &row.fault {
        Some(fault) if !fault.is_doubt() && REFUSES.contains(&status) => ChangeOutcome::Refused(fault.words()),
        None if matches!(status, 200 | 201) && own(row) => ChangeOutcome::Requested,
        None if status == 204 => ChangeOutcome::Requested,
        None if status == 404 => ChangeOutcome::Refused(format!("HTTP 404: the venue has no open order {venue_id}")),
        fault => change_without_evidence(
            status,
            &fault.as_ref().map_or_else(|| shown(&response.body), |fault| fault.words()),
        ),
    }
}

impl Broker for SaxoBroker {
    fn capabilities(&self) -> Capabilities {
        use OrderType as T;
        const TYPES: &[OrderType] = &[T::Market, T::Limit, T::Stop, T::StopLimit, T::TrailingStop];
        Capabilities { order_types: TYPES, replaces: true, brackets: false }
    }

    fn place(&mut self, order: &CheckedOrder, instrument: &Instrument, now: Time) -> PlaceOutcome {
        let order = order.order();
        let ticket = match Ticket::of(order, instrument, self.client.config()) {
            Ok(ticket) => ticket,
            Err(why) => return unfit(&why),
        };
        let body = order_body(Some(&ticket), &[], self.client.config()).end();
        // The client id is the request's: whoever sends it again is told by 409 that the first one arrived.
        let ask = Ask::post(ORDERS, body).request_id(order.client_id()).order();
        let response = match self.client.send(&ask, now) {
            Ok(response) => response,
            Err(error) => return unanswered(&error),
        };
        let (outcome, said) = read_placed(&response);
        self.outstanding = said.as_ref().and_then(Said::outstanding).cloned();
        if let (PlaceOutcome::Unknown(_), Some(said)) = (&outcome, &said) {
            self.remember(order.client_id(), said);
        }
        outcome
    }

    fn replace(
        &mut self,
        venue_id: &str,
        order: &Order,
        terms: &Amendment,
        instrument: &Instrument,
        now: Time,
    ) -> ChangeOutcome {
        let ticket = match Ticket::changed(order, terms, instrument, self.client.config()) {
            Ok(ticket) => ticket,
            Err(why) => return ChangeOutcome::Refused(format!("never sent, for Saxo could not take it: {why}")),
        };
        // Two changes to the same terms and back are two requests: the time tells them apart.
        let request_id = format!("{}.{venue_id}", now.0);
        let body = ticket.patch(venue_id, self.client.config());
        match self.client.send(&Ask::patch(ORDERS, body).request_id(&request_id).order(), now) {
            Ok(response) => changed(&response, venue_id),
            Err(error) if error.is_safe() => ChangeOutcome::NotSent(error.to_string()),
            Err(error) => ChangeOutcome::Unknown(error.to_string()),
        }
    }

    fn cancel(&mut self, venue_id: &str, now: Time) -> ChangeOutcome {
        let account = encoded(&self.client.config().account_key);
        let path = format!("{ORDERS}/{}?AccountKey={account}", encoded(venue_id));
        match self.client.send(&Ask::delete(path), now) {
            Ok(response) => changed(&response, venue_id),
            Err(error) if error.is_safe() => ChangeOutcome::NotSent(error.to_string()),
            Err(error) => ChangeOutcome::Unknown(error.to_string()),
        }
    }

    fn look_up(&mut self, client_id: &str, since: Time, now: Time) -> Result<Option<VenueOrder>, Unreachable> {
        self.search(client_id, since, now).map_err(|error| Unreachable(error.to_string()))
    }

    fn snapshot(&mut self, now: Time) -> Result<Snapshot, Unreachable> {
        self.all(now).map_err(|error| Unreachable(error.to_string()))
    }

    fn poll(&mut self, _now: Time) -> Vec<Report> {
        self.feed.reports()
    }
}
