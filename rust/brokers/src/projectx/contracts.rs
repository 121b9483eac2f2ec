//! Contracts: their terms, the grammar of their ids, and which of a root's months is traded now. No month is ever written
//! down anywhere: it is found.

use std::fmt;
use std::str::FromStr;

use exuvia_execution::{Currency, Instrument, OrderError};
use exuvia_model::{ModelError, NANO, Price, Quantity, Time};

use super::ProjectXError;
use super::json::{FieldError, Row};

/// The letters of the twelve months.
const MONTHS: &str = "FGHJKMNQUVXZ";

/// The id of a futures contract: `CON.F.US.<ROOT>.<month letter><two digits of the year>`. The root is the vendor's own:
/// ES is EP, NQ is ENQ.
///
/// ```
/// use exuvia_brokers::projectx::ContractId;
/// let id: ContractId = "CON.F.US.ENQ.H26".parse()?;
/// assert_eq!((id.root(), id.year(), id.month()), ("ENQ", 2026, 3));
/// assert_eq!(id.to_string(), "CON.F.US.ENQ.H26");
/// assert!("CON.F.US.ENQ.A26".parse::<ContractId>().is_err());
/// # Ok::<(), exuvia_model::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContractId {
    // Ordered by delivery within a root.
    root: String,
    year: u16,
    month: u8,
}

impl ContractId {
    /// The vendor's root.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The year of delivery; two digits are of this century.
    #[must_use]
    pub const fn year(&self) -> u16 {
        self.year
    }

    /// The month of delivery, 1 to 12.
    #[must_use]
    pub const fn month(&self) -> u8 {
        self.month
    }
}

impl fmt::Display for ContractId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = MONTHS.chars().nth(usize::from(self.month.saturating_sub(1))).unwrap_or('?');
        write!(out, "CON.F.US.{}.{letter}{:02}", self.root, self.year % 100)
    }
}

impl FromStr for ContractId {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let known = "CON.F.US.<ROOT>.<month letter><two digits of the year>, such as CON.F.US.ENQ.H26";
        let unknown = || ModelError::Unknown { what: "contract id", text: text.to_owned(), known };
        let (root, delivery) =
            text.strip_prefix("CON.F.US.").and_then(|rest| rest.split_once('.')).ok_or_else(unknown)?;
        let is_root = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if root.is_empty() || !root.bytes().all(is_root) {
            return Err(unknown());
        }
        let [letter, tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = delivery.as_bytes() else { return Err(unknown()) };
        let month = MONTHS.bytes().position(|month| month == *letter).and_then(|at| u8::try_from(at + 1).ok());
        let year = 2000 + u16::from(tens - b'0') * 10 + u16::from(ones - b'0');
        Ok(Self { root: root.to_owned(), year, month: month.ok_or_else(unknown)? })
    }
}

/// A contract and its terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// The id by which everything else names it.
    pub id: String,
    /// The name at the exchange, such as `NQH6`.
    pub name: String,
    /// What it is, in words.
    pub description: String,
    /// Least step of its price.
    pub tick: Price,
    /// What a tick of one contract is worth, in US dollars.
    pub tick_value: Price,
    /// Whether it is the one that is traded.
    pub active: bool,
    /// The symbol of all its months.
    pub symbol: String,
}

impl Contract {
    pub(super) fn read(row: Row<'_>) -> Result<Self, FieldError> {
        let positive = |price: Option<Price>| price.filter(|price| *price > Price::ZERO);
        Ok(Self {
            id: row.must("id", row.text("id")?)?.to_owned(),
            name: row.must("name", row.text("name")?)?.to_owned(),
            description: row.text("description")?.unwrap_or_default().to_owned(),
            tick: row.must("tickSize", positive(row.price("tickSize")?))?,
            tick_value: row.must("tickValue", positive(row.price("tickValue")?))?,
            active: row.must("activeContract", row.flag("activeContract")?)?,
            symbol: row.text("symbolId")?.unwrap_or_default().to_owned(),
        })
    }

    /// What a desk must know of it: its name there is its id, a point is worth tick value ÷ tick.
    ///
    /// # Errors
    /// `BadInstrument` if that is not exact to 10⁻⁹; `Value` if it does not fit.
    pub fn instrument(&self) -> Result<Instrument, OrderError> {
        let value = i128::from(self.tick_value.raw()) * i128::from(NANO);
        let tick = i128::from(self.tick.raw().max(1));
        if value % tick != 0 {
            let value = format!("{} ÷ {}", self.tick_value, self.tick);
            return Err(OrderError::BadInstrument { name: self.id.clone(), field: "multiplier", value });
        }
        let text = || format!("{} ÷ {}", self.tick_value, self.tick);
        let raw =
            i64::try_from(value / tick).map_err(|_| ModelError::OutOfRange { what: "multiplier", text: text() })?;
        let dollars: Currency = "USD".parse()?;
        Instrument::new(self.id.clone(), self.tick, Quantity::from_raw(raw), dollars)
    }

    /// The root at the exchange, such as NQ of `NQH6`, if the name has that form.
    fn exchange_root(&self) -> Option<&str> {
        let root = self.name.trim_end_matches(|digit: char| digit.is_ascii_digit());
        let root = (root.len() < self.name.len()).then_some(root)?;
        root.strip_suffix(|letter| MONTHS.contains(letter)).filter(|root| !root.is_empty())
    }
}

/// The contract of `root` (the exchange's, such as NQ, or the vendor's, such as ENQ) that is traded at `now`: of those that the
/// gateway calls active and whose month of delivery has not passed, the one that is delivered first.
///
/// # Errors
/// `Unfit` with what there is instead.
pub fn front_month<'a>(contracts: &'a [Contract], root: &str, now: Time) -> Result<&'a Contract, ProjectXError> {
    let (year, month, _) = now.date();
    let mut found: Vec<(ContractId, &Contract)> = Vec::new();
    let mut beside: Vec<String> = Vec::new();
    for contract in contracts {
        let id = contract.id.parse::<ContractId>().ok();
        let named = contract.exchange_root() == Some(root) || id.as_ref().is_some_and(|id| id.root == root);
        match id {
            _ if !named => {}
            Some(id) if contract.active && (i64::from(id.year), i64::from(id.month)) >= (year, month) => {
                found.push((id, contract));
            }
            _ => beside.push(format!("{} ({})", contract.id, if contract.active { "active" } else { "not active" })),
        }
    }
    found.sort_by(|(a, _), (b, _)| (a.year, a.month, &a.root).cmp(&(b.year, b.month, &b.root)));
    found.first().map(|(_, contract)| *contract).ok_or_else(|| {
        let beside = if beside.is_empty() { "none of that root".to_owned() } else { beside.join(", ") };
        let why = format!("no contract that is active and not yet delivered among {}: {beside}", contracts.len());
        ProjectXError::unfit(format!("front month of {root:?}"), why)
    })
}
