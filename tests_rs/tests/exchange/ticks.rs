//! A day of real EURUSD quotes: the simple rules fill as the demo's matching does, and it does not matter how the day is cut up.

use std::path::PathBuf;

use exuvia_execution::Instrument;
use exuvia_execution::exchange::{
    Config, Delay, Entry, Exchange, Latency, Liquidity, Listing, Placement, Queue, Report, Resting, Rules, Settlement,
};
use exuvia_execution::matching::{Matching, NewOrder, Terms};
use exuvia_market::sessions::Calendar;
use exuvia_model::{
    MILLISECOND, Money, OrderIntent, OrderType, Price, Quantity, Quote, Side, Time, TimeInForce, Trail,
};
use exuvia_venues::ticks::{self, What};

use crate::kit::{ES, account, lasting, lots};

/// The quotes of a day, or nothing if the data are not there.
#[allow(clippy::print_stdout, reason = "why a test is skipped is said")]
fn day() -> Option<Vec<Quote>> {
    let root = std::env::var_os("EXUVIA_DATA").map(PathBuf::from);
    let root = root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"));
    let file = root.join("QuantConnect__Lean/Data/forex/oanda/tick/eurusd/20140507_quote.zip");
    if !file.exists() {
        println!("skipped: no {}; set EXUVIA_DATA to the folder of the market data", file.display());
        return None;
    }
    let beats = ticks::read(&format!("lean:{}", file.display())).unwrap();
    let zero = Quantity::ZERO;
    let quotes = beats.into_iter().filter_map(|beat| match beat.what {
        What::Tick { bid, ask } => {
            Some(Quote { symbol: ES, time: beat.time, bid, ask, bid_size: zero, ask_size: zero })
        }
        _ => None,
    });
    let quotes: Vec<_> = quotes.collect();
    assert!(quotes.len() > 20_000, "{}", quotes.len());
    Some(quotes)
}

fn eurusd(rules: Rules) -> Listing {
    let mut instrument =
        Instrument::new("EURUSD", "0.00001".parse().unwrap(), lots(1), "USD".parse().unwrap()).unwrap();
    instrument.lot = lots(1_000);
    Listing { rules, calendar: Calendar::FX, ..Listing::new(ES, instrument) }
}

/// Every 150 quotes an order: market orders, limits around the market, stops.
fn wanted(number: usize, quote: &Quote, stops: bool) -> OrderIntent {
    let side = if number.is_multiple_of(2) { Side::Buy } else { Side::Sell };
    let away = |points: i64| Some(Price::from_raw(quote.bid.raw() + points * 10_000));
    let (order_type, limit, stop, trail) = match number % if stops { 6 } else { 4 } {
        0 => (OrderType::Market, None, None, None),
        1 => (OrderType::Limit, away(side.sign() * 3), None, None),
        2 | 3 => (OrderType::Limit, away(-side.sign() * (number % 23) as i64), None, None),
        4 => (OrderType::Stop, None, away(side.sign() * (number % 17) as i64), None),
        _ => (OrderType::TrailingStop, None, None, Some(Trail::Ticks(7 + number as u32 % 9))),
    };
    OrderIntent {
        scenario: "ticks".into(),
        symbol: ES,
        side,
        quantity: lots(1_000 * (1 + number as i64 % 7)),
        order_type,
        limit,
        stop,
        trail,
        duration: TimeInForce::GoodTillCancel,
        decided: quote.time,
        reason: "entry".into(),
    }
}

