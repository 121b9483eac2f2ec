//! Symbols are interned to a dense `u32`, so that hot arrays are indexed and not hashed.

use std::collections::HashMap;

use crate::ModelError;

/// An interned instrument name: an index into the table that handed it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Symbol(pub u32);

/// Hands out dense ids for names, in order of first sight.
///
/// ```
/// use exuvia_model::SymbolTable;
/// let mut table = SymbolTable::default();
/// let eurusd = table.intern("EURUSD");
/// assert_eq!(table.intern("EURUSD"), eurusd);
/// assert_eq!(table.name(eurusd)?, "EURUSD");
/// # Ok::<(), exuvia_model::ModelError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct SymbolTable {
    names: Vec<String>,
    ids: HashMap<String, Symbol>,
}

impl SymbolTable {
    /// The id of `name`, new or known.
    pub fn intern(&mut self, name: &str) -> Symbol {
        if let Some(symbol) = self.ids.get(name) {
            return *symbol;
        }
        let symbol = Symbol(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        self.names.push(name.to_owned());
        self.ids.insert(name.to_owned(), symbol);
        symbol
    }

    /// The id of a name that was seen before.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Symbol> {
        self.ids.get(name).copied()
    }

    /// The name behind an id.
    ///
    /// # Errors
    /// `UnknownSymbol` when another table handed it out.
    pub fn name(&self, symbol: Symbol) -> Result<&str, ModelError> {
        let name = self.names.get(symbol.0 as usize);
        name.map(String::as_str).ok_or(ModelError::UnknownSymbol(symbol.0))
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no name was interned yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_keeps_its_place_and_looking_it_up_adds_none() {
        let mut table = SymbolTable::default();
        assert!(table.is_empty() && table.get("EURUSD").is_none());
        let ids = ["EURUSD", "USDCHF", "EURUSD", ""].map(|name| table.intern(name));
        assert_eq!(ids, [Symbol(0), Symbol(1), Symbol(0), Symbol(2)]);
        assert_eq!((table.get("USDCHF"), table.get("usdchf")), (Some(Symbol(1)), None));
        assert_eq!((table.len(), table.is_empty()), (3, false));
        assert_eq!(table.name(Symbol(1)), Ok("USDCHF"));
        assert!(table.name(Symbol(3)).is_err());
    }
}
