//! The stream without its socket: subscriptions that are to be made, frames that came, and the reports in them. A feed is shared
//! by whoever reads the socket and by the broker, which makes the requests.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use exuvia_execution::{Heard, Report};
use exuvia_market::wire::saxo::{
    Control, FORMAT_JSON, HeartbeatReason, Message, Messages, QuoteBook, QuoteTick, parse_control,
};
use exuvia_model::{Price, SECOND, Time};
use exuvia_ports::{Clock, Frame, WebSocket};

use super::activity::Activity;
use super::config::SaxoConfig;
use super::parse::{Node, ParseError, parse};
use super::subscription::{Due, State, Subscription, Topic};
use super::working::{OpenOrders, read_row};

/// How many sequence ids are remembered, and how many reports or quotes wait at most.
const KEPT: usize = 10_000;

#[derive(Debug)]
struct Stream {
    config: SaxoConfig,
    subscriptions: Vec<Subscription>,
    made: u64,
    last_message: Option<u64>,
    sequence: Option<String>,
    seen: BTreeSet<String>,
    order_of_seen: VecDeque<String>,
    open: OpenOrders,
    book: QuoteBook<Price>,
    reports: VecDeque<Report>,
    quotes: VecDeque<QuoteTick<Price>>,
    over: Option<String>,
    unread: u64,
}

/// A stream's state, shared.
#[derive(Debug, Clone)]
pub struct Feed(Arc<Mutex<Stream>>);

impl Feed {
    /// A feed without subscriptions.
    #[must_use]
    pub fn new(config: &SaxoConfig) -> Self {
        Self(Arc::new(Mutex::new(Stream {
            config: config.clone(),
            subscriptions: Vec::new(),
            made: 0,
            last_message: None,
            sequence: None,
            seen: BTreeSet::new(),
            order_of_seen: VecDeque::new(),
            open: OpenOrders::default(),
            book: QuoteBook::new(true),
            reports: VecDeque::new(),
            quotes: VecDeque::new(),
            over: None,
            unread: 0,
        })))
    }

    /// Wants a subscription; the broker makes it when it is tended next.
    pub fn want(&self, topic: Topic) {
        let mut stream = self.stream();
        stream.made += 1;
        let one = Subscription::new(topic, stream.made);
        stream.subscriptions.push(one);
    }

    /// Goes on after the activity of this sequence id: what was missed since comes with the answer to the subscription.
    pub fn resume_after(&self, sequence: &str) {
        self.stream().sequence = Some(sequence.to_owned());
    }

    /// The sequence id of the last activity, to be kept for [`Self::resume_after`].
    #[must_use]
    pub fn sequence(&self) -> Option<String> {
        self.stream().sequence.clone()
    }

    /// The id of the last message, for a reconnect within seconds.
    #[must_use]
    pub fn last_message(&self) -> Option<u64> {
        self.stream().last_message
    }

    /// How many messages or rows could not be read.
    #[must_use]
    pub fn unread(&self) -> u64 {
        self.stream().unread
    }

    /// Why the connection is to be opened anew, if it is.
    #[must_use]
    pub fn over(&self) -> Option<String> {
        self.stream().over.clone()
    }

    /// Notes a new connection. Without `resumed` the venue does not know where we were: every subscription is made anew.
    pub fn opened(&self, resumed: bool) {
        let mut stream = self.stream();
        stream.over = None;
        if !resumed {
            stream.reset(&[], "a new streaming connection");
        }
    }

    /// Takes one binary frame.
    pub fn frame(&self, bytes: &[u8], now: Time) {
        let mut stream = self.stream();
        for message in Messages::new(bytes) {
            match message {
                Ok(message) => stream.message(&message, now),
                Err(error) => {
                    stream.unread += 1;
                    stream.reset(&[], &error.to_string());
                }
            }
        }
    }

    /// Reads a socket until it ends or the venue asks for another one; gives the reason.
    pub fn run(&self, socket: &mut dyn WebSocket, clock: &dyn Clock) -> String {
        loop {
            let why = match socket.receive() {
                Ok(Some(Frame::Binary(bytes))) => {
                    self.frame(&bytes, clock.utc());
                    self.over()
                }
                Ok(Some(Frame::Close(code, reason))) => Some(format!("the venue closed the stream: {code} {reason}")),
                Ok(Some(_)) => None,
                Ok(None) => Some("the venue closed the stream".to_owned()),
                Err(error) => Some(error.to_string()),
            };
            if let Some(why) = why {
                self.stream().over = Some(why.clone());
                return why;
            }
        }
    }

