//! Orders at the venue: when they fill, what is refused in which words, what the account shows.

use exuvia_venues::ticks::What;
use serde_json::json;

use crate::desk::{Desk, at, body, code, market};

#[test]
fn a_market_order_fills_at_the_first_tick_after_its_decision() {
    let mut desk = Desk::listening(market(&[139_000, 139_100, 139_200, 139_300]));
    // The clock stands at 2 s: that tick has not been sent, but it is not after the decision either.
    desk.advance(at(2));
    let id = desk.placed("Buy", 10_000, None, "LB-trend-000001");
    desk.listen("ctx");
    let placed = desk.activities();
    assert_eq!(placed.len(), 1, "the acceptance is told at once");
    assert_eq!(
        placed[0],
        json!({
            "ActivityType": "Orders", "SequenceId": "1", "ActivityTime": at(2).to_string(), "AccountId": "1234567",
            "ClientId": "1234567", "OrderId": id, "Uic": 21, "AssetType": "FxSpot", "Symbol": "EURUSD", "BuySell": "Buy",
            "Amount": 10_000, "OrderType": "Market", "Duration": {"DurationType": "DayOrder"},
            "OrderRelation": "StandAlone", "Status": "Placed", "SubStatus": "Confirmed",
            "CorrelationKey": "sim-order-5000001", "HandledBy": "1234567", "ExternalReference": "LB-trend-000001",
        })
    );
    desk.heard.clear();
    desk.advance(at(100));
    let order: Vec<_> = desk.heard.iter().map(|heard| heard.1.as_str()).collect();
    assert_eq!(order, ["px", "px", "ens", "_heartbeat"], "the fill follows the tick that brought it");
    let fill = desk.activities().remove(0);
    let names =
        ["Status", "ActivityTime", "FillAmount", "FilledAmount", "AveragePrice", "ExecutionPrice", "SequenceId"];
    assert_eq!(
        names.map(|name| fill[name].clone()),
        [
            json!("FinalFill"),
            json!(at(3).to_string()),
            json!(10_000),
            json!(10_000),
            json!(1.39305),
            json!(1.39305),
            json!("2"),
        ]
    );
}

#[test]
fn limits_fill_at_the_tick_that_reaches_them_for_the_ticks_price() {
    let mut desk = Desk::listening(market(&[139_000, 138_906, 138_904, 139_200, 139_300]));
    desk.advance(at(1));
    desk.placed("Buy", 1_000, Some(1.3891), "buy");
    desk.placed("Sell", 1_000, Some(1.39201), "sell");
    assert_eq!(desk.get("/port/v1/orders/me")["__count"], 2);
    assert_eq!(desk.get("/port/v1/orders?OrderId=5000002")["Data"][0]["Price"], 1.39201);
    desk.advance(at(100));
    let fills: Vec<_> = desk
        .activities()
        .into_iter()
        .filter(|activity| activity["Status"] == "FinalFill")
        .map(|fill| (fill["ExternalReference"].clone(), fill["ExecutionPrice"].clone(), fill["ActivityTime"].clone()))
        .collect();
    assert_eq!(
        fills,
        [
            (json!("buy"), json!(1.38909), json!(at(2).to_string())),
            (json!("sell"), json!(1.39295), json!(at(4).to_string())),
        ]
    );
    assert_eq!(desk.get("/port/v1/orders/me"), json!({"__count": 0, "Data": []}));
}

#[test]
fn a_cancelled_order_is_told_and_gone() {
    let mut desk = Desk::listening(market(&[139_000; 10]));
    desk.advance(at(1));
    let id = desk.placed("Buy", 1_000, Some(1.2), "a");
    let path = format!("/trade/v2/orders/{id},5009999");
    let answer = body(&desk.delete(&path));
    assert_eq!(answer["Orders"][0], json!({"OrderId": id}));
    assert_eq!(answer["Orders"][1]["ErrorInfo"]["ErrorCode"], "OrderNotFound");
    desk.listen("ctx");
    let last = desk.activities().pop().unwrap();
    assert_eq!(
        (&last["Status"], &last["SubStatus"], &last["OrderId"]),
        (&json!("Cancelled"), &json!("Confirmed"), &json!(id))
    );
    for gone in [path.as_str(), "/trade/v2/orders/1", "/trade/v2/orders/x"] {
        let answer = desk.delete(gone);
        assert_eq!((answer.status, code(&answer).as_str()), (404, "OrderNotFound"), "{gone}");
    }
    assert!(desk.advance(at(100)));
    assert_eq!(desk.activities().len(), 2, "placed and cancelled, never filled");
}

