//! Questions: users, clients, accounts, balances, positions, instruments, option spaces, prechecks and disclaimers, over the
//! answers of the protocol's description.

use exuvia_brokers::saxo::{Disclaimer, Netting, Outstanding, SaxoError};
use exuvia_model::Side;
use exuvia_ports::Response;

use crate::kit::{AAPL, ODD, always, at, flat, header, in_turn, intent, limit, ok, one, p, q};

const CLIENT: &str = r#"{"AllowedNettingProfiles":["FifoEndOfDay","FifoRealTime","AverageRealTime"],"AllowedTradingSessions":"Regular","ClientId":"1234567","ClientKey":"aBc1dEf2gHi3jKl4mNoPqw==",
 "CurrencyDecimals":2,"DefaultAccountId":"1234567","DefaultAccountKey":"aBc1dEf2gHi3jKl4mNoPqw==","DefaultCurrency":"EUR","ForceOpenDefaultValue":false,
 "IsMarginTradingAllowed":true,"IsVariationMarginEligible":false,"LegalAssetTypes":["FxSpot","Stock","StockOption","Etf"],"LegalAssetTypesAreIndicative":false,
 "MarginCalculationMethod":"Default","Name":"SIM Client","PositionNettingMode":"EndOfDay","PositionNettingMethod":"FIFO","PositionNettingProfile":"FifoEndOfDay",
 "ReduceExposureOnly":false,"SupportsAccountValueProtectionLimit":true}"#;

pub const BALANCES: &str = r#"{"CalculationReliability":"Ok","CashAvailableForTrading":98211.4,"CashBalance":100012.55,"CashBlocked":0,"ChangesScheduled":false,"ClosedPositionsCount":0,
 "CollateralAvailable":97800.1,"CollateralCreditValue":{"Line":97800.1,"UtilizationPct":2.3},"CostToClosePositions":-12.4,"Currency":"EUR","CurrencyDecimals":2,
 "InitialMargin":{"MarginAvailable":97000.0,"MarginUsedByCurrentPositions":-2900.0,"MarginUtilizationPct":2.9,"NetEquityForMargin":99900.0},
 "IsPortfolioMarginModelSimple":true,"MarginAvailableForTrading":97000.0,"MarginCollateralNotAvailable":0,"MarginExposureCoveragePct":150.2,"MarginNetExposure":66500.0,
 "MarginUsedByCurrentPositions":-2900.0,"MarginUtilizationPct":2.9,"NetEquityForMargin":99900.0,"NetPositionsCount":2,"NonMarginPositionsValue":0,"OpenPositionsCount":3,
 "OptionPremiumsMarketValue":0,"OrdersCount":1,"OtherCollateral":0,"TotalValue":99900.0,"TransactionsNotBooked":-24.2,"UnrealizedMarginClosedProfitLoss":0,
 "UnrealizedMarginOpenProfitLoss":-88.15,"UnrealizedMarginProfitLoss":-88.15,"UnrealizedPositionsValue":-100.55}"#;

const POSITIONS: &str = r#"{"__count":1,"Data":[{"NetPositionId":"211__Stock","PositionId":"5012345678",
 "PositionBase":{"AccountId":"1234567","AccountKey":"aBc1…==","Amount":10,"AssetType":"Stock","CanBeClosed":true,"ClientId":"1234567","CloseConversionRateSettled":false,
  "CorrelationKey":"6f0a…","ExecutionTimeOpen":"2026-02-03T15:00:01.000000Z","ExternalReference":"exv-42","IsForceOpen":false,"IsMarketOpen":true,"LockedByBackOffice":false,
  "OpenPrice":187.20,"OpenPriceIncludingCosts":187.30,"RelatedOpenOrders":[{"Amount":10,"Duration":{"DurationType":"GoodTillCancel"},"OpenOrderType":"Limit","OrderId":"7001","OrderPrice":195.0}],
  "SourceOrderId":"7000","Status":"Open","Uic":211,"ValueDate":"2026-02-04T00:00:00.000000Z"},
 "PositionView":{"Ask":188.02,"Bid":187.98,"CalculationReliability":"Ok","ConversionRateCurrent":0.92,"ConversionRateOpen":0.92,"CurrentPrice":187.98,"CurrentPriceDelayMinutes":15,
  "CurrentPriceType":"Bid","Exposure":1879.8,"ExposureCurrency":"USD","ExposureInBaseCurrency":1729.4,"InstrumentPriceDayPercentChange":0.4,"MarketState":"Open","MarketValue":1879.8,
  "MarketValueInBaseCurrency":1729.4,"ProfitLossOnTrade":7.8,"ProfitLossOnTradeInBaseCurrency":7.18,"TradeCostsTotal":-2.0,"TradeCostsTotalInBaseCurrency":-1.84},
 "DisplayAndFormat":{"Currency":"USD","Decimals":2,"Description":"Apple Inc.","Format":"Normal","OrderDecimals":2,"Symbol":"AAPL:xnas"}}]}"#;

