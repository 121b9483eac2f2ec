//! Looking up and taking stock: open orders, the audit, and what the two say together.

use exuvia_brokers::saxo::SaxoConfig;
use exuvia_execution::{Broker, Heard, PlaceOutcome, VenueOrder, VenueStatus};
use exuvia_model::{OrderType, Side, Time};
use exuvia_ports::{HttpError, Request, Response};

use crate::asking::BALANCES;
use crate::kit::{AAPL, Scripted, at, config, intent, lost, not_sent, one, p, q, with};

const ROW: &str = r#"{"AccountId":"1234567","AccountKey":"aBc1…==","Amount":10,"AssetType":"Stock","BuySell":"Buy","CalculationReliability":"Ok","ClientKey":"aBc1…==","CorrelationKey":"…",
 "CurrentPrice":188.02,"CurrentPriceDelayMinutes":15,"CurrentPriceType":"Ask","DistanceToMarket":3.02,"Duration":{"DurationType":"DayOrder"},"ExternalReference":"exv-43","FilledAmount":4,
 "IsForceOpen":false,"IsMarketOpen":true,"MarketPrice":188.02,"MarketState":"Open","OpenOrderType":"Limit","OrderAmountType":"Quantity","OrderId":"7002","OrderRelation":"StandAlone",
 "OrderTime":"2026-02-03T15:00:00.123000Z","Price":185.0,"RelatedOpenOrders":[],"Status":"Working","ToOpenClose":"Undefined","TradingStatus":"Tradable","Uic":211}"#;

/// One row of the audit; what is not named is as in the first row of an order that was placed.
pub fn activity(log: u32, order: &str, status: &str, rest: &str) -> String {
    let time = format!("2026-02-03T15:00:{:02}.000000Z", log % 60);
    format!(
        r#"{{"LogId":"{log}","OrderId":"{order}","ActivityTime":"{time}","AssetType":"Stock","Uic":211,"BuySell":"Buy","Amount":10,"OrderType":"Limit","Price":185,"Status":"{status}"{rest}}}"#
    )
}