    /// Takes the reports that wait, oldest first.
    #[must_use]
    pub fn reports(&self) -> Vec<Report> {
        self.stream().reports.drain(..).collect()
    }

    /// Takes the quotes that wait, oldest first; at most the last 10,000 do.
    #[must_use]
    pub fn quotes(&self) -> Vec<QuoteTick<Price>> {
        self.stream().quotes.drain(..).collect()
    }

    /// What is to be asked of the venue now: subscriptions that are silent for too long are made anew.
    pub(super) fn due(&self, now: Time) -> Vec<Due> {
        let mut stream = self.stream();
        let silent = stream.subscriptions.iter().filter(|one| one.is_silent(now));
        let lost: Vec<String> = silent.map(|one| one.reference.clone()).collect();
        if !lost.is_empty() {
            stream.reset(&lost, "a subscription was silent for longer than its time-out");
        }
        let mut due = Vec::new();
        for at in 0..stream.subscriptions.len() {
            due.extend(stream.ask(at));
        }
        due
    }

    /// Takes the answer to a subscription: its snapshot, then what waited.
    ///
    /// # Errors
    /// An answer without a snapshot.
    pub(super) fn created(&self, reference: &str, answer: &Node, now: Time) -> Result<(), ParseError> {
        let mut stream = self.stream();
        let snapshot = answer.get("Snapshot").ok_or(ParseError::Missing { field: "Snapshot" })?;
        let Some(one) = stream.subscriptions.iter_mut().find(|one| one.reference == reference) else { return Ok(()) };
        let State::Asked(waiting) = std::mem::replace(&mut one.state, State::Active) else { return Ok(()) };
        let seconds = answer.get("InactivityTimeout").and_then(Node::whole).filter(|seconds| *seconds > 0);
        (one.timeout, one.heard) = (seconds.unwrap_or(60).saturating_mul(SECOND), now);
        let topic = one.topic.clone();
        if topic == Topic::Orders {
            stream.open.clear();
        }
        stream.take(&topic, snapshot);
        for payload in waiting {
            stream.payload(&topic, reference, &payload);
        }
        Ok(())
    }

    /// Notes that a subscription could not be made: it is tried again.
    pub(super) fn failed(&self, reference: &str) {
        let mut stream = self.stream();
        if let Some(one) = stream.subscriptions.iter_mut().find(|one| one.reference == reference) {
            one.state = State::Wanted { before: Some(reference.to_owned()) };
        }
    }

    fn stream(&self) -> MutexGuard<'_, Stream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    /// The requests of one subscription that is to be made.
    fn ask(&mut self, at: usize) -> Vec<Due> {
        let number = self.made + 1;
        let Some(one) = self.subscriptions.get_mut(at) else { return Vec::new() };
        let due = one.ask(&self.config, number, self.sequence.as_deref());
        if due.len() > 1 {
            self.made = number;
        }
        due
    }

    fn message(&mut self, message: &Message<'_>, now: Time) {
        let Message { id, reference, format, payload } = *message;
        match parse_control(reference, payload) {
            Ok(Some(control)) => return self.control(control, id, now),
            Ok(None) => self.last_message = Some(id),
            Err(_) => {
                self.unread += 1;
                return;
            }
        }
        let Some(one) = self.subscriptions.iter_mut().find(|one| one.is(reference)) else {
            // Of a subscription that was made anew under another name.
            return;
        };
        one.heard = now;
        if format != FORMAT_JSON {
            self.unread += 1;
            return;
        }
        match &mut one.state {
            State::Wanted { .. } => {}
            State::Asked(waiting) => waiting.push(payload.to_vec()),
            State::Active => {
                let (topic, reference) = (one.topic.clone(), one.reference.clone());
                self.payload(&topic, &reference, payload);
            }
        }
    }

    fn control(&mut self, control: Control, id: u64, now: Time) {
        match control {
            Control::ConnectionHeartbeat => return,
            Control::Heartbeat(rows) => {
                for row in rows {
                    if row.reason == HeartbeatReason::SubscriptionPermanentlyDisabled {
                        self.reset(&[row.reference], "the venue ended a subscription");
                    } else if let Some(one) = self.find(&row.reference) {
                        one.heard = now;
                    }
                }
            }
            Control::ResetSubscriptions(targets) => self.reset(&targets, "the venue reset subscriptions"),
            Control::Disconnect => {
                self.reset(&[], "the venue ended the streaming session");
                self.over =
                    Some("the venue ended the streaming session: refresh the token and connect anew".to_owned());
            }
            Control::Reconnect => self.over = Some("the venue asks to connect anew".to_owned()),
            Control::Probe { .. } | Control::Other(_) => {}
        }
        self.last_message = Some(id);
    }