#[test]
fn a_closed_market_takes_limits_and_refuses_market_orders() {
    let mut beats = market(&[139_000, 0, 139_000, 0, 139_000]);
    beats[1].what = What::Session { open: false };
    beats[3].what = What::Session { open: true };
    let mut desk = Desk::listening(beats);
    desk.advance(at(2));
    assert_eq!(desk.get("/trade/v1/infoprices?Uic=21&AssetType=FxSpot")["Quote"]["MarketState"], "Closed");
    let refused = desk.order("Buy", 1_000, None, "a");
    assert_eq!((refused.status, code(&refused).as_str()), (400, "MarketClosed"));
    desk.placed("Buy", 1_000, Some(1.5), "b");
    desk.advance(at(4));
    assert_eq!(desk.activities().len(), 1, "no fill while it is closed");
    desk.advance(at(5));
    assert_eq!(desk.activities()[1]["ActivityTime"], at(4).to_string());
    let states: Vec<_> = desk.heard.iter().filter_map(|heard| heard.2[0]["Quote"]["MarketState"].as_str()).collect();
    assert_eq!(states, ["Open", "Closed", "Open"]);
}

#[test]
fn refusals_are_in_saxos_words_and_cause_no_activity() {
    let mut desk = Desk::listening(market(&[139_000; 10]));
    desk.advance(at(1));
    let good = json!({"Uic": 21, "AssetType": "FxSpot", "BuySell": "Buy", "Amount": 1000, "OrderType": "Limit", "OrderPrice": 1.39});
    for (field, value, want) in [
        ("Uic", json!(22), "IllegalInstrumentId"),
        ("Uic", json!(-1), "IllegalInstrumentId"),
        ("AssetType", json!("Stock"), "IllegalInstrumentId"),
        ("AccountKey", json!("other"), "IllegalAccount"),
        ("Amount", json!(999), "AmountBelowMinimumLotSize"),
        ("Amount", json!(0.5), "AmountBelowMinimumLotSize"),
        ("Amount", json!(1500), "AmountNotInLotSize"),
        ("Amount", json!(1_000.000_000_1), "AmountNotInLotSize"),
        ("Amount", json!(10_000_000_000_i64), "IllegalAmount"),
        ("Amount", json!(21_700_000), "WouldExceedMargin"),
        ("OrderPrice", json!(1.390_001), "PriceNotInTickSizeIncrements"),
        ("OrderPrice", json!(1e300), "PriceNotInTickSizeIncrements"),
        ("OrderDuration", json!({"DurationType": "FillOrKill"}), "DurationNotSupported"),
        ("Amount", json!(0), "InvalidModelState"),
        ("Amount", json!(-1000), "InvalidModelState"),
        ("Amount", json!("1000"), "InvalidModelState"),
        ("Amount", json!(null), "InvalidModelState"),
        ("OrderPrice", json!(0), "InvalidModelState"),
        ("OrderPrice", json!(null), "InvalidModelState"),
        ("BuySell", json!("buy"), "InvalidModelState"),
        ("OrderType", json!("Stop"), "InvalidModelState"),
        ("OrderDuration", json!("DayOrder"), "InvalidModelState"),
        ("ExternalReference", json!("x".repeat(51)), "InvalidModelState"),
        ("Orders", json!([]), "InvalidModelState"),
        ("Uic", json!("21"), "InvalidModelState"),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let answer = desk.post("/trade/v2/orders", &bad);
        assert_eq!((answer.status, code(&answer).as_str()), (400, want), "{bad}: {}", body(&answer));
        if want == "InvalidModelState" {
            assert!(body(&answer)["ModelState"][field][0].is_string(), "{}", body(&answer));
        } else {
            assert!(body(&answer)["ErrorInfo"]["Message"].is_string());
        }
    }
    assert_eq!(desk.post("/trade/v2/orders", &good).status, 200, "and the good one is good");
    desk.listen("ctx");
    assert_eq!(desk.activities().len(), 1);
}

/// 1,000,000 USD at 30 and a mid of 1.39 carry 21,582,000 units in lots.
#[test]
fn margin_counts_position_and_working_orders() {
    let mut desk = Desk::listening(market(&[139_000; 10]));
    desk.placed("Buy", 11_000_000, None, "a");
    desk.advance(at(2));
    desk.placed("Buy", 10_000_000, Some(1.3), "b");
    let refused = desk.order("Buy", 583_000, Some(1.3), "c");
    assert_eq!(code(&refused), "WouldExceedMargin", "{}", body(&refused));
    desk.placed("Buy", 582_000, Some(1.3), "d");
    desk.placed("Sell", 11_000_000, None, "close");
}

