//! Who trades, what there is and what is held: users, clients, accounts, balances, positions.

use exuvia_execution::{Currency, VenuePosition};
use exuvia_model::{Money, Price, Quantity, Time};

use super::config::SaxoConfig;
use super::error::SaxoError;
use super::http::{Ask, Client, encoded};
use super::parse::{Node, ParseError};

/// The logged-in user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Key of the user.
    pub user_key: String,
    /// Key of the user's client.
    pub client_key: String,
    /// Its name, if it is shown.
    pub name: Option<String>,
}

/// How trades of one instrument become positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Netting {
    /// An offsetting trade is a second position until the end of the day; the net position is right at once.
    EndOfDay,
    /// Positions are netted as they are traded.
    RealTime,
    /// A word that the documents do not have.
    Other(String),
}

/// The client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its key.
    pub client_key: String,
    /// Its first account.
    pub default_account: String,
    /// Its currency.
    pub currency: Currency,
    /// How its positions are netted.
    pub netting: Netting,
    /// What it may trade; indicative.
    pub asset_types: Vec<String>,
}

/// One of its accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Its key, which goes with orders.
    pub account_key: String,
    /// Its id, which people read.
    pub account_id: String,
    /// Its currency.
    pub currency: Currency,
    /// Whether it is open.
    pub active: bool,
    /// Saxo's word for its kind.
    pub kind: String,
}

/// What an account is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balances {
    /// In which currency.
    pub currency: Currency,
    /// Booked cash.
    pub cash: Money,
    /// Cash of trades that are not booked yet: `cash` does not move before that.
    pub not_booked: Money,
    /// What may be spent.
    pub available: Option<Money>,
    /// All in all.
    pub total: Option<Money>,
    /// What margin is taken by; negative.
    pub margin_used: Option<Money>,
    /// Saxo's word for how far these numbers are to be believed.
    pub reliability: String,
}

impl Balances {
    /// Whether the money is to be believed: Saxo says `Ok`, `OkWithConditions` or `ApproximatedPrice`.
    #[must_use]
    pub fn is_reliable(&self) -> bool {
        matches!(self.reliability.as_str(), "Ok" | "OkWithConditions" | "ApproximatedPrice")
    }
}

/// One trade that is held, or was closed today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PositionRow {
    /// Its id.
    pub position_id: String,
    /// Id of the net position that it is part of; opaque.
    pub net_position_id: String,
    /// The instrument.
    pub uic: i64,
    /// Its kind.
    pub asset_type: String,
    /// Signed amount; short is negative.
    pub amount: Quantity,
    /// At what price it was opened.
    pub open_price: Option<Price>,
    /// `Open`, `Closed`, `Closing`, `PartiallyClosed`, `Locked`, `RelatedClose` or `Square`.
    pub status: String,
    /// The order that opened it.
    pub source_order: Option<String>,
    /// Our id of that order.
    pub reference: Option<String>,
    /// When it was opened.
    pub opened: Option<Time>,
}

impl Client {
    /// The user.
    ///
    /// # Errors
    /// [`SaxoError`].
    pub fn user(&mut self, now: Time) -> Result<User, SaxoError> {
        self.read("/port/v1/users/me", now, |node| {
            let name = node.text("Name").map(str::to_owned);
            Ok(User {
                user_key: node.need("UserKey")?.to_owned(),
                client_key: node.need("ClientKey")?.to_owned(),
                name,
            })
        })
    }

    /// The client.
    ///
    /// # Errors
    /// [`SaxoError`].
    pub fn holder(&mut self, now: Time) -> Result<Holder, SaxoError> {
        self.read("/port/v1/clients/me", now, read_holder)
    }

    /// Its accounts.
    ///
    /// # Errors
    /// [`SaxoError`].
    pub fn accounts(&mut self, now: Time) -> Result<Vec<AccountRow>, SaxoError> {
        self.rows("/port/v1/accounts/me", now, |node| {
            Ok(AccountRow {
                account_key: node.need("AccountKey")?.to_owned(),
                account_id: node.need("AccountId")?.to_owned(),
                currency: node.word("Currency")?,
                active: node.flag("Active").unwrap_or(true),
                kind: node.text("AccountType").unwrap_or_default().to_owned(),
            })
        })
    }

    /// Money of the account.
    ///
    /// # Errors
    /// [`SaxoError`].
    pub fn balances(&mut self, now: Time) -> Result<Balances, SaxoError> {
        let path = format!("/port/v1/balances?{}", self.keys());
        self.read(&path, now, read_balances)
    }

    /// The account's positions, trade by trade.
    ///
    /// # Errors
    /// [`SaxoError`].
    pub fn positions(&mut self, now: Time) -> Result<Vec<PositionRow>, SaxoError> {
        let path = format!("/port/v1/positions?{}&FieldGroups=PositionBase,PositionView", self.keys());
        self.rows(&path, now, read_position)
    }

