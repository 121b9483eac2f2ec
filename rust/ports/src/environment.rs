//! Variables of the process.

use std::collections::BTreeMap;
use std::fmt;

/// A source of environment variables.
pub trait Environment: fmt::Debug + Send + Sync {
    /// The value of `name`; `None` if it is not set or not UTF-8.
    fn variable(&self, name: &str) -> Option<String>;
}

/// An environment that holds what the test put in.
///
/// ```
/// use exuvia_ports::{Environment, SimEnvironment};
/// let environment: SimEnvironment = [("EXUVIA_ENV", "sim")].into_iter().collect();
/// assert_eq!(environment.variable("EXUVIA_ENV").as_deref(), Some("sim"));
/// assert_eq!(environment.variable("HOME"), None);
/// ```
#[derive(Debug, Clone, Default)]
pub struct SimEnvironment {
    variables: BTreeMap<String, String>,
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for SimEnvironment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self { variables: pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }
}

impl Environment for SimEnvironment {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_variable_has_its_last_value_and_names_are_told_apart_by_case() {
        let environment: SimEnvironment = [("TOKEN", "old"), ("TOKEN", "new"), ("EMPTY", "")].into_iter().collect();
        assert_eq!(environment.variable("TOKEN").as_deref(), Some("new"));
        assert_eq!(environment.variable("EMPTY").as_deref(), Some(""), "set to nothing is set");
        assert_eq!((environment.variable("token"), SimEnvironment::default().variable("TOKEN")), (None, None));
    }
}
