//! A Saxo-shaped venue in lock-step, as a state machine: requests in, responses and frames out. Its clock
//! moves only when `POST /lockstep/advance` says so, so the same ticks and requests give the same bytes.

mod frames;
mod http;
mod instrument;
mod lockstep;
mod orders;
mod portfolio;
mod prices;
mod streams;
mod tokens;
mod trading;

use std::collections::{BTreeMap, VecDeque};

use exuvia_execution::matching::{Matching, Terms};
use exuvia_model::{Money, Time};
use serde_json::json;

pub use http::{Request, Response};

use crate::ticks::{Beat, What};
use http::{error, invalid};
use instrument::{LEVERAGE, SYMBOL, UIC};
use orders::Ticket;
use portfolio::Opening;
use prices::Market;
use streams::{Context, Entry};
use tokens::Tokens;

/// Where Saxo's REST services live on this server.
const BASE: &str = "/sim/openapi";

/// The venue: market, account, tokens and streaming contexts.
///
/// ```
/// use exuvia_model::Money;
/// use exuvia_venues::saxo::{Request, SaxoVenue};
///
/// let mut venue = SaxoVenue::new(exuvia_venues::ticks::read("sim:7")?, Money::from_whole(1_000_000)?);
/// let clock = venue.handle(&Request { method: "GET", path: "/lockstep/clock", ..Request::default() });
/// assert_eq!(clock.status, 200);
/// let client = venue.handle(&Request { method: "GET", path: "/sim/openapi/port/v1/clients/me", ..Request::default() });
/// assert_eq!((client.status, client.body.len()), (401, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SaxoVenue {
    beats: Vec<Beat>,
    /// The first beat that has not happened yet.
    next: usize,
    clock: Time,
    market: Market,
    exchange: Matching,
    tickets: BTreeMap<u64, Ticket>,
    opening: Opening,
    log: Vec<Entry>,
    sequence: u64,
    contexts: BTreeMap<String, Context>,
    tokens: Tokens,
    recent: VecDeque<trading::Sent>,
    answers: u64,
    /// Quotes on which nothing may trade, and orders that could not be booked.
    untraded: u64,
}

impl SaxoVenue {
    /// A venue over these beats, which are in order of time; its clock stands at the first.
    #[must_use]
    pub fn new(beats: Vec<Beat>, cash: Money) -> Self {
        let clock = beats.first().map(|beat| beat.time).unwrap_or_default();
        let mut exchange = Matching::new(Terms { cash, leverage: Some(LEVERAGE), negative_prices: false });
        // Before the first tick margin is reckoned at the price of the first: yesterday's close, as it were.
        let prices = beats.iter().find_map(|beat| match beat.what {
            What::Tick { bid, ask } => Some((bid, ask)),
            What::Session { .. } => None,
        });
        if let Some((bid, ask)) = prices {
            exchange.mark(SYMBOL, bid, ask);
        }
        Self {
            beats,
            next: 0,
            clock,
            market: Market { time: clock, open: true, prices: None },
            exchange,
            tickets: BTreeMap::new(),
            opening: Opening::default(),
            log: Vec::new(),
            sequence: 0,
            contexts: BTreeMap::new(),
            tokens: Tokens::default(),
            recent: VecDeque::new(),
            answers: 0,
            untraded: 0,
        }
    }

    /// Answers a request.
    pub fn handle(&mut self, request: &Request<'_>) -> Response {
        let mut response = self.route(request);
        self.answers += 1;
        response.correlation = format!("sim-{:08}", self.answers);
        response.request_id = request.request_id.map(str::to_owned);
        response
    }

    /// Connects the stream of a context.
    ///
    /// # Errors
    /// The response to send instead: 401 without a known bearer, 400 for a bad context id, 409 if it is connected.
    pub fn connect(&mut self, context_id: Option<&str>, authorization: Option<&str>) -> Result<String, Response> {
        if !self.tokens.knows(authorization) {
            return Err(Response::empty(401));
        }
        let key = context_id.and_then(http::key);
        let key = key.ok_or_else(|| invalid("ContextId", "contextId must be 1 to 50 letters, digits, _ or -"))?;
        let context = self.context(&key)?;
        if context.connected {
            return Err(error(409, "ContextIdInUse", "this ContextId is connected: close that stream first"));
        }
        context.connected = true;
        Ok(key)
    }

    /// Notes that the stream of a context is gone; what it had not been sent waits for the next one.
    pub fn disconnect(&mut self, key: &str) {
        if let Some(context) = self.contexts.get_mut(key) {
            context.connected = false;
        }
    }

    /// Takes the frames that wait for a context's stream, oldest first.
    pub fn take_frames(&mut self, key: &str) -> Vec<Vec<u8>> {
        self.contexts.get_mut(key).map(|context| context.frames.take()).unwrap_or_default()
    }

    /// The context of a key, made if it is new: it starts at the end of the log.
    fn context(&mut self, key: &str) -> Result<&mut Context, Response> {
        if !self.contexts.contains_key(key) && streams::is_full(self.contexts.len()) {
            return Err(error(400, "ContextLimitExceeded", "this venue holds at most 100 streaming contexts"));
        }
        let (market, place) = (self.market, self.log.len());
        Ok(self.contexts.entry(key.to_owned()).or_insert_with(|| Context::new(key, market, place)))
    }