#[test]
fn the_same_order_within_15_seconds_is_a_conflict_unless_its_request_id_differs() {
    let mut desk = Desk::listening(market(&[139_000; 60]));
    desk.advance(at(1));
    desk.placed("Buy", 1_000, None, "a");
    let again = desk.order("Buy", 1_000, None, "a");
    assert_eq!((again.status, code(&again).as_str()), (409, "DuplicateRequest"));
    desk.placed("Buy", 1_000, None, "b");
    desk.advance(at(15));
    assert_eq!(desk.order("Buy", 1_000, None, "a").status, 409);
    desk.advance(at(16));
    assert_eq!(desk.order("Buy", 1_000, None, "a").status, 200);
    let bearer = desk.bearer.clone();
    let path = format!("{}/trade/v2/orders", crate::desk::SIM);
    let order =
        json!({"Uic": 21, "AssetType": "FxSpot", "BuySell": "Buy", "Amount": 1000, "OrderType": "Market"}).to_string();
    let mut send = |id| {
        let request = exuvia_venues::saxo::Request {
            method: "POST",
            path: &path,
            authorization: Some(&bearer),
            request_id: id,
            body: order.as_bytes(),
            ..Default::default()
        };
        desk.ask(&request).status
    };
    assert_eq!([Some("1"), Some("2"), Some("1"), None, None].map(&mut send), [200, 200, 409, 200, 409]);
}

#[test]
fn the_account_nets_and_its_cash_moves_by_what_was_realised() {
    let mut desk = Desk::listening(market(&[139_000, 139_000, 139_100, 139_100, 139_200]));
    desk.advance(at(1));
    desk.placed("Buy", 10_000, None, "a");
    desk.advance(at(3));
    let position = desk.get("/port/v1/positions/me")["Data"][0].clone();
    assert_eq!(position["PositionBase"]["Amount"], 10_000);
    assert_eq!(position["PositionBase"]["OpenPrice"], 1.39105);
    assert_eq!(position["PositionBase"]["ExternalReference"], "a");
    assert_eq!(position["PositionView"]["ProfitLossOnTrade"], -1.0);
    let balances = desk.get("/port/v1/balances?ClientKey=x");
    assert_eq!(balances["MarginUsedByCurrentPositions"], -463.67, "10,000 × 1.391 ÷ 30, deducted");
    assert_eq!((&balances["CashBalance"], &balances["TotalValue"]), (&json!(1_000_000.0), &json!(999_999.0)));
    desk.placed("Sell", 15_000, None, "b");
    desk.advance(at(100));
    let net = desk.get("/port/v1/netpositions")["Data"][0].clone();
    assert_eq!(net["NetPositionBase"]["Amount"], -5_000);
    assert_eq!(net["NetPositionBase"]["AmountShort"], -5_000);
    assert_eq!(net["NetPositionView"]["AverageOpenPrice"], 1.39195);
    assert_eq!(net["NetPositionView"]["RealizedProfitLoss"], 9.0);
    assert_eq!(desk.get("/port/v1/balances/me")["CashBalance"], 1_000_009.0);
    assert_eq!(desk.get("/port/v1/positions")["Data"][0]["PositionBase"]["SourceOrderId"], "5000002");
}

#[test]
fn activities_can_be_resumed_after_a_sequence_id() {
    let mut desk = Desk::listening(market(&[139_000; 10]));
    for (second, reference) in [(1, "a"), (2, "b"), (3, "c")] {
        desk.advance(at(second));
        desk.placed("Buy", 1_000, None, reference);
    }
    desk.advance(at(10));
    let sequence: Vec<u64> =
        desk.activities().iter().map(|activity| activity["SequenceId"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(sequence, [1, 2, 3, 4, 5, 6]);
    let wanted =
        json!({"ContextId": "new", "ReferenceId": "ens", "Arguments": {"Activities": ["Orders"], "SequenceId": "4"}});
    let answer = body(&desk.post("/ens/v1/activities/subscriptions", &wanted));
    let missed: Vec<_> =
        answer["Snapshot"]["Data"].as_array().unwrap().iter().map(|row| row["SequenceId"].clone()).collect();
    assert_eq!(missed, ["5", "6"]);
}

#[test]
fn reference_data_and_prices_answer_for_the_one_instrument() {
    let mut desk = Desk::listening(market(&[139_000; 3]));
    desk.advance(at(1));
    let details = desk.get("/ref/v1/instruments/details/21/FxSpot");
    assert_eq!((&details["Symbol"], &details["TickSize"]), (&json!("EURUSD"), &json!(0.00001)));
    assert_eq!(desk.send("GET", "/ref/v1/instruments/details/22/FxSpot", "", b"").status, 404);
    let list = desk.get("/trade/v1/infoprices/list?Uics=21,22&AssetType=FxSpot");
    assert_eq!(list["Data"][0]["Quote"]["Bid"], 1.38995);
    assert_eq!(list["Data"][1]["ErrorCode"], "IllegalInstrumentId");
    let account = desk.get("/port/v1/accounts/me")["Data"][0]["AccountKey"].clone();
    assert_eq!(account, desk.get("/port/v1/clients/me")["DefaultAccountKey"]);
}