    fn find(&mut self, reference: &str) -> Option<&mut Subscription> {
        self.subscriptions.iter_mut().find(|one| one.is(reference))
    }

    /// Makes subscriptions anew, all of them if none is named, and says that reports may be missing.
    fn reset(&mut self, targets: &[String], why: &str) {
        let mut any = false;
        for one in &mut self.subscriptions {
            let named = targets.is_empty() || targets.iter().any(|target| one.is(target));
            if named && !matches!(one.state, State::Wanted { .. }) {
                one.state = State::Wanted { before: Some(one.reference.clone()) };
                any = true;
            }
        }
        if any {
            self.gap(why.to_owned());
        }
    }

    /// Reads a payload; one that is no JSON loses what was in it, so its subscription is made anew.
    fn payload(&mut self, topic: &Topic, reference: &str, payload: &[u8]) {
        if let Topic::Prices { .. } = topic {
            self.prices(payload);
        } else if let Ok(node) = parse(payload) {
            self.take(topic, &node);
        } else {
            self.unread += 1;
            self.reset(&[reference.to_owned()], "a message of the stream cannot be read");
        }
    }

    /// Takes a snapshot or a delta: an array, an object with one in `Data`, or one element.
    fn take(&mut self, topic: &Topic, node: &Node) {
        if let Topic::Prices { .. } = topic {
            return self.prices(node.written().as_bytes());
        }
        let rows = match (node, node.data()) {
            (Node::List(rows), _) => rows,
            (_, Ok(rows)) => rows,
            _ => std::slice::from_ref(node),
        };
        for row in rows {
            let read = if *topic == Topic::Orders { self.order(row) } else { self.activity(row) };
            if let Err(error) = read {
                self.unread += 1;
                self.gap(format!("a row of the stream cannot be read: {error}"));
            }
        }
    }

    fn activity(&mut self, row: &Node) -> Result<(), ParseError> {
        if let Some(id) = row.id("SequenceId") {
            if !self.seen.insert(id.to_owned()) {
                return Ok(());
            }
            self.order_of_seen.push_back(id.to_owned());
            if self.order_of_seen.len() > KEPT
                && let Some(oldest) = self.order_of_seen.pop_front()
            {
                self.seen.remove(&oldest);
            }
            let number = |text: &str| text.parse::<u128>().ok();
            let later = self.sequence.as_deref().is_none_or(|last| number(last) <= number(id));
            if later {
                self.sequence = Some(id.to_owned());
            }
        }
        if row.text("ActivityType").is_some_and(|kind| kind != "Orders") {
            return Ok(());
        }
        let report = Activity::read(row, &self.config)?.report();
        if let Some(report) = report {
            self.push(report);
        }
        Ok(())
    }

    fn order(&mut self, row: &Node) -> Result<(), ParseError> {
        let Some(row) = self.open.merge(row)? else { return Ok(()) };
        let order = read_row(row, &self.config)?;
        let (client_id, venue_id, time) = (order.client_id.clone(), Some(order.venue_id.clone()), order.updated);
        self.push(Report { client_id, venue_id, what: Heard::Order(order), time });
        Ok(())
    }

    fn prices(&mut self, payload: &[u8]) {
        let mut ticks = Vec::new();
        if self.book.apply(payload, &mut ticks).is_err() {
            self.unread += 1;
        }
        self.quotes.extend(ticks);
        let beyond = self.quotes.len().saturating_sub(KEPT);
        self.quotes.drain(..beyond);
    }

    fn gap(&mut self, why: String) {
        self.push(Report { client_id: None, venue_id: None, what: Heard::Gap(why), time: Time(0) });
    }

    /// Keeps a report; when nobody takes them, the oldest go, and what is left begins with a gap.
    fn push(&mut self, report: Report) {
        if self.reports.len() >= KEPT {
            self.reports.clear();
            self.gap(format!("more than {KEPT} reports waited to be taken: they were dropped"));
        }
        self.reports.push_back(report);
    }
}
