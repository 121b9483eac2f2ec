//! Option analytics: columns of contracts go in; prices, implied volatilities and greeks ([`pricing`]), gamma exposure of
//! chains ([`chain`]), ranks of volatility ([`rank`], of what: [`representative`]) and fills ([`fills`]) come out.
//!
//! Every function of columns gives each row a [`Status`]: a row that cannot be computed is NaN and says why.

pub mod chain;
mod columns;
pub mod fills;
mod parallel;
pub mod pricing;
pub mod rank;
pub mod representative;
mod status;

pub use columns::{Input, Priced, greek_columns, implied_columns, price_columns};
pub use parallel::{cores, share};
pub use status::Status;