fn reference(text: &str) -> String {
    format!(r#","SubStatus":"Confirmed","ExternalReference":"{text}""#)
}

/// A venue with these open orders and this audit.
struct Books {
    open: String,
    audit: String,
    net: &'static str,
    balances: String,
    config: SaxoConfig,
}

impl Books {
    fn new(open: &[&str], audit: &[String]) -> Self {
        Self {
            open: format!(r#"{{"Data":[{}]}}"#, open.join(",")),
            audit: format!(r#"{{"Data":[{}]}}"#, audit.join(",")),
            net: r#"{"Data":[]}"#,
            balances: BALANCES.to_owned(),
            config: config(),
        }
    }

    fn venue(self, fail: Option<(&'static str, HttpError)>) -> Scripted {
        with(self.config, move |request: &Request| {
            if let Some((path, error)) = &fail
                && request.url.contains(path)
            {
                return Err(error.clone());
            }
            let body = match request.url.split("/openapi/").nth(1).unwrap() {
                path if path.starts_with("port/v1/orders") => &self.open,
                path if path.starts_with("cs/v1/audit/orderactivities") => &self.audit,
                path if path.starts_with("port/v1/netpositions") => self.net,
                path if path.starts_with("port/v1/balances") => &self.balances,
                path => panic!("{path}"),
            };
            Ok(Response::new(200, body.as_bytes()))
        })
    }
}

fn find(books: Books, client_id: &str, now: Time) -> Result<Option<VenueOrder>, String> {
    books.venue(None).broker.look_up(client_id, at(0), now).map_err(|error| error.to_string())
}

#[test]
fn an_open_order_is_found_by_its_reference_and_read_whole() {
    let mut row = ROW.replace("\"FilledAmount\":4", "\"FilledAmount\":0");
    let mut venue = Books::new(&[&row], &[]).venue(None);
    let found = venue.broker.look_up("exv-43", at(0), at(1)).unwrap().unwrap();
    let keys = "ClientKey=aBc1dEf2gHi3jKl4mNoPqw%3D%3D&AccountKey=aBc1dEf2gHi3jKl4mNoPqw%3D%3D";
    assert_eq!(venue.asked(), [format!("GET /port/v1/orders?{keys}&Status=All")], "the audit is not needed");
    assert_eq!((found.venue_id.as_str(), found.instrument.as_str(), found.side), ("7002", "AAPL:xnas", Side::Buy));
    assert_eq!((found.order_type, found.limit, found.stop), (Some(OrderType::Limit), Some(p("185")), None));
    assert_eq!(
        (found.quantity, found.filled, found.average, found.status),
        (q("10"), q("0"), None, VenueStatus::Working)
    );
    assert_eq!((found.parent, found.words.as_str(), found.updated), (None, "Working", Time(at(0).0 + 123_000_000)));
    for (kind, word, prices) in [
        ("StopIfTraded", Some(OrderType::Stop), (None, Some(p("185")))),
        ("TrailingStop", Some(OrderType::TrailingStop), (None, Some(p("185")))),
        ("StopLimit", Some(OrderType::StopLimit), (Some(p("184")), Some(p("185")))),
        ("Algorithmic", None, (None, None)),
        ("Market", Some(OrderType::Market), (None, None)),
    ] {
        row = row.replace("\"Price\":185.0", "\"Price\":185.0,\"StopLimitPrice\":184");
        let changed = row.replace("\"OpenOrderType\":\"Limit\"", &format!("\"OpenOrderType\":\"{kind}\""));
        let found = find(Books::new(&[&changed], &[]), "exv-43", at(1)).unwrap().unwrap();
        assert_eq!((found.order_type, (found.limit, found.stop)), (word, prices), "{kind}");
    }
}

#[test]
fn each_status_of_the_list_says_whether_the_order_works_waits_or_is_unclear() {
    for (word, status) in [
        ("Working", VenueStatus::Working),
        ("WorkingLockedCancelPending", VenueStatus::Working),
        ("WorkingLockedChangePending", VenueStatus::Working),
        ("NotWorking", VenueStatus::Held),
        ("Parked", VenueStatus::Held),
        ("NotWorkingLockedCancelPending", VenueStatus::Held),
        ("NotWorkingLockedChangePending", VenueStatus::Held),
        ("Filled", VenueStatus::Filled),
        ("LockedPlacementPending", VenueStatus::Unclear),
        ("Unknown", VenueStatus::Unclear),
        ("NeverHeardOf", VenueStatus::Unclear),
    ] {
        let row = ROW.replace("\"Status\":\"Working\"", &format!("\"Status\":\"{word}\""));
        let found = find(Books::new(&[&row], &[]), "exv-43", at(1)).unwrap().unwrap();
        assert_eq!((found.status, found.words.as_str()), (status, word));
    }
}

#[test]
fn what_was_executed_has_its_average_from_the_audit() {
    let fill = activity(
        9,
        "7002",
        "Fill",
        r#","FillAmount":4,"FilledAmount":4,"AveragePrice":184.99,"ExecutionPrice":184.99"#,
    );
    let found = find(Books::new(&[ROW], &[fill]), "exv-43", at(1)).unwrap().unwrap();
    assert_eq!((found.filled, found.average, found.updated), (q("4"), Some(p("184.99")), at(9)));
    let old = activity(9, "7002", "Fill", r#","FilledAmount":2,"AveragePrice":184"#);
    let found = find(Books::new(&[ROW], &[old]), "exv-43", at(1)).unwrap().unwrap();
    assert_eq!((found.filled, found.average), (q("4"), None), "an average of less is the average of something else");
}

#[test]
fn an_order_that_ended_is_found_in_the_audit_with_its_end() {
    let placed = || activity(1, "7002", "Placed", &reference("exv-43"));
    for (status, rest, end) in [
        (
            "FinalFill",
            r#","FillAmount":10,"FilledAmount":10,"AveragePrice":185,"ExecutionPrice":185"#,
            VenueStatus::Filled,
        ),
        ("Cancelled", r#","SubStatus":"Confirmed""#, VenueStatus::Cancelled),
        ("Placed", r#","SubStatus":"Rejected""#, VenueStatus::Rejected),
        ("Expired", "", VenueStatus::Expired),
        ("DoneForDay", r#","Duration":{"DurationType":"DayOrder"}"#, VenueStatus::Expired),
        // Alive, and not among the open orders: nothing is concluded from it.
        ("DoneForDay", r#","Duration":{"DurationType":"GoodTillCancel"}"#, VenueStatus::Unclear),
        ("Cancelled", r#","SubStatus":"Requested""#, VenueStatus::Unclear),
        ("Working", "", VenueStatus::Unclear),
    ] {
        let books = Books::new(&[], &[activity(2, "7002", status, rest), placed()]);
        let found = find(books, "exv-43", at(1)).unwrap().unwrap();
        assert_eq!((found.status, found.venue_id.as_str()), (end, "7002"), "{status} {rest}");
    }
    let late =
        activity(3, "7002", "Fill", r#","FillAmount":1,"FilledAmount":1,"AveragePrice":185,"ExecutionPrice":185"#);
    let books = Books::new(&[], &[placed(), activity(2, "7002", "Cancelled", ""), late]);
    let found = find(books, "exv-43", at(1)).unwrap().unwrap();
    assert_eq!(
        (found.status, found.filled, found.words.as_str()),
        (VenueStatus::Cancelled, q("1"), "Cancelled Confirmed")
    );
}

#[test]
fn the_audit_is_read_in_the_order_of_its_numbers_and_from_a_little_earlier() {
    let books =
        Books::new(&[], &[activity(10, "7002", "Cancelled", ""), activity(9, "7002", "Placed", &reference("exv-43"))]);
    let mut venue = books.venue(None);
    assert_eq!(venue.broker.look_up("exv-43", at(0), at(1)).unwrap().unwrap().status, VenueStatus::Cancelled);
    assert!(
        venue.asked()[1].contains("&FromDateTime=2026-02-03T14%3A59%3A00.000000Z&EntryType=All"),
        "{:?}",
        venue.asked()
    );
    let named = |name: &str, status: &str, second: u32| {
        activity(second, "7002", status, &reference("exv-43"))
            .replace(&format!("\"LogId\":\"{second}\""), &format!("\"LogId\":\"{name}\""))
    };
    let found = find(Books::new(&[], &[named("a", "Cancelled", 9), named("b", "Placed", 8)]), "exv-43", at(1))
        .unwrap()
        .unwrap();
    assert_eq!(found.status, VenueStatus::Cancelled, "without numbers the times decide");
}

#[test]
fn none_is_said_only_of_a_complete_list_and_after_the_order_had_time_to_arrive() {
    let other = || Books::new(&[ROW], &[activity(1, "7003", "Placed", &reference("exv-44"))]);
    assert_eq!(find(other(), "exv-99", at(15)), Ok(None));
    assert!(find(other(), "exv-99", at(14)).unwrap_err().contains("may be on its way for 15 s"));
    let mut books = other();
    books.config.audit = false;
    assert!(find(books, "exv-99", at(99)).unwrap_err().contains("without the audit nobody knows"));
    let mut books = other();
    books.config.audit = false;
    assert_eq!(find(books, "exv-43", at(99)).unwrap().unwrap().venue_id, "7002", "what is open is found without it");
    for path in ["port/v1/orders", "cs/v1/audit"] {
        for error in [lost(), not_sent()] {
            let mut venue = other().venue(Some((path, error)));
            let error = venue.broker.look_up("exv-99", at(0), at(99)).unwrap_err();
            assert_eq!(error.code(), "unreachable");
            assert!(error.to_string().contains(path) && error.to_string().contains("asked again"), "{error}");
        }
    }
    let mut books = other();
    books.audit = r#"{"Data":[{"LogId":"1"}]}"#.into();
    assert!(
        find(books, "exv-99", at(99)).unwrap_err().contains("it has no OrderId"),
        "a row that cannot be read may be the one"
    );
}

#[test]
fn two_orders_of_one_reference_are_an_error_that_names_both() {
    let second = activity(1, "7009", "Placed", &reference("exv-43"));
    let error = find(Books::new(&[ROW], std::slice::from_ref(&second)), "exv-43", at(1)).unwrap_err();
    assert!(error.contains("2 orders with this reference, 7002 and 7009: cancel all but one"), "{error}");
    let refused = activity(2, "7009", "Placed", r#","SubStatus":"Rejected""#);
    let found = find(Books::new(&[ROW], &[second, refused]), "exv-43", at(1)).unwrap().unwrap();
    assert_eq!(found.venue_id, "7002", "one that was refused never lived");
}

#[test]
fn an_order_whose_answer_was_202_is_found_by_the_id_that_came_with_it() {
    let row = ROW.replace("\"ExternalReference\":\"exv-43\",", "").replace("\"FilledAmount\":4", "\"FilledAmount\":0");
    let mut venue = with(config(), move |request: &Request| {
        let body = format!(r#"{{"Data":[{row}]}}"#);
        Ok(match request.method.as_str() {
            "POST" => {
                Response::new(202, r#"{"OrderId":"7002","ErrorInfo":{"ErrorCode":"TradeNotCompleted","Message":"m"}}"#)
            }
            _ => Response::new(200, body.as_bytes()),
        })
    });
    let (order, instrument) = one(intent(AAPL, Side::Buy, "10"));
    assert!(matches!(venue.broker.place(&order, &instrument, at(0)), PlaceOutcome::Unknown(_)));
    let found = venue.broker.look_up("exv-a-000001", at(0), at(1)).unwrap().unwrap();
    assert_eq!((found.client_id.as_deref(), found.venue_id.as_str()), (Some("exv-a-000001"), "7002"));
}

#[test]
fn a_snapshot_has_open_and_ended_orders_executions_positions_and_cash() {
    let master = ROW
        .replace("\"RelatedOpenOrders\":[]", r#""RelatedOpenOrders":[{"OrderId":"7003"},{"OrderId":"7004"}]"#)
        .replace("StandAlone", "IfDoneMaster");
    let slave = ROW
        .replace("7002", "7003")
        .replace("exv-43", "exv-43-tp")
        .replace("StandAlone", "IfDoneSlaveOco")
        .replace("\"RelatedOpenOrders\":[]", r#""RelatedOpenOrders":[{"OrderId":"7004"}]"#)
        .replace("\"Working\"", "\"NotWorking\"");
    let fill = r#","FillAmount":4,"FilledAmount":4,"AveragePrice":184.99,"ExecutionPrice":184.99"#;
    let done = r#","FillAmount":10,"FilledAmount":10,"AveragePrice":180.5,"ExecutionPrice":180.5,"ExternalReference":"exv-40""#;
    let audit = [
        activity(3, "7002", "Fill", fill),
        activity(4, "6999", "FinalFill", done),
        activity(5, "7002", "Cancelled", r#","SubStatus":"Rejected""#),
    ];
    let mut books = Books::new(&[&master, &slave], &audit);
    books.net = r#"{"Data":[{"NetPositionBase":{"Uic":211,"AssetType":"Stock","Amount":-4},"NetPositionView":{"AverageOpenPrice":184.99}}]}"#;
    let mut venue = books.venue(None);
    let snapshot = venue.broker.snapshot(at(30)).unwrap();
    let rows: Vec<_> = snapshot
        .orders
        .iter()
        .map(|order| (order.venue_id.as_str(), order.status, order.parent.as_deref(), order.average))
        .collect();
    assert_eq!(
        rows,
        [
            ("7002", VenueStatus::Working, None, Some(p("184.99"))),
            ("7003", VenueStatus::Held, Some("7002"), None),
            ("6999", VenueStatus::Filled, None, Some(p("180.5"))),
        ]
    );
    let executions: Vec<_> = snapshot
        .executions
        .iter()
        .map(|report| (report.client_id.as_deref(), report.venue_id.as_deref(), report.what.clone()))
        .collect();
    let executed = |id: &str, quantity: &str, price: &str, last: bool| Heard::Execution {
        id: id.into(),
        quantity: q(quantity),
        price: p(price),
        fee: None,
        last,
    };
    assert_eq!(
        executions,
        [
            (None, Some("7002"), executed("filled-4", "4", "184.99", false)),
            (Some("exv-40"), Some("6999"), executed("filled-10", "10", "180.5", true))
        ]
    );
    assert_eq!((snapshot.positions[0].instrument.as_str(), snapshot.positions[0].quantity), ("AAPL:xnas", q("-4")));
    assert_eq!(
        (snapshot.cash[0].0.to_string(), snapshot.cash[0].1.to_string(), snapshot.taken),
        ("EUR".into(), "99988.35".into(), at(30))
    );
    assert!(venue.asked()[1].contains("FromDateTime=2026-02-02T14%3A59%3A30"), "the first one looks back a day");
    venue.broker.snapshot(at(90)).unwrap();
    assert!(
        venue.asked()[5].contains("FromDateTime=2026-02-03T14%3A59%3A30"),
        "the next one to the one before: {:?}",
        venue.asked()
    );
}

#[test]
fn an_open_order_that_the_audit_saw_end_has_ended() {
    let slave = ROW.replace("7002", "7003");
    let master = ROW
        .replace("\"RelatedOpenOrders\":[]", r#""RelatedOpenOrders":[{"OrderId":"7003"}]"#)
        .replace("StandAlone", "IfDoneMaster");
    let snapshot = Books::new(&[&master, &slave], &[activity(9, "7003", "Cancelled", "")])
        .venue(None)
        .broker
        .snapshot(at(30))
        .unwrap();
    assert_eq!(
        (snapshot.orders[1].status, snapshot.orders[1].parent.as_deref()),
        (VenueStatus::Cancelled, Some("7002"))
    );
}

#[test]
fn a_snapshot_is_whole_or_none_and_cash_that_is_not_to_be_believed_is_left_out() {
    for path in ["port/v1/orders", "cs/v1/audit", "port/v1/netpositions", "port/v1/balances"] {
        let mut venue = Books::new(&[], &[]).venue(Some((path, lost())));
        assert!(venue.broker.snapshot(at(0)).unwrap_err().to_string().contains(path));
    }
    let mut books = Books::new(&[], &[]);
    books.balances = BALANCES.replace("\"Ok\"", "\"PricePending\"");
    assert!(books.venue(None).broker.snapshot(at(0)).unwrap().cash.is_empty());
    let mut books = Books::new(&["{\"OrderId\":\"1\"}"], &[]);
    books.config.audit = false;
    let mut venue = books.venue(None);
    assert!(
        venue
            .broker
            .snapshot(at(0))
            .unwrap_err()
            .to_string()
            .contains("GET /port/v1/orders: the answer cannot be used")
    );
    let mut books = Books::new(&[], &[]);
    books.config.audit = false;
    let mut venue = books.venue(None);
    assert!(venue.broker.snapshot(at(0)).unwrap().executions.is_empty());
    assert_eq!(venue.requests().len(), 3);
}

#[test]
fn an_execution_without_its_amounts_is_in_no_snapshot_and_one_with_totals_is_a_total() {
    let heard = |rest: &str| {
        let books = Books::new(&[], &[activity(3, "7002", "Fill", rest)]);
        let executions = books.venue(None).broker.snapshot(at(30)).unwrap().executions;
        executions.into_iter().map(|report| report.what).collect::<Vec<_>>()
    };
    let total = Heard::Total { filled: q("4"), average: p("184.9"), last: false };
    assert_eq!(heard(r#","FilledAmount":4,"AveragePrice":184.9"#), [total]);
    for rest in [
        "",
        r#","FillAmount":4,"ExecutionPrice":184"#,
        r#","FilledAmount":4,"ExecutionPrice":184"#,
        r#","FillAmount":0,"FilledAmount":0,"ExecutionPrice":184,"AveragePrice":0"#,
    ] {
        assert!(heard(rest).is_empty(), "{rest}: a gap there would ask for the next snapshot, and that for the next");
    }
}
