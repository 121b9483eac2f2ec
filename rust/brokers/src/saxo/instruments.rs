//! What can be traded and on which terms: instruments found by words, their details, and the spaces of option roots.

use exuvia_execution::Instrument;
use exuvia_model::{Price, Quantity, Time};

use super::accounts::words;
use super::error::SaxoError;
use super::http::{Client, encoded};
use super::parse::{Node, ParseError};

/// One hit of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The Uic; of an option root its id.
    pub identifier: i64,
    /// Its kind.
    pub asset_type: String,
    /// Its symbol, such as `AAPL:xnas`.
    pub symbol: String,
    /// Its description.
    pub description: String,
    /// Whether this is an option root, whose options are in its space.
    pub is_option_root: bool,
}

/// The terms of an instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// Saxo's number of it.
    pub uic: i64,
    /// Its kind.
    pub asset_type: String,
    /// Its symbol.
    pub symbol: String,
    /// Its currency, as the venue writes it.
    pub currency: String,
    /// What one contract holds of the underlying; 1 for what is no contract.
    pub contract_size: Quantity,
    /// Least step of an amount, where it is said.
    pub lot: Option<Quantity>,
    /// Least amount, where it is said.
    pub least: Option<Quantity>,
    /// Step of prices, where there is one for all.
    pub tick: Option<Price>,
    /// Steps of prices up to and with a price, ascending.
    pub ticks: Vec<(Price, Price)>,
    /// Types of orders that it takes, and for how long they may work.
    pub order_types: Vec<(String, Vec<String>)>,
    /// `Tradable`, `NonTradable`, `ReduceOnly` or `NotDefined`.
    pub status: String,
}

impl Details {
    /// The step of prices at `price`: that of the first band whose upper end is not below it, else the common one.
    #[must_use]
    pub fn tick_at(&self, price: Price) -> Option<Price> {
        let band = self.ticks.iter().find(|(high, _)| price <= *high).map(|(_, tick)| *tick);
        band.or(self.tick).filter(|tick| *tick > Price::ZERO)
    }

    /// The instrument as a desk lists it, under our name; its tick is the one at `price`.
    ///
    /// # Errors
    /// `Unfit` if its tick, lot, size or currency cannot be.
    pub fn instrument(&self, name: &str, price: Price) -> Result<Instrument, SaxoError> {
        let unfit = |why: String| SaxoError::Unfit { what: format!("instrument {name}"), why };
        let tick = self.tick_at(price).ok_or_else(|| unfit("the venue gives it no step of prices".to_owned()))?;
        let currency = self.currency.parse().map_err(|error| unfit(format!("{error}")))?;
        let instrument = Instrument::new(name, tick, self.contract_size, currency);
        let mut instrument = instrument.map_err(|error| unfit(error.to_string()))?;
        if let Some(lot) = self.lot {
            instrument.lot = lot;
        }
        instrument.sound().map_err(|error| unfit(error.to_string()))
    }

    /// Whether its orders of this type, in Saxo's word, may work for this long.
    #[must_use]
    pub fn takes(&self, order_type: &str, duration: &str) -> bool {
        self.order_types
            .iter()
            .any(|(known, durations)| known == order_type && durations.iter().any(|word| word == duration))
    }
}

/// One option of a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionRow {
    /// Saxo's number of it.
    pub uic: i64,
    /// When it ends, `YYYY-MM-DD`.
    pub expiry: String,
    /// Its strike.
    pub strike: Price,
    /// `Call` or `Put`.
    pub put_call: String,
    /// Saxo's word; many series say `NotDefined` and trade.
    pub status: String,
}

/// The options of one root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionSpace {
    /// Its kind.
    pub asset_type: String,
    /// What one contract holds.
    pub contract_size: Quantity,
    /// Its currency.
    pub currency: String,
    /// All expiries, also those whose options were not asked for.
    pub expiries: Vec<String>,
    /// The options that were asked for.
    pub options: Vec<OptionRow>,
}

impl Client {
    /// Instruments whose symbol or description has these words.
    ///
    /// # Errors
    /// [`SaxoError`].
    pub fn find(&mut self, keywords: &str, asset_types: &[&str], now: Time) -> Result<Vec<Hit>, SaxoError> {
        let kinds = encoded(&asset_types.join(","));
        let account = encoded(&self.config().account_key);
        let path =
            format!("/ref/v1/instruments?Keywords={}&AssetTypes={kinds}&AccountKey={account}", encoded(keywords));
        self.rows(&path, now, |node| {
            Ok(Hit {
                identifier: node.need_whole("Identifier")?,
                asset_type: node.need("AssetType")?.to_owned(),
                symbol: node.text("Symbol").unwrap_or_default().to_owned(),
                description: node.text("Description").unwrap_or_default().to_owned(),
                is_option_root: node.text("SummaryType") == Some("ContractOptionRoot"),
            })
        })
    }

