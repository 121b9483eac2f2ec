//! What the venue refuses and what it leaves out, each in the words that a client shows to its user.

use exuvia_model::Money;
use exuvia_venues::saxo::{Response, SaxoVenue};
use exuvia_venues::ticks::What;
use serde_json::{Value, json};

use crate::desk::{Desk, at, body, code, market};

const PRICES: &str = "/trade/v1/infoprices/subscriptions";
const ORDERS: &str = "/ens/v1/activities/subscriptions";

/// A desk whose account starts with this much.
fn with_cash(cash: i64, mids: &[i64]) -> Desk {
    let mut desk = Desk::new(market(mids));
    desk.venue = SaxoVenue::new(market(mids), Money::from_whole(cash).unwrap());
    let token = desk.form("grant_type=authorization_code&code=demo&client_id=a&client_secret=b");
    desk.bearer = format!("Bearer {}", body(&token)["access_token"].as_str().unwrap());
    desk.subscribe("ctx");
    desk
}

fn prices(reference: &str) -> Value {
    json!({"ContextId": "ctx", "ReferenceId": reference, "Arguments": {"Uics": "21", "AssetType": "FxSpot"}})
}

/// Status, code and the text about the field.
fn refusal(response: &Response, field: &str) -> (u16, String, String) {
    let said = body(response);
    let text = said["ModelState"][field][0].as_str().or(said["Message"].as_str()).unwrap_or_default();
    (response.status, code(response), text.to_owned())
}

#[test]
fn a_subscription_is_told_which_of_its_arguments_is_wrong() {
    let mut desk = Desk::new(market(&[139_000]));
    let stranger = "no instrument of this venue is asked for: it has Uic 21, FxSpot";
    for (path, arguments, field, want, words) in [
        (PRICES, json!(null), "Arguments", "InvalidModelState", "Arguments is required and must be an object"),
        (PRICES, json!({"Uics": "22", "AssetType": "FxSpot"}), "", "IllegalInstrumentId", stranger),
        (PRICES, json!({"Uics": "21", "AssetType": "Stock"}), "", "IllegalInstrumentId", stranger),
        (
            PRICES,
            json!({"Uics": {}, "AssetType": "FxSpot"}),
            "Uics",
            "InvalidModelState",
            "Uics must be a string, not an object",
        ),
        (
            ORDERS,
            json!({"Activities": ["Positions"]}),
            "Activities",
            "InvalidModelState",
            "Activities must name Orders: this venue has no other",
        ),
        (
            ORDERS,
            json!({"Activities": "Orders"}),
            "Activities",
            "InvalidModelState",
            "Activities must be an array, not a string",
        ),
        (
            ORDERS,
            json!({"Activities": null}),
            "Activities",
            "InvalidModelState",
            "Activities must be an array, not null",
        ),
        (ORDERS, json!({}), "Activities", "InvalidModelState", "Activities is required"),
        (
            ORDERS,
            json!({"Activities": ["Orders"], "SequenceId": 4}),
            "SequenceId",
            "InvalidModelState",
            "SequenceId 4 is not the text of a whole number",
        ),
    ] {
        let answer = desk.post(path, &json!({"ContextId": "ctx", "ReferenceId": "a", "Arguments": arguments}));
        assert_eq!(refusal(&answer, field), (400, want.to_owned(), words.to_owned()), "{arguments}");
    }
    let mut wanted = prices("a");
    wanted["Format"] = "application/x-protobuf".into();
    let answer = desk.post(PRICES, &wanted);
    assert_eq!(code(&answer), "UnsupportedSubscriptionFormat");
    assert_eq!(desk.post(PRICES, &prices("a")).status, 201, "none of these took the reference");
}

#[test]
fn a_context_holds_a_hundred_subscriptions_and_takes_another_when_one_is_deleted() {
    let mut desk = Desk::new(market(&[139_000]));
    assert!((0..100).all(|at| desk.post(PRICES, &prices(&format!("r{at}"))).status == 201));
    let refused = desk.post(PRICES, &prices("more"));
    assert_eq!((refused.status, code(&refused).as_str()), (400, "SubscriptionLimitExceeded"));
    assert_eq!(desk.delete(&format!("{PRICES}/ctx/r7")).status, 204);
    assert_eq!(desk.post(PRICES, &prices("more")).status, 201);
}

