//! Words that repeat in a feed become one Python string each.

use exuvia_model::{Symbol, SymbolTable};
use pyo3::prelude::*;
use pyo3::types::PyString;

/// Python strings of the words that repeat, by symbol.
#[derive(Default)]
pub struct Words(Vec<Py<PyString>>);

impl Words {
    /// The string of a symbol of `names`.
    pub fn get(&mut self, py: Python<'_>, names: &SymbolTable, symbol: Symbol) -> Py<PyString> {
        let from = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        for missing in from..=symbol.0 {
            let word = names.name(Symbol(missing)).unwrap_or_default();
            self.0.push(PyString::intern(py, word).unbind());
        }
        match self.0.get(symbol.0 as usize) {
            Some(word) => word.clone_ref(py),
            None => PyString::intern(py, "").unbind(),
        }
    }
}