    fn route(&mut self, request: &Request<'_>) -> Response {
        match (request.method, request.path) {
            ("POST", "/token") => return self.tokens.grant(request),
            ("GET", "/lockstep/clock") => return self.show_clock(request),
            ("POST", "/lockstep/advance") => return self.advance(request),
            _ => {}
        }
        let Some(path) = request.path.strip_prefix(BASE).or_else(|| request.path.strip_prefix("/sim/oapi")) else {
            return Response::empty(404);
        };
        if !self.tokens.knows(request.authorization) {
            return Response::empty(401);
        }
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        match request.method {
            "GET" => self.get(request, &segments),
            "POST" => self.post(request, &segments),
            "DELETE" => self.delete(request, &segments),
            "PUT" if segments == ["streaming", "ws", "authorize"] => Response::empty(202),
            _ => Response::empty(405),
        }
    }

    fn get(&self, request: &Request<'_>, segments: &[&str]) -> Response {
        let groups = request.param("FieldGroups").unwrap_or_default();
        let ticket = |id| self.tickets.get(&id);
        let body = match segments {
            ["port", "v1", "clients", "me"] => instrument::client(),
            ["port", "v1", "accounts", "me"] | ["port", "v1", "accounts"] => instrument::accounts(),
            ["port", "v1", "balances"] | ["port", "v1", "balances", "me"] => {
                portfolio::balances(&self.exchange, &self.market)
            }
            ["port", "v1", "positions"] | ["port", "v1", "positions", "me"] => {
                portfolio::positions(&self.exchange, &self.market, &self.opening, &groups)
            }
            ["port", "v1", "netpositions"] | ["port", "v1", "netpositions", "me"] => {
                portfolio::net_positions(&self.exchange, &self.market, &self.opening, &groups)
            }
            ["port", "v1", "orders"] | ["port", "v1", "orders", "me"] => {
                let only = request.param("OrderId");
                portfolio::orders(&self.exchange, ticket, &self.market, only.as_deref())
            }
            ["port", "v1", "orders", _client, id] => portfolio::orders(&self.exchange, ticket, &self.market, Some(id)),
            ["ref", "v1", "instruments", "details", uic, kind] => {
                if uic.parse() != Ok(UIC) || *kind != instrument::ASSET_TYPE {
                    return Response::empty(404);
                }
                instrument::details()
            }
            ["trade", "v1", "infoprices"] => return self.info_price(request),
            ["trade", "v1", "infoprices", "list"] => return self.info_prices(request),
            _ => return Response::empty(404),
        };
        Response::json(200, &body)
    }

    fn info_price(&self, request: &Request<'_>) -> Response {
        let (uic, kind) = (request.param("Uic").unwrap_or_default(), request.param("AssetType").unwrap_or_default());
        match uic.parse::<i64>() {
            Err(_) => invalid("Uic", &format!("Uic {uic:?} is not a whole number")),
            Ok(UIC) if kind == instrument::ASSET_TYPE => Response::json(200, &self.market.full()),
            Ok(_) => error(404, "IllegalInstrumentId", "Instrument is unknown: this venue has Uic 21, FxSpot"),
        }
    }

    fn info_prices(&self, request: &Request<'_>) -> Response {
        let kind = request.param("AssetType").unwrap_or_default();
        let uics = match streams::uic_list(&request.param("Uics").unwrap_or_default()) {
            Ok(uics) => uics,
            Err(refusal) => return refusal,
        };
        let row = |uic| {
            if uic == UIC && kind == instrument::ASSET_TYPE { self.market.full() } else { streams::stranger(uic) }
        };
        Response::json(200, &json!({"Data": uics.into_iter().map(row).collect::<Vec<_>>()}))
    }

    fn post(&mut self, request: &Request<'_>, segments: &[&str]) -> Response {
        let answer = match segments {
            ["trade", "v2", "orders"] => self.place(request),
            ["trade", "v1", "infoprices", "subscriptions"] => self.subscribe(request, true),
            ["ens", "v1", "activities", "subscriptions"] => self.subscribe(request, false),
            _ => Err(Response::empty(404)),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }

    fn subscribe(&mut self, request: &Request<'_>, prices: bool) -> Result<Response, Response> {
        let wanted = streams::wanted(request, prices)?;
        self.context(&wanted.context)?;
        let context = self.contexts.get_mut(&wanted.context);
        let context = context.ok_or_else(|| Response::empty(404))?;
        Ok(streams::subscribe(context, &wanted, &self.market, &self.log))
    }

    fn delete(&mut self, request: &Request<'_>, segments: &[&str]) -> Response {
        match segments {
            ["trade", "v2", "orders", ids] => self.cancel(ids),
            ["trade", "v1", "infoprices", "subscriptions", context, reference]
            | ["ens", "v1", "activities", "subscriptions", context, reference] => {
                let context = self.contexts.get_mut(&context.to_ascii_lowercase());
                let removed = context.is_some_and(|context| context.remove(reference));
                Response::empty(if removed { 204 } else { 404 })
            }
            ["root", "v1", "subscriptions", context]
            | ["trade", "v1", "infoprices", "subscriptions", context]
            | ["ens", "v1", "activities", "subscriptions", context] => {
                if let Some(context) = self.contexts.get_mut(&context.to_ascii_lowercase()) {
                    context.remove_tagged(request.param("Tag").as_deref());
                }
                Response::empty(202)
            }
            _ => Response::empty(404),
        }
    }
}
