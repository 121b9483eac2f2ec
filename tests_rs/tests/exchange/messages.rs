//! Messages take time: requests cross fills, and what happens is heard later.

use exuvia_execution::exchange::{Config, Delay, Exchange, ExchangeError, Latency, Rules};
use exuvia_model::Time;

use crate::kit::*;

fn stage(latency: Latency, seed: u64) -> Stage {
    Stage(Exchange::new(Config { latency, ..config(Rules::default()) }, seed).unwrap())
}

const SLOW: Latency = Latency {
    place: Delay::Fixed(10),
    replace: Delay::Fixed(10),
    cancel: Delay::Fixed(10),
    report: Delay::Fixed(5),
    overtaking: false,
};

#[test]
fn an_order_arrives_later_and_its_answer_later_still() {
    let mut stage = stage(SLOW, 1);
    stage.send(100, intent(Buy, 1, Some("100")));
    assert_eq!(stage.0.next_due(), Some(Time(110)));
    stage.quote(109, ("98", 9), ("99", 9));
    stage.0.advance(Time(110)).unwrap();
    assert!(stage.heard_by(114).is_empty());
    assert_eq!(stage.0.next_due(), Some(Time(115)));
    let reports = stage.0.take_reports(Time(115));
    assert_eq!(reports.iter().map(line).collect::<Vec<_>>(), ["1 accepted", "1 executed 1 @ 99 taker, all"]);
    assert!(reports.iter().all(|report| (report.happened, report.heard) == (Time(110), Time(115))));
    assert_eq!(stage.0.next_due(), None);
}

#[test]
fn what_is_due_at_the_time_of_data_comes_before_them_and_what_is_due_later_after() {
    for (sent, filled) in [(100, 1), (102, 0)] {
        let mut stage = stage(SLOW, 1);
        stage.quote(1, ("98", 9), ("105", 9));
        stage.send(sent, intent(Buy, 1, Some("100")));
        stage.quote(110, ("98", 9), ("99", 9));
        stage.quote(111, ("98", 9), ("105", 9));
        stage.0.advance(Time(200)).unwrap();
        assert_eq!(stage.0.order(1).unwrap().filled, lots(filled));
    }
}

#[test]
fn a_cancel_can_cross_a_fill_and_a_change_too() {
    let mut stage = stage(SLOW, 1);
    stage.send(100, intent(Buy, 1, Some("100")));
    stage.send(100, intent(Buy, 4, Some("100")));
    stage.0.cancel(Time(120), 1, 1).unwrap();
    stage.0.replace(Time(120), 1, 2, terms(2, None, None)).unwrap();
    stage.quote(125, ("98", 9), ("99", 3));
    stage.0.advance(Time(200)).unwrap();
    let told = stage.told();
    let fills = ["1 executed 1 @ 100 maker, all", "2 executed 2 @ 100 maker", "1 not cancelled ended"];
    assert_eq!(told, [&fills[..], &["2 not replaced nothing_left"]].concat());
}

#[test]
fn one_connection_keeps_messages_in_order_unless_they_may_overtake() {
    let fast = Latency { cancel: Delay::Fixed(1), ..SLOW };
    for (overtaking, want) in
        [(false, ["1 accepted", "1 cancelled Asked"]), (true, ["1 not cancelled no_such_order", "1 accepted"])]
    {
        let mut stage = stage(Latency { overtaking, ..fast }, 1);
        stage.send(100, intent(Buy, 1, Some("100")));
        stage.0.cancel(Time(101), 1, 1).unwrap();
        stage.0.advance(Time(200)).unwrap();
        assert_eq!(stage.heard(), want);
    }
}

/// Orders and quotes by a seed, all that was heard as text.
fn trace(latency: Latency, seed: u64) -> Vec<String> {
    let mut stage = stage(latency, seed);
    for step in 0..200 {
        let mid = 100 + (step * 7) % 5;
        stage.quote(step * 100, (&format!("{}", mid - 1), 3), (&format!("{mid}"), 3));
        let id = stage.send(step * 100 + 50, intent(if step % 3 == 0 { Sell } else { Buy }, 2, Some("101")));
        if step % 4 == 0 {
            stage.0.cancel(Time(step * 100 + 60), 1, id).unwrap();
        }
    }
    stage.0.advance(Time(1_000_000)).unwrap();
    stage.0.take_reports(Time(i64::MAX)).iter().map(|report| format!("{report:?}")).collect()
}

#[test]
fn one_seed_gives_one_trace_and_another_seed_another() {
    let delay = Delay::LogNormal { median: 40, spread: 900, most: 5_000 };
    for delay in [delay, Delay::Uniform { least: 0, most: 200 }] {
        let latency = Latency { place: delay, replace: delay, cancel: delay, report: delay, overtaking: true };
        assert_eq!(trace(latency, 3), trace(latency, 3));
        assert_ne!(trace(latency, 3), trace(latency, 4));
        let ordered = Latency { overtaking: false, ..latency };
        assert_ne!(trace(latency, 3), trace(ordered, 3));
    }
    assert_eq!(trace(SLOW, 3), trace(SLOW, 4), "what is fixed needs no seed");
}

#[test]
fn what_is_heard_is_in_order_of_time() {
    let delay = Delay::Uniform { least: 0, most: 200 };
    let mut stage = stage(Latency { report: delay, overtaking: true, ..Latency::default() }, 5);
    for time in 0..100 {
        stage.send(time, intent(Buy, 1, Some("100")));
    }
    let reports = stage.0.take_reports(Time(1_000));
    assert!(reports.is_sorted_by_key(|report| report.heard) && !reports.is_sorted_by_key(|report| report.happened));
}

#[test]
fn each_account_takes_its_own_reports() {
    let mut stage = stage(SLOW, 1);
    stage.send_as(1, 1, intent(Buy, 1, Some("100")));
    stage.send_as(2, 2, intent(Buy, 1, Some("100")));
    stage.0.advance(Time(100)).unwrap();
    assert_eq!(stage.0.take_reports_of(2, Time(16)), []);
    let own: Vec<_> = stage.0.take_reports_of(2, Time(17)).iter().map(line).collect();
    assert_eq!((own, stage.heard()), (vec!["2 accepted".to_owned()], vec!["1 accepted".to_owned()]));
}

#[test]
fn time_goes_forward() {
    let mut stage = stage(SLOW, 1);
    stage.0.advance(Time(50)).unwrap();
    let back = Err(ExchangeError::ClockBack { clock: Time(50), now: Time(49) });
    assert_eq!(stage.0.advance(Time(49)), back);
    assert_eq!(stage.0.cancel(Time(49), 1, 1), back);
    assert_eq!(stage.0.on_quote(Time(49), &quote(49, ("1", 1), ("2", 1))), back);
    assert_eq!(stage.0.clock(), Time(50));
}
