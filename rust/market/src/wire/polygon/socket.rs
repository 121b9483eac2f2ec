//! The WebSocket: each frame is an array of events, told apart by `ev`.

use crate::wire::feed::{Numbers, Spec, SpecError};
use crate::wire::saxo::encode_text;

/// Trades and quotes of stocks, options and crypto, bars of a second and of a minute, levels and values, and what the
/// server says of the connection. Quotes may have an empty side, which is a price of zero: it is read as none.
const EVENTS: &str = r#"{"split": true, "records": {
    "trade": {
        "when": {"$.ev": ["T", "XT"]},
        "sequence": "sequence",
        "fields": {
            "symbol": "symbol $.sym | $.pair",
            "ts": "time:ms $.t",
            "price": {"from": "price $.p", "zero": "keep"},
            "size": "size $.s",
            "exchange": "int? $.x",
            "id": "text? $.i",
            "tape": "int? $.z",
            "sequence": "int? $.q",
            "trf_id": "int? $.trfi",
            "trf_ts": "time:ms? $.trft"
        }
    },
    "quote": {
        "when": {"$.ev": ["Q", "XQ"]},
        "sequence": "sequence",
        "fields": {
            "symbol": "symbol $.sym | $.pair",
            "ts": "time:ms $.t",
            "bid": {"from": "price? $.bp", "zero": "null"},
            "ask": {"from": "price? $.ap", "zero": "null"},
            "bid_size": "size? $.bs",
            "ask_size": "size? $.as",
            "bid_exchange": "int? $.bx | $.x",
            "ask_exchange": "int? $.ax | $.x",
            "condition": "int? $.c",
            "tape": "int? $.z",
            "sequence": "int? $.q"
        }
    },
    "bar": {
        "when": {"$.ev": ["A", "AM", "XA", "XAS"]},
        "fields": {
            "symbol": "symbol $.sym | $.pair",
            "every": {"from": "symbol $.ev", "codes": {"A": "1s", "AM": "1m", "XA": "1m", "XAS": "1s"}},
            "ts": "time:ms $.s",
            "end": "time:ms $.e",
            "open": {"from": "price $.o", "zero": "keep"},
            "high": {"from": "price $.h", "zero": "keep"},
            "low": {"from": "price $.l", "zero": "keep"},
            "close": {"from": "price $.c", "zero": "keep"},
            "volume": "float? $.v",
            "vwap": "float? $.vw",
            "day_volume": "float? $.av",
            "day_open": "float? $.op",
            "day_vwap": "float? $.a",
            "trade_size": "float? $.z"
        }
    },
    "forex_quote": {
        "when": {"$.ev": "C"},
        "fields": {
            "symbol": "symbol $.p",
            "ts": "time:ms $.t",
            "bid": "price $.b",
            "ask": "price $.a",
            "exchange": "int? $.x"
        }
    },
    "forex_bar": {
        "when": {"$.ev": ["CA", "CAS"]},
        "fields": {
            "symbol": "symbol $.pair",
            "every": {"from": "symbol $.ev", "codes": {"CA": "1m", "CAS": "1s"}},
            "ts": "time:ms $.s",
            "open": "price $.o",
            "high": "price $.h",
            "low": "price $.l",
            "close": "price $.c",
            "volume": "float? $.v"
        }
    },
    "depth": {
        "when": {"$.ev": "XL2"},
        "rows": {"$.b": {"side": "bid"}, "$.a": {"side": "ask"}},
        "fields": {
            "symbol": "symbol $.pair",
            "ts": "time:ms $.t",
            "side": "constant",
            "price": "price @[0]",
            "size": "size @[1]",
            "exchange": "int? $.x"
        }
    },
    "value": {
        "when": {"$.ev": "V"},
        "fields": {
            "symbol": "symbol $.T",
            "ts": "time:ms $.t",
            "value": "number $.val"
        }
    },
    "status": {
        "when": {"$.ev": "status"},
        "fields": {
            "status": "symbol $.status",
            "message": "text? $.message"
        }
    }
}}"#;

/// The declaration of the WebSocket's events: `trade`, `quote`, `bar`, `forex_quote`, `forex_bar`, `depth`, `value` and `status`.
///
/// ```
/// use exuvia_market::wire::feed::{Context, Feed, Numbers};
/// use exuvia_market::wire::polygon::socket_spec;
/// let mut feed = Feed::new(&socket_spec(Numbers::Exact)?)?;
/// let frame = br#"[{"ev":"status","status":"auth_success","message":"authenticated"},
///     {"ev":"T","sym":"MSFT","x":4,"i":"12345","z":3,"p":114.125,"s":100,"c":[0,12],"t":1536036818784,"q":3681328}]"#;
/// assert_eq!(feed.feed(frame, Context::default()), 2);
/// # Ok::<(), exuvia_market::wire::feed::SpecError>(())
/// ```
///
/// # Errors
/// Never for the text that is compiled in.
pub fn socket_spec(numbers: Numbers) -> Result<Spec, SpecError> {
    Spec::from_json(EVENTS.as_bytes()).map(|spec| Spec { numbers, ..spec })
}

/// Writes the first message of a client.
#[must_use]
pub fn encode_auth(key: &str) -> Vec<u8> {
    action("auth", key)
}

/// Writes a subscription; `topics` are joined by commas, such as `T.AAPL,Q.AAPL,AM.*`.
#[must_use]
pub fn encode_subscribe(topics: &str) -> Vec<u8> {
    action("subscribe", topics)
}

/// Writes the end of a subscription.
#[must_use]
pub fn encode_unsubscribe(topics: &str) -> Vec<u8> {
    action("unsubscribe", topics)
}

fn action(name: &str, parameters: &str) -> Vec<u8> {
    let mut out = format!("{{\"action\":\"{name}\",\"params\":").into_bytes();
    encode_text(&mut out, parameters);
    out.push(b'}');
    out
}
