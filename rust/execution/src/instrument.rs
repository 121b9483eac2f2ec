//! What must be known of an instrument before it is traded: its tick, its lot, what a point of one contract is
//! worth and in which currency.

use std::fmt;
use std::str::FromStr;

use exuvia_model::{ModelError, Price, Quantity, Side, Trail};
use serde::{Deserialize, Serialize};

use crate::{OrderError, text};

/// A currency by its three letters (ISO 4217).
///
/// ```
/// use exuvia_execution::Currency;
/// assert_eq!("USD".parse::<Currency>()?.to_string(), "USD");
/// assert!("usd".parse::<Currency>().is_err());
/// # Ok::<(), exuvia_model::ModelError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([char; 3]);

impl fmt::Display for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(out, "{letter}"))
    }
}

impl FromStr for Currency {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let mut letters = text.chars();
        match (letters.next(), letters.next(), letters.next(), letters.next()) {
            (Some(a @ 'A'..='Z'), Some(b @ 'A'..='Z'), Some(c @ 'A'..='Z'), None) => Ok(Self([a, b, c])),
            _ => {
                let known = "three capital letters such as USD, EUR, HKD";
                Err(ModelError::Unknown { what: "currency", text: text.to_owned(), known })
            }
        }
    }
}

/// The terms of an instrument.
///
/// ```
/// use exuvia_execution::Instrument;
/// use exuvia_model::{Price, Quantity};
/// let mes = Instrument::new("MESZ6", "0.25".parse()?, "5".parse()?, "USD".parse()?)?;
/// assert!(mes.on_tick("6012.25".parse()?).is_ok());
/// let error = mes.on_tick("6012.30".parse()?).unwrap_err();
/// assert!(error.to_string().contains("6012.25 or 6012.5"), "{error}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instrument {
    /// Its name at the venue.
    pub name: String,
    /// Least step of a price, positive.
    #[serde(with = "text")]
    pub tick: Price,
    /// Least step of an amount, positive.
    #[serde(with = "text")]
    pub lot: Quantity,
    /// What one point of one contract is worth: 50 for ES, 100 for an option on shares, 1 for a share; positive.
    #[serde(with = "text")]
    pub multiplier: Quantity,
    /// In which currency.
    #[serde(with = "text")]
    pub currency: Currency,
    /// Whether prices at or below zero trade, as those of spreads and of some futures may.
    pub negative_prices: bool,
}

impl Instrument {
    /// An instrument of whole contracts whose prices are positive.
    ///
    /// # Errors
    /// `BadInstrument` if tick or multiplier is not positive.
    pub fn new(
        name: impl Into<String>,
        tick: Price,
        multiplier: Quantity,
        currency: Currency,
    ) -> Result<Self, OrderError> {
        let lot = Quantity::from_whole(1)?;
        Self { name: name.into(), tick, lot, multiplier, currency, negative_prices: false }.sound()
    }

    /// The instrument, if its numbers can be.
    ///
    /// # Errors
    /// `BadInstrument` if tick, lot or multiplier is not positive.
    pub fn sound(self) -> Result<Self, OrderError> {
        for (field, raw) in [("tick", self.tick.raw()), ("lot", self.lot.raw()), ("multiplier", self.multiplier.raw())]
        {
            if raw <= 0 {
                let value = Quantity::from_raw(raw).to_string();
                return Err(OrderError::BadInstrument { name: self.name, field, value });
            }
        }
        Ok(self)
    }

    /// The price, if an order may have it.
    ///
    /// # Errors
    /// `OffTick` with the two ticks beside it; `NotPositive` where the instrument does not trade at or below zero.
    pub fn on_tick(&self, price: Price) -> Result<Price, OrderError> {
        if price <= Price::ZERO && !self.negative_prices {
            return Err(OrderError::NotPositive { instrument: self.name.clone(), price });
        }
        if price.raw() % self.tick.raw() == 0 {
            return Ok(price);
        }
        let below = Price::from_raw(price.raw().saturating_sub(price.raw().rem_euclid(self.tick.raw())));
        let above = Price::from_raw(below.raw().saturating_add(self.tick.raw()));
        Err(OrderError::OffTick { instrument: self.name.clone(), price, tick: self.tick, below, above })
    }

    /// The amount, if an order may have it.
    ///
    /// # Errors
    /// `OffLot`.
    pub fn on_lot(&self, quantity: Quantity) -> Result<Quantity, OrderError> {
        if quantity > Quantity::ZERO && quantity.raw() % self.lot.raw() == 0 {
            return Ok(quantity);
        }
        Err(OrderError::OffLot { instrument: self.name.clone(), quantity, lot: self.lot })
    }

    /// Where a trailing stop of this side goes with the market at `market`: `None` while it stays at `current`. It is
    /// rounded to the tick that is farther from the market, and moves towards it only.
    ///
    /// ```
    /// use exuvia_execution::Instrument;
    /// use exuvia_model::{Side, Trail};
    /// let mes = Instrument::new("MESZ6", "0.25".parse()?, "5".parse()?, "USD".parse()?)?;
    /// let first = mes.trailed(Side::Sell, Trail::Ticks(8), None, "6000".parse()?)?;
    /// assert_eq!(first, Some("5998".parse()?));
    /// assert_eq!(mes.trailed(Side::Sell, Trail::Ticks(8), first, "5999".parse()?)?, None, "it never goes back");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `OutOfRange` if the stop is no price.
    pub fn trailed(
        &self,
        side: Side,
        trail: Trail,
        current: Option<Price>,
        market: Price,
    ) -> Result<Option<Price>, OrderError> {
        // In units of 10⁻¹³, so that hundredths of a percent are exact.
        let scale = 10_000_i128;
        let (market, tick) = (i128::from(market.raw()), i128::from(self.tick.raw()));
        let distance = match trail {
            Trail::Ticks(count) => i128::from(count) * tick * scale,
            Trail::BasisPoints(count) => market.abs() * i128::from(count),
        };
        let steps = match side {
            Side::Sell => (market * scale - distance).div_euclid(tick * scale),
            Side::Buy => -(-(market * scale + distance)).div_euclid(tick * scale),
        };
        let out_of_range =
            |_| ModelError::OutOfRange { what: "trailing stop", text: format!("{trail} from the market") };
        let stop = Price::from_raw(i64::try_from(steps * tick).map_err(out_of_range)?);
        Ok(Some(stop).filter(|stop| current.is_none_or(|current| is_tighter(side, *stop, current))))
    }
}

/// Whether a stop of an order of this side at `stop` is nearer to the market than one at `than`.
pub(crate) fn is_tighter(side: Side, stop: Price, than: Price) -> bool {
    match side {
        Side::Sell => stop > than,
        Side::Buy => stop < than,
    }
}