#[test]
fn subscriptions_with_a_tag_go_together_and_the_others_stay() {
    let mut desk = Desk::listening(market(&[139_000; 9]));
    for (path, mut wanted) in [
        (PRICES, prices("tagged")),
        (ORDERS, json!({"ContextId": "ctx", "ReferenceId": "tagged-too", "Arguments": {"Activities": ["Orders"]}})),
    ] {
        wanted["Tag"] = "page".into();
        let answer = desk.post(path, &wanted);
        assert_eq!((answer.status, &body(&answer)["Tag"]), (201, &json!("page")));
    }
    assert_eq!(desk.send("DELETE", &format!("{ORDERS}/ctx"), "Tag=other", b"").status, 202);
    desk.advance(at(1));
    assert!(desk.heard.iter().any(|heard| heard.1 == "tagged"), "another tag takes nothing away");
    assert_eq!(desk.send("DELETE", &format!("{PRICES}/ctx"), "Tag=page", b"").status, 202);
    desk.heard.clear();
    desk.placed("Buy", 1_000, None, "a");
    desk.advance(at(3));
    let heard: std::collections::BTreeSet<&str> = desk.heard.iter().map(|heard| heard.1.as_str()).collect();
    assert_eq!(heard.into_iter().collect::<Vec<_>>(), ["_heartbeat", "ens", "px"]);
    assert_eq!(desk.delete(&format!("{ORDERS}/ctx/ens")).status, 204);
    assert_eq!(desk.delete(&format!("{ORDERS}/ctx/ens")).status, 404);
    assert_eq!(desk.delete(&format!("{ORDERS}/nobody/ens")).status, 404);
}

