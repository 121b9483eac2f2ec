//! REST pages: the envelope with its status and the address of the next page, and the rows of `results`.

use crate::wire::feed::{Cell, Columns, Context, Feed, Numbers, Reason, Row, Spec, SpecError};

/// What all pages have around their rows.
const ENVELOPE: &str = r#""page": {
    "fields": {
        "status": "text? $.status",
        "request_id": "text? $.request_id",
        "next_url": "text? $.next_url",
        "error": "text? $.error | $.message",
        "count": "int? $.resultsCount | $.count"
    }
}"#;

/// Aggregates: ranges, the previous day, grouped days.
const BARS: &str = r#""bar": {
    "when": {"$.results": "*"},
    "rows": "$.results",
    "fields": {
        "symbol": "symbol @.T | $.ticker | symbol",
        "ts": "time:ms @.t",
        "open": {"from": "price @.o", "zero": "keep"},
        "high": {"from": "price @.h", "zero": "keep"},
        "low": {"from": "price @.l", "zero": "keep"},
        "close": {"from": "price @.c", "zero": "keep"},
        "volume": "float @.v",
        "vwap": "float? @.vw",
        "trades": "int? @.n",
        "otc": "flag? @.otc"
    }
}"#;

/// `/v3/trades` and `/v2/last/trade`.
const TRADES: &str = r#""trade": {
    "when": {"$.results": "*"},
    "rows": "$.results",
    "fields": {
        "symbol": "symbol @.T | symbol",
        "ts": "time:ns @.sip_timestamp | @.t",
        "participant_ts": "time:ns? @.participant_timestamp | @.y",
        "price": {"from": "price @.price | @.p", "zero": "keep"},
        "size": "size @.size | @.s",
        "exchange": "int? @.exchange | @.x",
        "id": "text? @.id | @.i",
        "tape": "int? @.tape | @.z",
        "sequence": "int? @.sequence_number | @.q",
        "trf_id": "int? @.trf_id | @.r",
        "trf_ts": "time:ns? @.trf_timestamp | @.f",
        "correction": "int? @.correction | @.e"
    }
}"#;

/// `/v3/quotes` and `/v2/last/nbbo`. A side without a quote is a price of zero: it is read as none.
const QUOTES: &str = r#""quote": {
    "when": {"$.results": "*"},
    "rows": "$.results",
    "fields": {
        "symbol": "symbol @.T | symbol",
        "ts": "time:ns @.sip_timestamp | @.t",
        "participant_ts": "time:ns? @.participant_timestamp | @.y",
        "bid": {"from": "price? @.bid_price | @.p", "zero": "null"},
        "ask": {"from": "price? @.ask_price | @.P", "zero": "null"},
        "bid_size": "size? @.bid_size | @.s",
        "ask_size": "size? @.ask_size | @.S",
        "bid_exchange": "int? @.bid_exchange | @.x",
        "ask_exchange": "int? @.ask_exchange | @.X",
        "tape": "int? @.tape | @.z",
        "sequence": "int? @.sequence_number | @.q"
    }
}"#;

/// `/v3/snapshot/options/…`: greeks and volatility are absent where they cannot be computed or are not in the plan.
const CHAIN: &str = r#""option": {
    "when": {"$.results": "*"},
    "rows": "$.results",
    "fields": {
        "symbol": "symbol @.details.ticker",
        "underlying": "symbol? @.underlying_asset.ticker | symbol",
        "expiry": "symbol @.details.expiration_date",
        "right": "symbol @.details.contract_type",
        "strike": "price @.details.strike_price",
        "multiplier": "float? @.details.shares_per_contract",
        "style": "symbol? @.details.exercise_style",
        "bid": {"from": "price? @.last_quote.bid", "zero": "null"},
        "ask": {"from": "price? @.last_quote.ask", "zero": "null"},
        "bid_size": "size? @.last_quote.bid_size",
        "ask_size": "size? @.last_quote.ask_size",
        "quote_ts": "time:ns? @.last_quote.last_updated",
        "last": {"from": "price? @.last_trade.price", "zero": "null"},
        "last_size": "size? @.last_trade.size",
        "trade_ts": "time:ns? @.last_trade.sip_timestamp",
        "close": {"from": "price? @.day.close", "zero": "null"},
        "volume": "float? @.day.volume",
        "open_interest": "size? @.open_interest",
        "implied_volatility": "float? @.implied_volatility",
        "delta": "float? @.greeks.delta",
        "gamma": "float? @.greeks.gamma",
        "theta": "float? @.greeks.theta",
        "vega": "float? @.greeks.vega",
        "underlying_price": "float? @.underlying_asset.price | @.underlying_asset.value",
        "break_even": "float? @.break_even_price"
    }
}"#;

/// What the rows of a page are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageKind {
    /// Aggregates.
    Bars,
    /// Trades.
    Trades,
    /// Quotes.
    Quotes,
    /// Snapshots of option contracts.
    Chain,
}

impl PageKind {
    /// The kind of that name: `bars`, `trades`, `quotes` or `chain`.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<Self, SpecError> {
        Ok(match name {
            "bars" => Self::Bars,
            "trades" => Self::Trades,
            "quotes" => Self::Quotes,
            "chain" => Self::Chain,
            _ => return Err(SpecError(format!("pages of {name:?} are unknown: use bars, trades, quotes or chain"))),
        })
    }

    const fn records(self) -> &'static str {
        match self {
            Self::Bars => BARS,
            Self::Trades => TRADES,
            Self::Quotes => QUOTES,
            Self::Chain => CHAIN,
        }
    }
}

