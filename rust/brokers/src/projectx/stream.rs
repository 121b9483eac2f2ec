//! The user hub, without a socket: frames in, news out, and the frames that are to be sent. After each connection everything
//! is subscribed anew, for the gateway remembers nothing.

use std::cell::Cell;
use std::collections::BTreeMap;

use exuvia_market::wire::signalr::{HANDSHAKE, Hub, Records, encode_invocation, encode_ping, parse_record};
use exuvia_model::{SECOND, Time};
use exuvia_ports::Frame;

use super::json::{FieldError, Node, Row};
use super::{Account, OrderRow, PositionRow, TradeRow};

/// After so long without a frame of ours a ping is sent.
const PING_AFTER: i64 = 15 * SECOND;
/// After so long without a frame of theirs the connection is taken for lost.
const SILENCE: i64 = 30 * SECOND;
/// How long to wait before each attempt to connect again, in seconds; the last one for all that follow.
const DELAYS: [i64; 3] = [1, 3, 5];

/// An event of the user hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserEvent {
    /// The account changed.
    Account(Account),
    /// An order changed.
    Order(Box<OrderRow>),
    /// A position changed; an amount of nothing is one that was closed.
    Position(PositionRow),
    /// Something was executed, or taken back (`voided`).
    Trade(TradeRow),
}

/// What came of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubNews {
    /// Everything is subscribed. Nothing was told of what happened before: ask for it now.
    Ready,
    /// An event.
    Event(UserEvent),
    /// Something that could not be read or is not known; the connection goes on, and what it said was missed.
    Odd(String),
    /// The connection has ended, or is of no use any more: open another one.
    Gone(String),
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HubState {
    /// There is none.
    Closed,
    /// The handshake was sent; nothing else may be sent before its answer.
    Greeting,
    /// The subscriptions were sent.
    Subscribing,
    /// Events come.
    Ready,
}

/// A connection to the user hub of one account.
///
/// ```
/// use exuvia_brokers::projectx::{HubNews, HubState, UserHub};
/// use exuvia_model::Time;
/// use exuvia_ports::Frame;
/// let mut hub = UserHub::new(7001);
/// hub.opened(Time(0));
/// assert_eq!(hub.take_frames(), [Frame::Text("{\"protocol\":\"json\",\"version\":1}\u{1e}".into())]);
/// assert_eq!(hub.hear(&Frame::Text("{}\u{1e}".into()), Time(1)), []);
/// assert_eq!((hub.state(), hub.take_frames().len()), (HubState::Subscribing, 4));
/// ```
#[derive(Debug, Clone)]
pub struct UserHub {
    account: i64,
    state: HubState,
    records: Records,
    frames: Vec<Frame>,
    /// Subscriptions that were not answered yet.
    waiting: BTreeMap<String, &'static str>,
    heard: Time,
    sent: Time,
    rounded: Cell<u64>,
}

impl UserHub {
    /// A hub that is not connected.
    #[must_use]
    pub fn new(account: i64) -> Self {
        Self {
            account,
            state: HubState::Closed,
            records: Records::default(),
            frames: Vec::new(),
            waiting: BTreeMap::new(),
            heard: Time(0),
            sent: Time(0),
            rounded: Cell::new(0),
        }
    }

    /// How long to wait before the attempt of this number (from 0) to connect again, nanoseconds.
    #[must_use]
    pub fn delay(attempt: usize) -> i64 {
        DELAYS.get(attempt).or(DELAYS.last()).copied().unwrap_or_default() * SECOND
    }

    /// How far the connection is.
    #[must_use]
    pub const fn state(&self) -> HubState {
        self.state
    }

    /// A connection is open: the handshake is ready to be sent.
    pub fn opened(&mut self, now: Time) {
        *self = Self::new(self.account);
        (self.state, self.heard) = (HubState::Greeting, now);
        self.send(HANDSHAKE.to_vec(), now);
    }

    /// What is to be sent, in this order.
    pub fn take_frames(&mut self) -> Vec<Frame> {
        std::mem::take(&mut self.frames)
    }

    /// Takes a frame that came.
    pub fn hear(&mut self, frame: &Frame, now: Time) -> Vec<HubNews> {
        if self.state == HubState::Closed {
            return Vec::new();
        }
        self.heard = now;
        let bytes = match frame {
            Frame::Text(text) => text.as_bytes(),
            Frame::Binary(bytes) => bytes.as_slice(),
            Frame::Ping(payload) => {
                self.frames.push(Frame::Pong(payload.clone()));
                return Vec::new();
            }
            Frame::Pong(_) => return Vec::new(),
            Frame::Close(code, reason) => return vec![self.gone(format!("the hub closed with code {code} {reason}"))],
        };
        let mut whole = Vec::new();
        let mut records = std::mem::take(&mut self.records);
        let outcome = records.feed(bytes, |record| whole.push(record.to_vec()));
        self.records = records;
        let mut news = Vec::new();
        for record in whole {
            // What follows a close is of no connection.
            if self.state != HubState::Closed {
                self.record(&record, now, &mut news);
            }
        }
        news.extend(outcome.err().map(|error| HubNews::Odd(error.to_string())));
        news
    }