/// The context stands where it stood; what the snapshot shows already is not sent once more.
#[test]
fn a_subscription_of_a_context_that_lags_hears_nothing_that_its_snapshot_held() {
    let mut desk = Desk::listening(market(&[139_000; 50]));
    desk.subscribe("fast");
    desk.advance_on("fast", at(20));
    desk.heard.clear();
    assert_eq!(desk.post(PRICES, &prices("late")).status, 201);
    desk.advance(at(30));
    let times = |name: &str| -> Vec<String> {
        let mine = desk.heard.iter().filter(|heard| heard.1 == name);
        mine.map(|heard| heard.2[0]["LastUpdated"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(times("px").len(), 30, "the older one hears all of it");
    assert_eq!(times("late"), times("px")[20..]);
}

#[test]
fn an_empty_account_has_no_positions_and_a_shown_one_says_how_to_format_it() {
    let mut desk = Desk::listening(market(&[139_000; 9]));
    let nothing = json!({"__count": 0, "Data": []});
    assert_eq!(desk.get("/port/v1/positions/me"), nothing);
    assert_eq!(desk.get("/port/v1/netpositions/me"), nothing);
    desk.placed("Buy", 3_000, None, "a");
    desk.advance(at(2));
    let format = json!({
        "Currency": "USD", "Decimals": 4, "Description": "Euro/US Dollar", "Format": "AllowDecimalPips",
        "OrderDecimals": 5, "Symbol": "EURUSD",
    });
    for path in ["/port/v1/positions/me", "/port/v1/netpositions/me"] {
        assert_eq!(desk.get(path)["Data"][0].get("DisplayAndFormat"), None, "{path}: it was not asked for");
        let asked = desk.get(&format!("{path}?FieldGroups=PositionBase,DisplayAndFormat"));
        assert_eq!((&asked["__count"], &asked["Data"][0]["DisplayAndFormat"]), (&json!(1), &format), "{path}");
    }
}

#[test]
fn a_working_order_is_found_by_its_id_and_shows_a_price_once_there_is_one() {
    let mut desk = Desk::listening(market(&[139_000; 9]));
    let id = desk.placed("Buy", 1_000, Some(1.2), "a");
    desk.placed("Sell", 1_000, Some(1.5), "b");
    let path = format!("/port/v1/orders/Client-Key/{id}");
    let before = desk.get(&path);
    assert_eq!((&before["__count"], &before["Data"][0]["OrderId"]), (&json!(1), &json!(id)));
    assert_eq!(before["Data"][0].get("CurrentPrice"), None, "no tick has come");
    desk.advance(at(1));
    let row = desk.get(&path)["Data"][0].clone();
    assert_eq!(
        [&row["CurrentPrice"], &row["CurrentPriceType"], &row["DistanceToMarket"]],
        [&json!(1.390_05), &json!("Ask"), &json!(0.190_05)]
    );
    assert_eq!(desk.get("/port/v1/orders/Client-Key/5000009"), json!({"__count": 0, "Data": []}));
}

#[test]
fn an_account_without_money_uses_none_of_it_and_carries_no_order() {
    let mut desk = with_cash(0, &[139_000; 9]);
    desk.advance(at(1));
    let balance = desk.get("/port/v1/balances/me");
    let shown = ["TotalValue", "MarginUtilizationPct", "CashBalance"].map(|name| balance[name].as_f64());
    assert_eq!(shown, [Some(0.0); 3]);
    let refused = desk.order("Buy", 1_000, None, "a");
    assert_eq!((refused.status, code(&refused).as_str()), (400, "WouldExceedMargin"));
}

#[test]
fn orders_that_leave_the_range_of_amounts_together_are_refused_as_an_amount() {
    let mut desk = with_cash(1_000_000_000_000, &[139_000; 9]);
    desk.advance(at(1));
    desk.placed("Buy", 9_000_000_000, Some(1.2), "a");
    let refused = desk.order("Buy", 9_000_000_000, Some(1.2), "b");
    assert_eq!((refused.status, code(&refused).as_str()), (400, "IllegalAmount"));
    let said = body(&refused)["ErrorInfo"]["Message"].to_string();
    assert!(said.contains("quantity 9000000000 together with position and working orders is out of range"), "{said}");
    assert_eq!(desk.get("/port/v1/orders/me")["__count"], 1);
}

#[test]
fn an_order_without_an_instrument_or_with_too_many_decimals_is_refused() {
    let mut desk = Desk::listening(market(&[139_000; 9]));
    desk.advance(at(1));
    let order = json!({"AssetType": "FxSpot", "BuySell": "Buy", "Amount": 1000, "OrderType": "Market"});
    for uic in [None, Some(Value::Null)] {
        let mut order = order.clone();
        if let Some(uic) = uic {
            order["Uic"] = uic;
        }
        let answer = desk.post("/trade/v2/orders", &order);
        assert_eq!(refusal(&answer, "Uic"), (400, "InvalidModelState".to_owned(), "Uic is required".to_owned()));
    }
    let text = r#"{"Uic":21,"AssetType":"FxSpot","BuySell":"Buy","OrderType":"Market","Amount":1000.0000000001}"#;
    let answer = desk.send("POST", "/trade/v2/orders", "", text.as_bytes());
    assert_eq!((answer.status, code(&answer).as_str()), (400, "AmountNotInLotSize"));
    assert!(body(&answer)["ErrorInfo"]["Message"].as_str().unwrap().contains("1000.0000000001 is not a multiple"));
}

#[test]
fn a_price_of_an_instrument_that_the_venue_has_not_is_a_404_that_says_so() {
    let mut desk = Desk::new(market(&[139_000]));
    for query in ["Uic=22&AssetType=FxSpot", "Uic=21&AssetType=Stock"] {
        let answer = desk.send("GET", "/trade/v1/infoprices", query, b"");
        assert_eq!((answer.status, code(&answer).as_str()), (404, "IllegalInstrumentId"), "{query}");
    }
    let answer = desk.send("GET", "/trade/v1/infoprices", "Uic=EURUSD", b"");
    assert_eq!(
        refusal(&answer, "Uic"),
        (400, "InvalidModelState".to_owned(), "Uic \"EURUSD\" is not a whole number".to_owned())
    );
}

/// Before the first tick margin is reckoned at the price of the first, whatever the session says before it.
#[test]
fn a_day_that_begins_closed_still_knows_what_an_order_would_cost() {
    let mut beats = market(&[0, 139_000, 139_000]);
    beats[0].what = What::Session { open: false };
    let mut desk = Desk::listening(beats);
    let refused = desk.order("Buy", 22_000_000, Some(0.01), "a");
    assert_eq!((refused.status, code(&refused).as_str()), (400, "WouldExceedMargin"));
    desk.placed("Buy", 21_000_000, Some(0.01), "b");
}