    /// The account's positions, one for each instrument, without those of nothing: the net positions, which are right in
    /// every netting mode.
    ///
    /// # Errors
    /// [`SaxoError`].
    pub fn net_positions(&mut self, now: Time) -> Result<Vec<VenuePosition>, SaxoError> {
        let path = format!("/port/v1/netpositions?{}&FieldGroups=NetPositionBase,NetPositionView", self.keys());
        let config = self.config().clone();
        let rows = self.rows(&path, now, |node| read_net_position(node, &config))?;
        Ok(rows.into_iter().filter(|row| row.quantity != Quantity::ZERO).collect())
    }

    /// `ClientKey` and `AccountKey` of a query.
    pub(super) fn keys(&self) -> String {
        let SaxoConfig { client_key, account_key, .. } = self.config();
        format!("ClientKey={}&AccountKey={}", encoded(client_key), encoded(account_key))
    }

    /// Asks for one object and reads it.
    pub(super) fn read<T>(
        &mut self,
        path: &str,
        now: Time,
        read: impl Fn(&Node) -> Result<T, ParseError>,
    ) -> Result<T, SaxoError> {
        let node = self.json(&Ask::get(path), now)?;
        read(&node).map_err(|why| SaxoError::Unreadable { what: what(path), why })
    }

    /// Asks for a list and reads its rows; one that cannot be read is an error, for the list is not whole without it.
    pub(super) fn rows<T>(
        &mut self,
        path: &str,
        now: Time,
        read: impl Fn(&Node) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, SaxoError> {
        let rows = self.list(path, now)?;
        rows.iter().map(read).collect::<Result<_, _>>().map_err(|why| SaxoError::Unreadable { what: what(path), why })
    }
}

fn what(path: &str) -> String {
    format!("GET {}", path.split('?').next().unwrap_or_default())
}

fn read_holder(node: &Node) -> Result<Holder, ParseError> {
    let netting = match node.text("PositionNettingMode").unwrap_or_default() {
        "EndOfDay" => Netting::EndOfDay,
        "RealTime" | "Intraday" => Netting::RealTime,
        other => Netting::Other(other.to_owned()),
    };
    let kinds = node.get("LegalAssetTypes").map(Node::items).unwrap_or_default();
    Ok(Holder {
        client_key: node.need("ClientKey")?.to_owned(),
        default_account: node.need("DefaultAccountKey")?.to_owned(),
        currency: node.word("DefaultCurrency")?,
        netting,
        asset_types: words(kinds),
    })
}

fn read_balances(node: &Node) -> Result<Balances, ParseError> {
    Ok(Balances {
        currency: node.word("Currency")?,
        cash: node.money("CashBalance")?.ok_or(ParseError::Missing { field: "CashBalance" })?,
        not_booked: node.money("TransactionsNotBooked")?.unwrap_or_default(),
        available: node.money("CashAvailableForTrading")?,
        total: node.money("TotalValue")?,
        margin_used: node.money("MarginUsedByCurrentPositions")?,
        reliability: node.text("CalculationReliability").unwrap_or_default().to_owned(),
    })
}

fn read_position(node: &Node) -> Result<PositionRow, ParseError> {
    let base = node.get("PositionBase").ok_or(ParseError::Missing { field: "PositionBase" })?;
    Ok(PositionRow {
        position_id: node.need("PositionId")?.to_owned(),
        net_position_id: node.need("NetPositionId")?.to_owned(),
        uic: base.need_whole("Uic")?,
        asset_type: base.need("AssetType")?.to_owned(),
        amount: base.quantity("Amount")?.ok_or(ParseError::Missing { field: "Amount" })?,
        open_price: base.price("OpenPrice")?,
        status: base.text("Status").unwrap_or_default().to_owned(),
        source_order: base.id("SourceOrderId").map(str::to_owned),
        reference: base.id("ExternalReference").map(str::to_owned),
        opened: base.time("ExecutionTimeOpen")?,
    })
}

fn read_net_position(node: &Node, config: &SaxoConfig) -> Result<VenuePosition, ParseError> {
    let base = node.get("NetPositionBase").ok_or(ParseError::Missing { field: "NetPositionBase" })?;
    let average = node.get("NetPositionView").map(|view| view.price("AverageOpenPrice")).transpose()?.flatten();
    Ok(VenuePosition {
        instrument: config.name(base.need_whole("Uic")?, base.need("AssetType")?),
        quantity: base.quantity("Amount")?.ok_or(ParseError::Missing { field: "Amount" })?,
        average,
    })
}

/// The texts of an array.
pub(super) fn words(items: &[Node]) -> Vec<String> {
    items.iter().filter_map(|item| if let Node::Text(text) = item { Some(text.clone()) } else { None }).collect()
}
