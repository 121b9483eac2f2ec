//! The adapter against the simulated venue, through real sockets on 127.0.0.1: login, market order, fill, positions, cancel.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use exuvia_brokers::saxo::{App, SaxoBroker, SaxoConfig, Secret, exchange_request, read_token, refresh_request};
use exuvia_execution::{Broker, ChangeOutcome, Heard, PlaceOutcome, Report, Step, VenueStatus};
use exuvia_model::{Money, SECOND, Side, Time};
use exuvia_ports::{Frame, Http, HttpError, Request, Response, WebSocket, WebSocketError};
use exuvia_venues::saxo::SaxoVenue;
use exuvia_venues::server::SaxoServer;

use crate::kit::{EURO, checked, desk, intent, limit, p, q};

/// A client of one connection for each request.
#[derive(Debug)]
struct Plain {
    address: SocketAddr,
}

impl Plain {
    fn open(&self) -> std::io::Result<TcpStream> {
        let socket = TcpStream::connect(self.address)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(socket)
    }

    fn ask(&self, request: &Request, more: &str) -> std::io::Result<TcpStream> {
        let mut socket = self.open()?;
        let path = request.url.splitn(4, '/').nth(3).unwrap_or_default();
        let mut head = format!(
            "{} /{path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n",
            request.method,
            self.address,
            request.body.len()
        );
        for (name, value) in &request.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        socket.write_all(format!("{head}{more}\r\n").as_bytes())?;
        socket.write_all(&request.body)?;
        Ok(socket)
    }
}

/// Reads the head of an answer: its status and headers.
fn head(socket: &mut TcpStream) -> std::io::Result<Response> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        bytes.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or_default();
    let headers =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(Response { headers: headers.collect(), ..Response::new(status, "") })
}

impl Http for Plain {
    fn send(&self, request: &Request) -> Result<Response, HttpError> {
        let exchange = || {
            let mut socket = self.ask(request, "Connection: close\r\n")?;
            let mut response = head(&mut socket)?;
            socket.read_to_end(&mut response.body)?;
            Ok::<_, std::io::Error>(response)
        };
        let (method, url) = (request.method.clone(), request.url.clone());
        exchange().map_err(|error| HttpError::NotAnswered { method, url, reason: error.to_string() })
    }
}

/// The reading half of a WebSocket: whole, unmasked binary frames.
#[derive(Debug)]
struct Stream(TcpStream);

impl Stream {
    fn open(http: &Plain, request: &Request) -> Self {
        let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
        let mut socket = http.ask(request, upgrade).unwrap();
        assert_eq!(head(&mut socket).unwrap().status, 101);
        Self(socket)
    }
}

impl WebSocket for Stream {
    fn send(&mut self, _: Frame) -> Result<(), WebSocketError> {
        Err(WebSocketError::Lost("this client only listens".into()))
    }

    fn receive(&mut self) -> Result<Option<Frame>, WebSocketError> {
        let mut read = || {
            let mut first = [0; 2];
            self.0.read_exact(&mut first)?;
            let mut size = u64::from(first[1] & 0x7f);
            for (mark, width) in [(126, 2), (127, 8)] {
                if first[1] & 0x7f == mark {
                    let mut long = [0; 8];
                    self.0.read_exact(&mut long[8 - width..])?;
                    size = u64::from_be_bytes(long);
                }
            }
            let mut payload = vec![0; usize::try_from(size).unwrap()];
            self.0.read_exact(&mut payload)?;
            Ok::<_, std::io::Error>(if first[0] == 0x82 { Frame::Binary(payload) } else { Frame::Ping(payload) })
        };
        read().map(Some).map_err(|error| WebSocketError::Lost(error.to_string()))
    }
}

struct House {
    http: Arc<Plain>,
    origin: String,
    config: SaxoConfig,
    broker: SaxoBroker,
    stream: Stream,
    _server: SaxoServer,
}

/// A venue of made-up ticks, a login at it, a subscription and a stream.
fn house() -> House {
    let venue = SaxoVenue::new(exuvia_venues::ticks::read("sim:7").unwrap(), Money::from_whole(1_000_000).unwrap());
    let server = SaxoServer::start(venue, "127.0.0.1:0".parse().unwrap()).unwrap();
    let http = Arc::new(Plain { address: server.address() });
    let origin = format!("http://{}", server.address());
    let app = App { key: "app".into(), secret: Some(Secret::new("hush")), redirect_uri: "http://127.0.0.1/cb".into() };
    let at_venue = SaxoConfig::at(&origin, "", "");
    let login = exchange_request(&at_venue.token, &app, &Secret::new("code"), None);
    let pair = read_token(http.send(&login), Time(0)).unwrap();
    let refresh = refresh_request(&at_venue.token, &app, pair.refresh.as_ref().unwrap(), None);
    let token = read_token(http.send(&refresh), Time(0)).unwrap().access;
    let spent = read_token(http.send(&refresh), Time(0)).unwrap_err();
    assert!(spent.needs_login(), "a refresh token is good for one use: {spent}");
    let holder = SaxoBroker::new(http.clone(), Arc::new(token.clone()), at_venue).client().holder(Time(0)).unwrap();
    let mut config = SaxoConfig::at(&origin, &holder.client_key, &holder.default_account);
    // This venue has no audit service.
    config.audit = false;
    let mut broker = SaxoBroker::new(http.clone(), Arc::new(token), config.clone());
    assert_eq!(broker.tend(Time(0)), Ok(1));
    let stream = Stream::open(&http, &broker.client().stream_request(None).unwrap());
    House { http, origin, config, broker, stream, _server: server }
}