#[test]
fn the_client_says_how_its_positions_are_netted() {
    let mut venue = always(200, &flat(CLIENT));
    let holder = venue.broker.client().holder(at(0)).unwrap();
    assert_eq!((holder.client_key.as_str(), holder.default_account.as_str()), (crate::kit::CLIENT, crate::kit::CLIENT));
    assert_eq!((holder.currency.to_string(), holder.asset_types.len()), ("EUR".to_owned(), 4));
    assert_eq!(holder.netting, Netting::EndOfDay);
    let netting = |word: &str| {
        let mut venue = always(200, &CLIENT.replace("\"EndOfDay\"", word));
        venue.broker.client().holder(at(0)).unwrap().netting
    };
    assert_eq!((netting("\"RealTime\""), netting("\"Intraday\"")), (Netting::RealTime, Netting::RealTime));
    assert_eq!(netting("\"Odd\""), Netting::Other("Odd".into()));
}

#[test]
fn the_user_and_the_accounts_are_read_and_closed_accounts_are_told() {
    let mut venue = in_turn(vec![
        ok(r#"{"ClientKey":"c==","UserKey":"u==","Name":"N","UserId":"7"}"#),
        ok(
            r#"{"Data":[{"AccountKey":"k==","AccountId":"1","Currency":"USD","AccountType":"Normal","Active":false},{"AccountKey":"l==","AccountId":2,"Currency":"EUR"}]}"#,
        ),
    ]);
    let user = venue.broker.client().user(at(0)).unwrap();
    assert_eq!((user.user_key.as_str(), user.client_key.as_str(), user.name.as_deref()), ("u==", "c==", Some("N")));
    let accounts = venue.broker.client().accounts(at(0)).unwrap();
    assert_eq!((accounts[0].active, accounts[0].kind.as_str(), accounts[1].active), (false, "Normal", true));
    assert_eq!((accounts[1].account_key.as_str(), accounts[1].account_id.as_str()), ("l==", "2"));
    assert_eq!(venue.asked(), ["GET /port/v1/users/me", "GET /port/v1/accounts/me"]);
}

#[test]
fn balances_are_exact_and_say_how_far_they_are_to_be_believed() {
    let mut venue = always(200, &flat(BALANCES));
    let balances = venue.broker.client().balances(at(0)).unwrap();
    let text = |money: Option<exuvia_model::Money>| money.unwrap().to_string();
    assert_eq!(
        (balances.cash.to_string(), balances.not_booked.to_string()),
        ("100012.55".to_owned(), "-24.2".to_owned())
    );
    assert_eq!(
        (text(balances.available), text(balances.total), text(balances.margin_used)),
        ("98211.4".into(), "99900".into(), "-2900".into())
    );
    assert!(balances.is_reliable());
    let keys = "ClientKey=aBc1dEf2gHi3jKl4mNoPqw%3D%3D&AccountKey=aBc1dEf2gHi3jKl4mNoPqw%3D%3D";
    assert_eq!(venue.asked(), [format!("GET /port/v1/balances?{keys}")]);
    for (word, believed) in
        [("OkWithConditions", true), ("ApproximatedPrice", true), ("PricePending", false), ("SystemError", false)]
    {
        let mut venue = always(200, &BALANCES.replace("\"Ok\"", &format!("\"{word}\"")));
        assert_eq!(venue.broker.client().balances(at(0)).unwrap().is_reliable(), believed, "{word}");
    }
}

#[test]
fn a_position_is_read_with_the_order_that_opened_it() {
    let mut venue = always(200, &flat(POSITIONS));
    let positions = venue.broker.client().positions(at(0)).unwrap();
    let [position] = &positions[..] else { panic!("{positions:?}") };
    assert_eq!((position.uic, position.asset_type.as_str(), position.amount), (211, "Stock", q("10")));
    assert_eq!((position.open_price, position.status.as_str()), (Some(p("187.2")), "Open"));
    assert_eq!((position.source_order.as_deref(), position.reference.as_deref()), (Some("7000"), Some("exv-42")));
    assert_eq!(
        (position.opened, position.position_id.as_str(), position.net_position_id.as_str()),
        (Some(at(1)), "5012345678", "211__Stock")
    );
    let mut venue = always(200, &POSITIONS.replace("\"Uic\":211", "\"Uic\":\"x\""));
    assert!(venue.broker.client().positions(at(0)).unwrap_err().to_string().contains("it has no Uic"));
    let mut venue = always(200, r#"{"Data":[{"PositionId":"1"}]}"#);
    assert!(venue.broker.client().positions(at(0)).unwrap_err().to_string().contains("it has no PositionBase"));
}

#[test]
fn net_positions_are_those_that_are_held_in_every_netting_mode() {
    let row = |uic: i64, amount: &str, view: &str| {
        format!(
            r#"{{"NetPositionId":"x","NetPositionBase":{{"Uic":{uic},"AssetType":"Stock","Amount":{amount}}}{view}}}"#
        )
    };
    let view = r#","NetPositionView":{"AverageOpenPrice":187.26666666666668}"#;
    let body = format!(r#"{{"Data":[{},{},{}]}}"#, row(211, "10", view), row(212, "-3.5", ""), row(213, "0", view));
    let mut venue = always(200, &body);
    let positions = venue.broker.client().net_positions(at(0)).unwrap();
    let rows: Vec<_> = positions.iter().map(|row| (row.instrument.as_str(), row.quantity, row.average)).collect();
    assert_eq!(rows, [("AAPL:xnas", q("10"), Some(p("187.266666667"))), ("212__Stock", q("-3.5"), None)]);
    let mut venue = always(200, r#"{"Data":[{"NetPositionView":{}}]}"#);
    assert!(venue.broker.client().net_positions(at(0)).unwrap_err().to_string().contains("no NetPositionBase"));
}

#[test]
fn a_search_tells_instruments_from_option_roots() {
    let answer = r#"{"Data":[{"Identifier":211,"AssetType":"Stock","SummaryType":"Instrument","Symbol":"AAPL:xnas","Description":"Apple Inc.","CurrencyCode":"USD","ExchangeId":"NASDAQ","GroupId":0,"PrimaryListing":211,"TradableAs":["Stock","CfdOnStock"]},{"Identifier":309,"AssetType":"StockOption","SummaryType":"ContractOptionRoot"}]}"#;
    let mut venue = always(200, answer);
    let hits = venue.broker.client().find("apple & co", &["Stock", "StockOption"], at(0)).unwrap();
    assert_eq!((hits[0].identifier, hits[0].symbol.as_str(), hits[0].is_option_root), (211, "AAPL:xnas", false));
    assert_eq!((hits[1].identifier, hits[1].description.as_str(), hits[1].is_option_root), (309, "", true));
    let asked = "GET /ref/v1/instruments?Keywords=apple%20%26%20co&AssetTypes=Stock%2CStockOption&AccountKey=aBc1dEf2gHi3jKl4mNoPqw%3D%3D";
    assert_eq!(venue.asked(), [asked]);
}

const DETAILS: &str = r#"{"Symbol":"AAPL:xnas","CurrencyCode":"USD","ContractSize":1,"LotSize":2,"MinimumTradeSize":1,"TickSize":0.05,
 "TickSizeScheme":{"DefaultTickSize":0.01,"Elements":[{"HighPrice":0.99,"TickSize":0.0001},{"HighPrice":0.5,"TickSize":0.00001}]},
 "SupportedOrderTypeSettings":[{"OrderType":"Limit","DurationTypes":["DayOrder","GoodTillCancel"]},{"OrderType":"StopIfTraded","DurationTypes":["DayOrder"]}],"TradingStatus":"ReduceOnly"}"#;

#[test]
fn the_terms_of_an_instrument_have_a_tick_for_each_price() {
    let mut venue = always(200, &flat(DETAILS));
    let details = venue.broker.client().details(211, "Stock", at(0)).unwrap();
    for (price, tick) in [("0.3", "0.00001"), ("0.5", "0.00001"), ("0.51", "0.0001"), ("0.99", "0.0001"), ("1", "0.01")]
    {
        assert_eq!(details.tick_at(p(price)), Some(p(tick)), "{price}");
    }
    assert!(
        details.takes("Limit", "GoodTillCancel")
            && !details.takes("StopIfTraded", "GoodTillCancel")
            && !details.takes("Stop", "DayOrder")
    );
    assert_eq!((details.status.as_str(), details.least, details.contract_size), ("ReduceOnly", Some(q("1")), q("1")));
    let listed = details.instrument("apple", p("185")).unwrap();
    assert_eq!(
        (listed.name.as_str(), listed.tick, listed.lot, listed.multiplier),
        ("apple", p("0.01"), q("2"), q("1"))
    );
    let groups = "FieldGroups=OrderSetting,SupportedOrderTypeSettings,TradingSessions";
    assert_eq!(
        venue.asked(),
        [format!("GET /ref/v1/instruments/details/211/Stock?AccountKey=aBc1dEf2gHi3jKl4mNoPqw%3D%3D&{groups}")]
    );
}

#[test]
fn terms_that_cannot_be_listed_say_why() {
    let details = |body: &str| always(200, body).broker.client().details(7, "StockOption", at(0));
    let option = details(r#"{"CurrencyCode":"USD","ContractSize":100,"TickSize":0.05,"IncrementSize":1}"#).unwrap();
    let listed = option.instrument("call", p("4")).unwrap();
    assert_eq!(
        (listed.multiplier, listed.tick, listed.lot, option.status.as_str()),
        (q("100"), p("0.05"), q("1"), "NotDefined")
    );
    for (body, why) in [
        (r#"{"CurrencyCode":"USD"}"#, "no step of prices"),
        (r#"{"CurrencyCode":"USD","TickSize":0}"#, "no step of prices"),
        (r#"{"CurrencyCode":"usd","TickSize":1}"#, "three capital letters"),
        (r#"{"CurrencyCode":"USD","TickSize":1,"ContractSize":0}"#, "multiplier"),
        (r#"{"CurrencyCode":"USD","TickSize":1,"LotSize":0}"#, "lot"),
    ] {
        let error = details(body).unwrap().instrument("x", p("4")).unwrap_err();
        assert!(error.code() == "unfit" && error.to_string().contains(why), "{body}: {error}");
    }
    for (body, field) in [
        (r#"{"CurrencyCode":"USD","TickSizeScheme":{"Elements":[{"TickSize":1}]}}"#, "HighPrice"),
        (r#"{"CurrencyCode":"USD","TickSizeScheme":{"Elements":[{"HighPrice":1}]}}"#, "TickSize"),
        ("{}", "CurrencyCode"),
        (r#"{"CurrencyCode":"USD","ContractSize":"x"}"#, "ContractSize"),
    ] {
        assert!(details(body).unwrap_err().to_string().contains(field), "{body}");
    }
}

#[test]
fn an_option_space_lists_expiries_and_the_options_that_were_asked_for() {
    let body = r#"{"OptionRootId":309,"AssetType":"StockOption","ContractSize":100,"CurrencyCode":"USD","OptionSpace":[
      {"Expiry":"2026-02-20","SpecificOptions":[{"Uic":30001,"StrikePrice":185,"PutCall":"Call","UnderlyingUic":211,"TradingStatus":"Tradable"},{"Uic":30002,"StrikePrice":182.5,"PutCall":"Put"}]},
      {"Expiry":"2026-03-20"}]}"#;
    let mut venue = always(200, body);
    let space = venue.broker.client().option_space(309, &["2026-02-20", "2026-03-20"], at(0)).unwrap();
    assert_eq!(
        (space.expiries.len(), space.contract_size, space.currency.as_str(), space.asset_type.as_str()),
        (2, q("100"), "USD", "StockOption")
    );
    let rows: Vec<_> = space
        .options
        .iter()
        .map(|row| (row.uic, row.strike, row.put_call.as_str(), row.status.as_str(), row.expiry.as_str()))
        .collect();
    let day = "2026-02-20";
    assert_eq!(rows, [(30001, p("185"), "Call", "Tradable", day), (30002, p("182.5"), "Put", "NotDefined", day)]);
    venue.broker.client().option_space(309, &[], at(0)).unwrap();
    let base = "GET /ref/v1/instruments/contractoptionspaces/309?OptionSpaceSegment";
    let client = "ClientKey=aBc1dEf2gHi3jKl4mNoPqw%3D%3D";
    let days = "SpecificDates&ExpiryDates=2026-02-20%2C2026-03-20";
    assert_eq!(venue.asked(), [format!("{base}={days}&{client}"), format!("{base}=None&{client}")]);
    for (body, field) in [
        (r#"{"AssetType":"x","CurrencyCode":"USD"}"#, "OptionSpace"),
        (r#"{"AssetType":"x","CurrencyCode":"USD","OptionSpace":[{}]}"#, "Expiry"),
        (
            r#"{"AssetType":"x","CurrencyCode":"USD","OptionSpace":[{"Expiry":"d","SpecificOptions":[{"Uic":1,"PutCall":"Call"}]}]}"#,
            "StrikePrice",
        ),
    ] {
        let error = always(200, body).broker.client().option_space(1, &[], at(0)).unwrap_err();
        assert!(error.to_string().contains(&format!("it has no {field}")), "{error}");
    }
    let unknown = always(404, "").broker.client().option_space(1, &[], at(0)).unwrap_err();
    assert!(matches!(unknown, SaxoError::Refused { status: 404, .. }));
}

const PRECHECK: &str = r#"{"PreCheckResult":"Ok","EstimatedCashRequired":1851.2,"EstimatedCashRequiredCurrency":"USD","EstimatedTotalCost":2.0,"EstimatedTotalCostInAccountCurrency":1.84,
 "InstrumentToAccountConversionRate":0.92,"Cost":{"Commission":2.0,"ExchangeFee":0,"StampDuty":0},"CostInAccountCurrency":{"Commission":1.84},
 "MarginImpactBuySell":{"Currency":"EUR","InitialMarginBuy":930.1,"MaintenanceMarginBuy":800.0,"InitialMarginAvailableCurrent":97000.0,"InitialMarginAvailableBuy":96069.9}}"#;

#[test]
fn a_precheck_is_clear_only_if_nothing_at_all_is_in_the_way() {
    let check = |body: &str| {
        let mut venue = always(200, body);
        let (order, instrument) = one(limit(AAPL, Side::Buy, "10", "185"));
        let read = venue.broker.client().precheck(order.order(), &instrument, "pre-1", at(0));
        (read, venue)
    };
    let (read, venue) = check(&flat(PRECHECK));
    let clear = read.unwrap();
    assert!(clear.is_clear && clear.words.is_empty() && clear.outstanding.is_none());
    assert_eq!(
        (clear.cash.unwrap().to_string(), clear.cost.unwrap().to_string(), clear.currency.as_deref()),
        ("1851.2".into(), "2".into(), Some("USD"))
    );
    assert_eq!(venue.asked(), ["POST /trade/v2/orders/precheck"]);
    assert_eq!(header(&venue.last(), "x-request-id"), Some("pre-1"));
    assert!(
        venue.body().ends_with(r#""ExternalReference":"exv-a-000001","FieldGroups":["Costs","MarginImpactBuySell"]}"#),
        "{}",
        venue.body()
    );
    let texts = r#""PreTradeDisclaimers":{"DisclaimerContext":"c","DisclaimerTokens":["t"]}"#;
    for (body, words) in [
        (
            r#"{"PreCheckResult":"Ok","ErrorInfo":{"ErrorCode":"WouldExceedMargin","Message":"m"}}"#.to_owned(),
            "WouldExceedMargin: m",
        ),
        (r#"{"PreCheckResult":"Error","ErrorInfo":{"ErrorCode":"IllegalAmount"}}"#.to_owned(), "IllegalAmount"),
        (r#"{"PreCheckResult":"Error"}"#.to_owned(), "the venue answers Error and no reason"),
        (r#"{"PreCheckResult":"Ok","PreTradeDisclaimers":{}}"#.to_owned(), "pre-trade disclaimers are outstanding"),
        (format!(r#"{{"PreCheckResult":"Ok",{texts}}}"#), "pre-trade disclaimers are outstanding"),
        (format!(r#"{{"PreCheckResult":"Ok","ErrorInfo":{{"ErrorCode":"D",{texts}}}}}"#), "(t)"),
        (
            r#"{"PreCheckResult":"Ok","Orders":[{"ErrorInfo":{"ErrorCode":"TooCloseToMarket"}}]}"#.to_owned(),
            "TooCloseToMarket",
        ),
    ] {
        let read = check(&body).0.unwrap();
        assert!(!read.is_clear && read.words.contains(words), "{body}: {}", read.words);
        assert_eq!(read.outstanding.is_some(), body.contains("PreTrade"), "{body}");
    }
    assert!(check("{}").0.unwrap_err().to_string().contains("no PreCheckResult"));
    let (order, instrument) = one(intent(ODD, Side::Buy, "10"));
    let mut venue = always(200, PRECHECK);
    assert_eq!(venue.broker.client().precheck(order.order(), &instrument, "x", at(0)).unwrap_err().code(), "unfit");
    assert!(venue.requests().is_empty());
}

#[test]
fn a_disclaimer_is_answered_by_name_and_one_that_blocks_never() {
    let outstanding = Outstanding { context: "ctx".into(), tokens: vec!["a".into(), "b=".into()] };
    let rows = r#"{"Data":[{"DisclaimerToken":"a","Title":"T","Body":"<p>b</p>","IsBlocking":false,"Conditions":[{}],"ResponseOptions":[{"ResponseType":"Accepted","Label":"Yes"}]},{"DisclaimerToken":"b=","IsBlocking":true},{"DisclaimerToken":"c"},{"DisclaimerToken":"d","IsBlocking":false,"ResponseOptions":[{"ResponseType":"Declined"}]},{"DisclaimerToken":"e","IsBlocking":false}]}"#;
    let mut venue = in_turn(vec![
        ok(rows),
        Ok(Response::new(204, "")),
        Ok(Response::new(200, "")),
        Ok(Response::new(400, r#"{"ErrorCode":"E"}"#)),
    ]);
    let texts: Vec<Disclaimer> = venue.broker.client().disclaimers(&outstanding, at(0)).unwrap();
    assert_eq!(venue.asked(), ["GET /dm/v2/disclaimers?DisclaimerTokens=a%2Cb%3D"]);
    assert_eq!((texts[0].title.as_str(), texts[0].body.as_str(), texts[0].conditions), ("T", "<p>b</p>", 1));
    assert!(texts[2].is_blocking, "what does not say that it may be accepted is not");
    for (at_row, why) in [(1, "blocks the order"), (2, "blocks the order"), (3, "takes Declined and not Accepted")] {
        let error = venue.broker.client().accept(&outstanding, &texts[at_row], None, at(0)).unwrap_err();
        assert!(error.code() == "unfit" && error.to_string().contains(why), "{error}");
    }
    assert_eq!(venue.requests().len(), 1);
    venue.broker.client().accept(&outstanding, &texts[0], Some("I \"agree\"\n"), at(0)).unwrap();
    let body = r#"{"DisclaimerContext":"ctx","DisclaimerToken":"a","ResponseType":"Accepted","UserInput":"I \"agree\"\u000a"}"#;
    assert_eq!(venue.body(), body);
    venue.broker.client().accept(&outstanding, &texts[4], None, at(0)).unwrap();
    assert!(venue.body().ends_with(r#""ResponseType":"Accepted"}"#));
    assert_eq!(venue.broker.client().accept(&outstanding, &texts[4], None, at(0)).unwrap_err().code(), "refused");
}
