//! The tags of the legacy bot.

use exuvia_brokers::projectx::{BOT_PREFIX, BotTag};
use proptest::prelude::*;

#[test]
fn a_tag_is_written_as_the_bot_writes_it() {
    let tag = |strategy, kind| BotTag::new(strategy, kind, 3, 1_770_128_400).map(|tag| tag.to_string());
    assert_eq!(tag(None, "order"), Ok("TradingBot-v1.0-order-3-1770128400".into()));
    let wanted = "TradingBot-v1.0-strategy-mean_reversion_2-stop_bracket-3-1770128400";
    assert_eq!(tag(Some("Mean Reversion-2"), "stop_bracket"), Ok(wanted.into()));
}

#[test]
fn a_tag_is_read_into_its_parts() {
    let tag: BotTag = "TradingBot-v1.0-strategy-overnight_range-bracket-17-1770128400".parse().unwrap();
    let parts = (tag.strategy(), tag.kind(), tag.counter, tag.unixtime);
    assert_eq!(parts, (Some("overnight_range"), "bracket", 17, 1_770_128_400));
    let tag: BotTag = "TradingBot-v1.0-close-1-2".parse().unwrap();
    assert_eq!((tag.strategy(), tag.kind(), tag.counter, tag.unixtime), (None, "close", 1, 2));
}

#[test]
fn what_the_bot_did_not_write_is_no_tag_and_says_why() {
    for (text, why) in [
        ("", "begins otherwise"),
        ("EX-trend-000001", "begins otherwise"),
        ("TradingBot-v1.0", "begins otherwise"),
        ("TradingBot-v1.0_order-1-2", "begins otherwise"),
        ("TradingBot-v1.0-order-1", "too few or too many"),
        ("TradingBot-v1.0-a-b-order-1-2", "too few or too many"),
        ("TradingBot-v1.0-strategy-a-b-order-1-2", "too few or too many"),
        ("TradingBot-v1.0-order-x-2", "where a number belongs"),
        ("TradingBot-v1.0-order-1-", "where a number belongs"),
        ("TradingBot-v1.0-order--1-2", "too few or too many"),
        ("TradingBot-v1.0--1-2", "not as the bot writes it"),
        ("TradingBot-v1.0-strategy--order-1-2", "not as the bot writes it"),
        ("TradingBot-v1.0-strategy-Upper-order-1-2", "not as the bot writes it"),
        ("TradingBot-v1.0-strategy-1-2", "not as the bot writes it"),
        ("TradingBot-v1.0-order-01-2", "not as the bot writes it"),
        ("TradingBot-v1.0-order-+1-2", "not as the bot writes it"),
    ] {
        let error = text.parse::<BotTag>().unwrap_err().to_string();
        assert!(error.contains(why) && error.contains(&format!("{text:?}")) && error.contains(BOT_PREFIX), "{error}");
    }
    for (strategy, kind) in [(None, ""), (Some(""), "order"), (None, "a-b"), (None, "strategy")] {
        assert!(BotTag::new(strategy, kind, 1, 2).is_err(), "{strategy:?} {kind:?}");
    }
    assert!(BotTag::new(Some("a"), "strategy", 1, 2).is_ok());
}

proptest! {
    #[test]
    fn every_tag_comes_back_from_its_text(strategy in proptest::option::of("[A-Za-z0-9 _-]{1,12}"), kind in "[a-z_]{1,10}", counter: u64, unixtime: u64) {
        prop_assume!(kind != "strategy");
        let tag = BotTag::new(strategy.as_deref(), &kind, counter, unixtime).unwrap();
        prop_assert_eq!(tag.to_string().parse::<BotTag>(), Ok(tag));
    }

    #[test]
    fn no_text_makes_it_panic(text: String) {
        let _ = text.parse::<BotTag>();
        let _ = format!("{BOT_PREFIX}-{text}").parse::<BotTag>();
    }
}