    /// Looks at the clock: a ping is made ready if it is time for one, and a connection that is silent for too long has ended.
    pub fn look(&mut self, now: Time) -> Option<HubNews> {
        if self.state == HubState::Closed {
            return None;
        }
        if now.0.saturating_sub(self.heard.0) > SILENCE {
            return Some(self.gone("the hub was silent for more than 30 s".to_owned()));
        }
        if now.0.saturating_sub(self.sent.0) >= PING_AFTER && self.state != HubState::Greeting {
            self.send(encode_ping(), now);
        }
        None
    }

    /// The connection broke, whoever noticed it.
    pub fn lost(&mut self, why: &str) -> Option<HubNews> {
        (self.state != HubState::Closed).then(|| self.gone(why.to_owned()))
    }

    /// How many numbers were finer than 10⁻⁹ and were rounded, since the connection was opened.
    #[must_use]
    pub fn rounded(&self) -> u64 {
        self.rounded.get()
    }

    fn gone(&mut self, why: String) -> HubNews {
        self.state = HubState::Closed;
        self.frames.clear();
        HubNews::Gone(why)
    }

    fn send(&mut self, record: Vec<u8>, now: Time) {
        self.sent = now;
        self.frames.push(Frame::Text(String::from_utf8_lossy(&record).into_owned()));
    }

    fn record(&mut self, record: &[u8], now: Time, news: &mut Vec<HubNews>) {
        let hub = match parse_record(record) {
            Ok(hub) => hub,
            Err(error) => return news.push(HubNews::Odd(error.to_string())),
        };
        match (self.state, hub) {
            (HubState::Greeting, Hub::Handshake { error: None }) => self.subscribe(now),
            (HubState::Greeting, Hub::Handshake { error: Some(error) }) => {
                news.push(self.gone(format!("the hub refused the handshake: {error}")));
            }
            (_, Hub::Close { error, .. }) => {
                news.push(
                    self.gone(format!("the hub closed: {}", error.unwrap_or_else(|| "no reason given".to_owned()))),
                );
            }
            (_, Hub::Completion { id, error, .. }) => self.answered(&id, error, news),
            (_, Hub::Invocation { target, arguments, .. }) => self.event(&target, &arguments, news),
            (_, Hub::Ping | Hub::Other { .. } | Hub::StreamItem { .. } | Hub::Handshake { .. }) => {}
        }
    }

    fn subscribe(&mut self, now: Time) {
        self.state = HubState::Subscribing;
        let account = format!("[{}]", self.account);
        let wanted = [
            ("1", "SubscribeAccounts", "[]"),
            ("2", "SubscribeOrders", account.as_str()),
            ("3", "SubscribePositions", account.as_str()),
            ("4", "SubscribeTrades", account.as_str()),
        ];
        for (id, target, arguments) in wanted {
            // The arguments are an array, so this is never an error.
            if let Ok(call) = encode_invocation(target, arguments, Some(id)) {
                self.waiting.insert(id.to_owned(), target);
                self.send(call, now);
            }
        }
    }

    fn answered(&mut self, id: &str, error: Option<String>, news: &mut Vec<HubNews>) {
        let Some(target) = self.waiting.remove(id) else { return };
        if let Some(error) = error {
            news.push(self.gone(format!("the hub refused {target}: {error}")));
        } else if self.waiting.is_empty() {
            self.state = HubState::Ready;
            news.push(HubNews::Ready);
        }
    }

    fn event(&self, target: &str, arguments: &str, news: &mut Vec<HubNews>) {
        type Read = fn(Row<'_>) -> Result<UserEvent, FieldError>;
        let (what, read): (_, Read) = match target {
            "GatewayUserAccount" => ("account event", |row| Account::read(row).map(UserEvent::Account)),
            "GatewayUserOrder" => ("order event", |row| OrderRow::read(row).map(|row| UserEvent::Order(Box::new(row)))),
            "GatewayUserPosition" => ("position event", |row| PositionRow::read(row).map(UserEvent::Position)),
            "GatewayUserTrade" => ("trade event", |row| TradeRow::read(row).map(UserEvent::Trade)),
            _ => return,
        };
        // The record was read as JSON before, its arguments are a part of it.
        let Ok(arguments) = Node::read(arguments.as_bytes()) else { return };
        let mut rows = Vec::new();
        payloads(&arguments, &mut rows);
        for row in rows {
            news.push(match read(Row::new(what, row, &self.rounded)) {
                Ok(event) => HubNews::Event(event),
                Err(error) => HubNews::Odd(error.to_string()),
            });
        }
    }
}

/// The records in the arguments of an event: flat, in an envelope (`{"action":1,"data":…}`), or in lists of either; nulls are
/// passed over. What an action other than 1 means is not known; the record says itself how things stand.
fn payloads<'a>(node: &'a Node, rows: &mut Vec<&'a Node>) {
    match node {
        Node::Null => {}
        Node::List(items) => items.iter().for_each(|item| payloads(item, rows)),
        node => match node.get("data") {
            Some(data @ (Node::Object(_) | Node::List(_) | Node::Null)) => payloads(data, rows),
            _ => rows.push(node),
        },
    }
}