/// What a page says beside its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Page {
    /// `OK` and `DELAYED` are good.
    pub status: Option<String>,
    /// Opaque, for the vendor's support.
    pub request_id: Option<String>,
    /// Where the next page is, without the key; `None` on the last page.
    pub next_url: Option<String>,
    /// What the vendor says went wrong.
    pub error: Option<String>,
    /// How many rows the vendor counted.
    pub count: Option<i64>,
    /// How many rows were read.
    pub rows: usize,
}

impl Page {
    /// Whether the vendor calls it good; a delayed plan's data is.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        matches!(self.status.as_deref(), Some("OK" | "DELAYED"))
    }

    /// Path and query of the next page, to be asked of the host that one is configured for and no other.
    #[must_use]
    pub fn next_path(&self) -> Option<&str> {
        let url = self.next_url.as_deref()?;
        match url.split_once("://") {
            Some((_, rest)) => rest.find('/').and_then(|slash| rest.get(slash..)),
            None => url.starts_with('/').then_some(url),
        }
    }
}

/// Reads pages of one kind into columns.
///
/// ```
/// use exuvia_market::wire::feed::{Context, Numbers};
/// use exuvia_market::wire::polygon::{PageKind, Pages};
/// let mut pages = Pages::new(PageKind::Bars, Numbers::Exact)?;
/// let page = pages.feed(br#"{"ticker":"AAPL","resultsCount":1,"results":[{"v":1e+06,"o":130.46,"c":131.0,"h":133.4,
///     "l":129.8,"t":1770094800000,"n":480123}],"status":"OK"}"#, Context::default())?;
/// assert_eq!((page.rows, page.next_url), (1, None));
/// assert_eq!(pages.feed(br#"{"status":"OK","resultsCount":0}"#, Context::default())?.rows, 0);
/// assert!(pages.feed(b"<html>", Context::default()).is_err());
/// # Ok::<(), exuvia_market::wire::feed::SpecError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Pages {
    feed: Feed,
    columns: Option<Columns>,
}

/// Which kind of record the envelope is, and which the rows are.
const ENVELOPES: usize = 0;
const ROWS: usize = 1;

impl Pages {
    /// A reader of pages.
    ///
    /// # Errors
    /// Never for the declarations that are compiled in.
    pub fn new(kind: PageKind, numbers: Numbers) -> Result<Self, SpecError> {
        let text = format!("{{\"records\": {{{ENVELOPE}, {}}}}}", kind.records());
        let spec = Spec { numbers, ..Spec::from_json(text.as_bytes())? };
        Ok(Self { feed: Feed::new(&spec)?, columns: None })
    }

    /// Reads a page; its rows go into the columns, and rows that break a rule are counted in the feed's skips.
    ///
    /// # Errors
    /// If it is no JSON object: a proxy's HTML, an empty body. Then nothing was read.
    pub fn feed(&mut self, page: &[u8], context: Context<'_>) -> Result<Page, SpecError> {
        let mut columns = match self.columns.take() {
            Some(columns) => columns,
            None => self.feed.take(ROWS).unwrap_or_default(),
        };
        let read = self.read(page, context, |row| columns.push_row(&row));
        self.columns = Some(columns);
        read
    }

    /// Reads a page row by row.
    ///
    /// # Errors
    /// As [`Self::feed`].
    pub fn read(
        &mut self,
        page: &[u8],
        context: Context<'_>,
        mut each: impl FnMut(Row<'_>),
    ) -> Result<Page, SpecError> {
        let opens = page.iter().find(|byte| !byte.is_ascii_whitespace());
        let start: String = String::from_utf8_lossy(page).chars().take(60).collect();
        match opens {
            Some(b'{') => {}
            Some(_) => {
                let words = format!("page starts with {start:?}, expected a JSON object: a proxy or an error page?");
                self.feed.note(Reason::Broken, words.clone());
                return Err(SpecError(words));
            }
            None => {
                let words =
                    "page is empty, expected a JSON object: look at the HTTP status (429 may come without a body)";
                self.feed.note(Reason::Broken, words.to_owned());
                return Err(SpecError(words.to_owned()));
            }
        }
        let broken = self.feed.skips().count(Reason::Broken);
        let mut out = Page::default();
        let mut rows = 0;
        self.feed.read(page, context, |row| {
            if row.kind != ENVELOPES {
                rows += 1;
                return each(row);
            }
            let word = |at: usize| row.cells.get(at).and_then(|cell| row.text(*cell)).map(std::borrow::Cow::into_owned);
            out.status = word(0);
            out.request_id = word(1);
            out.next_url = word(2).filter(|url| !url.is_empty());
            out.error = word(3);
            out.count = row.cells.get(4).and_then(|cell| if let Cell::Int(count) = cell { Some(*count) } else { None });
        });
        out.rows = rows;
        match self.feed.skips().last() {
            Some(skip) if self.feed.skips().count(Reason::Broken) > broken => Err(SpecError(format!("page: {skip}"))),
            _ => Ok(out),
        }
    }

    /// The decoder of the rows, for names and counts.
    #[must_use]
    pub const fn decoder(&self) -> &Feed {
        &self.feed
    }

    /// Which kind of the decoder the rows are.
    #[must_use]
    pub const fn kind(&self) -> usize {
        ROWS
    }

    /// Hands out the columns of all pages since the last call.
    pub fn take(&mut self) -> Columns {
        match &mut self.columns {
            Some(columns) => columns.take(),
            None => self.feed.take(ROWS).unwrap_or_default(),
        }
    }

    /// How many rows wait to be taken.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.columns.as_ref().map_or(0, |columns| columns.rows)
    }
}