    /// The terms of one instrument.
    ///
    /// # Errors
    /// [`SaxoError`].
    pub fn details(&mut self, uic: i64, asset_type: &str, now: Time) -> Result<Details, SaxoError> {
        let (kind, account) = (encoded(asset_type), encoded(&self.config().account_key));
        let groups = "OrderSetting,SupportedOrderTypeSettings,TradingSessions";
        let path = format!("/ref/v1/instruments/details/{uic}/{kind}?AccountKey={account}&FieldGroups={groups}");
        self.read(&path, now, |node| read_details(node, uic, asset_type))
    }

    /// The options of a root that end on these days (`YYYY-MM-DD`); without days the expiries alone.
    ///
    /// # Errors
    /// [`SaxoError`]; a root that the account does not know is `Refused` with 404.
    pub fn option_space(&mut self, root: i64, days: &[&str], now: Time) -> Result<OptionSpace, SaxoError> {
        let wanted = if days.is_empty() {
            "None".to_owned()
        } else {
            format!("SpecificDates&ExpiryDates={}", encoded(&days.join(",")))
        };
        let client = encoded(&self.config().client_key);
        let path =
            format!("/ref/v1/instruments/contractoptionspaces/{root}?OptionSpaceSegment={wanted}&ClientKey={client}");
        self.read(&path, now, read_space)
    }
}

fn read_details(node: &Node, uic: i64, asset_type: &str) -> Result<Details, ParseError> {
    let scheme = node.get("TickSizeScheme");
    let mut ticks = Vec::new();
    for element in scheme.and_then(|scheme| scheme.get("Elements")).map(Node::items).unwrap_or_default() {
        let high = element.price("HighPrice")?.ok_or(ParseError::Missing { field: "HighPrice" })?;
        ticks.push((high, element.price("TickSize")?.ok_or(ParseError::Missing { field: "TickSize" })?));
    }
    ticks.sort_unstable();
    let common = scheme.map(|scheme| scheme.price("DefaultTickSize")).transpose()?.flatten();
    let settings = node.get("SupportedOrderTypeSettings").map(Node::items).unwrap_or_default();
    let durations = |row: &Node| words(row.get("DurationTypes").map(Node::items).unwrap_or_default());
    let settings = settings.iter().filter_map(|row| Some((row.text("OrderType")?.to_owned(), durations(row))));
    Ok(Details {
        uic,
        asset_type: asset_type.to_owned(),
        symbol: node.text("Symbol").unwrap_or_default().to_owned(),
        currency: node.need("CurrencyCode")?.to_owned(),
        contract_size: node.quantity("ContractSize")?.unwrap_or(one()),
        lot: node.quantity("LotSize")?.or(node.quantity("IncrementSize")?),
        least: node.quantity("MinimumTradeSize")?,
        tick: common.or(node.price("TickSize")?),
        ticks,
        order_types: settings.collect(),
        status: node.text("TradingStatus").unwrap_or("NotDefined").to_owned(),
    })
}

fn read_space(node: &Node) -> Result<OptionSpace, ParseError> {
    let (mut expiries, mut options) = (Vec::new(), Vec::new());
    let space = node.get("OptionSpace").ok_or(ParseError::Missing { field: "OptionSpace" })?;
    for row in space.items() {
        let expiry = row.need("Expiry")?.to_owned();
        for option in row.get("SpecificOptions").map(Node::items).unwrap_or_default() {
            options.push(OptionRow {
                uic: option.need_whole("Uic")?,
                expiry: expiry.clone(),
                strike: option.price("StrikePrice")?.ok_or(ParseError::Missing { field: "StrikePrice" })?,
                put_call: option.need("PutCall")?.to_owned(),
                status: option.text("TradingStatus").unwrap_or("NotDefined").to_owned(),
            });
        }
        expiries.push(expiry);
    }
    Ok(OptionSpace {
        asset_type: node.need("AssetType")?.to_owned(),
        contract_size: node.quantity("ContractSize")?.unwrap_or(one()),
        currency: node.need("CurrencyCode")?.to_owned(),
        expiries,
        options,
    })
}

const fn one() -> Quantity {
    Quantity::from_raw(exuvia_model::NANO)
}