#[test]
fn market_and_limit_orders_fill_as_in_the_demo() {
    let Some(quotes) = day() else { return };
    let rules = Rules {
        liquidity: Liquidity::Unlimited,
        queue: Queue::Front,
        resting: Resting::AtMarket,
        entry: Entry::NextData,
        settlement: Settlement::Margined,
        ..Rules::default()
    };
    let config = Config { listings: vec![eurusd(rules)], accounts: vec![account(1)], apart: true, ..Config::default() };
    let mut exchange = Exchange::new(config, 1).unwrap();
    let cash = Money::from_whole(1_000_000).unwrap();
    let mut demo = Matching::new(Terms { cash, leverage: None, negative_prices: false });
    let (mut fills, mut fills_of_demo) = (Vec::new(), Vec::new());
    for (at, quote) in quotes.iter().enumerate() {
        exchange.on_quote(quote.time, quote).unwrap();
        let matched = demo.on_quote(quote).unwrap();
        assert!(matched.rejected.is_empty());
        let mut now: Vec<_> = matched.fills.iter().map(|fill| (fill.time, fill.order.id, fill.price)).collect();
        now.sort_unstable();
        fills_of_demo.extend(now);
        if at % 150 == 0 {
            let intent = wanted(at / 150, quote, false);
            let client_id = format!("EX-{at}");
            demo.place(NewOrder {
                reference: client_id.clone(),
                symbol: ES,
                side: intent.side,
                quantity: intent.quantity,
                limit: intent.limit,
                decided: quote.time,
            })
            .unwrap();
            exchange.place(quote.time, Placement { account: 1, client_id, intent, legs: 1 }).unwrap();
        }
        if at % 1_050 == 700 {
            let oldest = demo.working().next().map(|order| order.id);
            if let Some(id) = oldest {
                demo.cancel(id).unwrap();
                exchange.cancel(quote.time, 1, id).unwrap();
            }
        }
        let mut now: Vec<_> = executions(exchange.take_reports(quote.time));
        now.sort_unstable();
        fills.extend(now);
    }
    assert!(fills.len() > 100, "{}", fills.len());
    assert_eq!(fills, fills_of_demo);
    let (account, position) = (exchange.account(1).unwrap(), demo.position(ES));
    assert_eq!(account.holding(ES).quantity(), position.quantity);
    let apart = account.cash("USD".parse().unwrap()).raw() - demo.cash().raw();
    assert!(apart.abs() < fills.len() as i128, "the demo rounds each fill to 10⁻⁹: {apart}");
}

fn executions(reports: Vec<Report>) -> Vec<(Time, u64, Price)> {
    let price = |report: &Report| match report.event {
        exuvia_execution::exchange::Event::Executed { price, .. } => Some(price),
        _ => None,
    };
    reports.iter().filter_map(|report| Some((report.happened, report.order, price(report)?))).collect()
}

/// The day with orders and delays; `chunk` quotes at a time, and between them time is told `beats` times.
fn over(quotes: &[Quote], chunk: usize, beats: i64) -> Vec<Report> {
    let rules = Rules { liquidity: Liquidity::Unlimited, queue: Queue::Chance(400_000), ..Rules::default() };
    let slow = |median| Delay::LogNormal { median: median * MILLISECOND, spread: 700, most: 20_000 * MILLISECOND };
    let latency = Latency { place: slow(80), replace: slow(90), cancel: slow(60), report: slow(40), overtaking: false };
    let config =
        Config { listings: vec![eurusd(rules)], accounts: vec![account(1), account(2)], latency, ..Config::default() };
    let mut exchange = Exchange::new(config, 11).unwrap();
    let mut reports = Vec::new();
    let mut count = 0;
    for chunk in quotes.chunks(chunk) {
        for quote in chunk {
            exchange.on_quote(quote.time, quote).unwrap();
            if count % 150 == 0 {
                let number = count / 150;
                let duration =
                    [TimeInForce::GoodTillCancel, TimeInForce::Day, TimeInForce::ImmediateOrCancel][number % 3];
                let placement = Placement {
                    account: 1 + number as u32 % 2,
                    client_id: format!("EX-{number}"),
                    intent: lasting(duration, wanted(number, quote, true)),
                    legs: 1,
                };
                let id = exchange.place(quote.time, placement).unwrap();
                if number % 5 == 4 {
                    exchange.cancel(quote.time, 1 + number as u32 % 2, id).unwrap();
                }
            }
            count += 1;
        }
        let last = chunk.last().unwrap().time;
        reports.extend(exchange.take_reports(last));
        // Not beyond the next quote.
        for beat in 1..=beats {
            let next = quotes.get(count).map_or(last, |next| next.time);
            exchange.advance(Time(last.0 + (next.0 - last.0) * beat / (beats + 1))).unwrap();
        }
    }
    exchange.advance(Time(i64::MAX / 2)).unwrap();
    reports.extend(exchange.take_reports(Time(i64::MAX)));
    reports
}

#[test]
fn it_does_not_matter_how_the_day_is_cut_up() {
    let Some(quotes) = day() else { return };
    let whole = over(&quotes, quotes.len(), 0);
    assert!(executions(whole.clone()).len() > 50, "{}", whole.len());
    for (chunk, beats) in [(1, 0), (1, 3), (97, 1), (5_000, 10)] {
        assert!(over(&quotes, chunk, beats) == whole, "chunks of {chunk}, {beats} beats");
    }
}
