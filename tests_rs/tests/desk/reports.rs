//! Whatever way a venue's reports come (repeated, out of order, as executions, as totals, after the end), the desk ends
//! with what the venue did.

use exuvia_execution::{Change, Desk, Fee, Holding, Step};
use exuvia_model::{Quantity, Side};
use proptest::prelude::*;

use crate::kit::*;

/// One execution at the venue.
#[derive(Debug, Clone)]
struct Done {
    order: usize,
    amount: i64,
    price: i64,
}

/// What reaches us of it.
#[derive(Debug, Clone)]
enum Heard {
    Named(usize),
    Total(usize),
    Ended(usize),
}

fn reports() -> impl Strategy<Value = (Vec<Done>, Vec<Heard>)> {
    let done =
        (0_usize..3, 1_i64..6, 23_900_i64..24_100).prop_map(|(order, amount, price)| Done { order, amount, price });
    prop::collection::vec(done, 1..14).prop_flat_map(|done| {
        let count = done.len();
        let named: Vec<Heard> = (0..count).map(Heard::Named).collect();
        let more = prop_oneof![
            3 => (0..count).prop_map(Heard::Named),
            3 => (0..count).prop_map(Heard::Total),
            1 => (0_usize..3).prop_map(Heard::Ended),
        ];
        let heard = prop::collection::vec(more, 0..20).prop_map(move |mut more| {
            more.extend(named.iter().cloned());
            more
        });
        (Just(done), heard.prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_desk_ends_with_what_the_venue_did((done, heard) in reports(), fees in any::<bool>()) {
        let mut desk = desk();
        let ids = [Side::Buy, Side::Sell, Side::Buy].map(|side| working(&mut desk, market(side, 100)));
        let tick = |ticks: i64| exuvia_model::Price::from_raw(ticks * 250_000_000);
        for heard in &heard {
            let before = desk.clone();
            let change = match heard {
                Heard::Ended(order) => stepped(&ids[*order], Step::Cancelled("venue".into())),
                Heard::Named(at) => {
                    let one = &done[*at];
                    let fee = fees.then(|| Fee { amount: "0.37".parse().unwrap(), currency: "USD".parse().unwrap() });
                    Change::Executed(exuvia_execution::Execution {
                        price: tick(one.price), fee, ..fill(&ids[one.order], &format!("e{at}"), one.amount, "1")
                    })
                }
                Heard::Total(at) => {
                    // All that the venue had done of this order up to this execution, at its average to 10⁻⁹.
                    let order = done[*at].order;
                    let until = done.iter().take(at + 1).filter(|one| one.order == order);
                    let (amount, value) = until.fold((0, 0), |(amount, value), one| (amount + one.amount, value + one.amount * one.price));
                    let average = exuvia_model::Price::from_raw(value * 250_000_000 / amount);
                    Change::Totalled(exuvia_execution::Total { average, ..total(&ids[order], amount, "1") })
                }
            };
            let outcome = desk.apply(&change).unwrap();
            prop_assert_eq!(outcome.changed, desk != before, "{:?}: {:?}", change, outcome);
            // At no time is more counted than was done.
            for (order, id) in ids.iter().enumerate() {
                let all: i64 = done.iter().filter(|one| one.order == order).map(|one| one.amount).sum();
                prop_assert!(desk.find(id).unwrap().state().filled() <= q(all));
            }
        }
        check(&desk, &ids, &done, fees)?;
    }
}

fn check(desk: &Desk, ids: &[String; 3], done: &[Done], fees: bool) -> Result<(), TestCaseError> {
    let (mut amount, mut paid) = (0, 0);
    for (order, id) in ids.iter().enumerate() {
        let mine: Vec<&Done> = done.iter().filter(|one| one.order == order).collect();
        let all: i64 = mine.iter().map(|one| one.amount).sum();
        let value: i64 = mine.iter().map(|one| one.amount * one.price).sum();
        let state = desk.find(id).unwrap();
        prop_assert_eq!(state.state().filled(), q(all));
        if all > 0 {
            let average = f64::from(i32::try_from(value).unwrap()) * 0.25 / f64::from(i32::try_from(all).unwrap());
            prop_assert!((state.average_price().unwrap().to_f64() - average).abs() < 1e-8);
        }
        let sign = if order == 1 { -1 } else { 1 };
        amount += sign * all;
        paid += sign * value;
    }
    let held: Holding = desk.holding("trend", MES);
    prop_assert_eq!(held.quantity(), Quantity::from_whole(amount).unwrap());
    // Realised and not realised together: each tick of a contract is 1.25.
    let mark = p("6000");
    let profit = held.realised(&mes()).unwrap().checked_add(held.unrealised(&mes(), mark).unwrap()).unwrap();
    let expected = i128::from(amount * 24_000 - paid) * 1_250_000_000;
    prop_assert!((profit.raw() - expected).abs() <= 1, "{} is not {}", profit, expected);
    if fees {
        let sum: Vec<String> = held.fees().values().map(ToString::to_string).collect();
        let expected = exuvia_model::Money::from_raw(i128::try_from(done.len()).unwrap() * 370_000_000).to_string();
        prop_assert_eq!(sum, [expected]);
    }
    Ok(())
}