impl House {
    /// Lets this many seconds of the venue's time pass, and hears what they bring up to the heartbeat that ends them.
    fn advance(&mut self, from: &str, seconds: i64) -> Vec<Report> {
        let start: Time = from.parse().unwrap();
        let to = Time(start.0 + seconds * SECOND);
        let body = format!(r#"{{"ContextId":"{}","To":"{to}"}}"#, self.config.context);
        let request = Request::new("POST", &format!("{}/lockstep/advance", self.origin))
            .header("Content-Type", "application/json")
            .body(body);
        let answer = exuvia_brokers::saxo::parse(&self.http.send(&request).unwrap().body).unwrap();
        let last = answer.get("MessageId").and_then(exuvia_brokers::saxo::Node::whole).unwrap();
        let feed = self.broker.feed();
        while feed.last_message().is_none_or(|id| id < u64::try_from(last).unwrap()) {
            if let Some(Frame::Binary(bytes)) = self.stream.receive().unwrap() {
                feed.frame(&bytes, to);
            }
        }
        self.broker.poll(to)
    }

    fn clock(&self) -> String {
        let answer = self.http.send(&Request::new("GET", &format!("{}/lockstep/clock", self.origin))).unwrap();
        exuvia_brokers::saxo::parse(&answer.body).unwrap().text("Time").unwrap().to_owned()
    }
}

fn steps(reports: &[Report], client_id: &str) -> Vec<Heard> {
    reports
        .iter()
        .filter(|report| report.client_id.as_deref() == Some(client_id))
        .map(|report| report.what.clone())
        .collect()
}

#[test]
fn a_market_order_is_filled_heard_once_and_held() {
    let mut house = house();
    let start = house.clock();
    let orders = checked(&mut desk(), vec![intent(EURO, Side::Buy, "3000")]);
    let (order, instrument) = &orders[0];
    house.advance(&start, 600);
    let PlaceOutcome::Accepted(venue_id) = house.broker.place(order, instrument, Time(SECOND)) else { panic!() };
    let heard = steps(&house.advance(&start, 7200), "exv-a-000001");
    let [Heard::Step(Step::Accepted(Some(id))), Heard::Execution { id: execution, quantity, price, last: true, .. }] =
        &heard[..]
    else {
        panic!("{heard:?}")
    };
    assert_eq!((id, execution.as_str(), *quantity), (&venue_id, "filled-3000", q("3000")));
    let snapshot = house.broker.snapshot(Time(2 * SECOND)).unwrap();
    let [position] = &snapshot.positions[..] else { panic!("{snapshot:?}") };
    assert_eq!(
        (position.instrument.as_str(), position.quantity, position.average),
        ("21__FxSpot", q("3000"), Some(*price))
    );
    assert!(snapshot.orders.is_empty());
    assert_eq!(snapshot.cash[0].0.to_string(), "USD");
    let rows = house.broker.client().positions(Time(2 * SECOND)).unwrap();
    assert_eq!(
        (rows[0].amount, rows[0].reference.as_deref(), rows[0].source_order.as_ref()),
        (q("3000"), Some("exv-a-000001"), Some(&venue_id))
    );
    let details = house.broker.client().details(21, "FxSpot", Time(2 * SECOND)).unwrap();
    let listed = details.instrument("21__FxSpot", p("1")).unwrap();
    assert_eq!((listed.tick, listed.lot), (p("0.00001"), q("1000")));
}

#[test]
fn a_limit_order_that_is_sent_twice_lives_once_and_is_taken_back() {
    let mut house = house();
    let start = house.clock();
    let orders =
        checked(&mut desk(), vec![limit(EURO, Side::Buy, "1000", "0.5"), limit(EURO, Side::Buy, "1500", "0.5")]);
    let (order, instrument) = &orders[0];
    let PlaceOutcome::Accepted(venue_id) = house.broker.place(order, instrument, Time(SECOND)) else { panic!() };
    let again = house.broker.place(order, instrument, Time(2 * SECOND));
    assert!(matches!(&again, PlaceOutcome::Unknown(words) if words.contains("the first one arrived")), "{again:?}");
    let found = house.broker.look_up("exv-a-000001", Time(0), Time(3 * SECOND)).unwrap().unwrap();
    assert_eq!(
        (found.venue_id.as_str(), found.status, found.limit),
        (venue_id.as_str(), VenueStatus::Working, Some(p("0.5")))
    );
    assert_eq!(house.broker.snapshot(Time(3 * SECOND)).unwrap().orders.len(), 1);
    let refused = house.broker.place(&orders[1].0, instrument, Time(4 * SECOND));
    assert!(
        matches!(&refused, PlaceOutcome::Rejected(words) if words.starts_with("AmountNotInLotSize")),
        "{refused:?}"
    );
    assert_eq!(house.broker.cancel(&venue_id, Time(5 * SECOND)), ChangeOutcome::Requested);
    let heard = steps(&house.advance(&start, 60), "exv-a-000001");
    assert!(matches!(&heard[..], [Heard::Step(Step::Accepted(_)), Heard::Step(Step::Cancelled(_))]), "{heard:?}");
    let gone = house.broker.cancel(&venue_id, Time(6 * SECOND));
    assert_eq!(gone, ChangeOutcome::Refused("OrderNotFound: Order not found".into()));
    assert!(house.broker.snapshot(Time(7 * SECOND)).unwrap().orders.is_empty());
}
