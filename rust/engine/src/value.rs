//! The values of a state file and their one text: what Python's `json.dumps(state, sort_keys=True,
//! indent=2)` writes, byte for byte.

use std::fmt::Write as _;

use crate::StateError;

/// Levels of nesting that are written and read.
pub(crate) const DEPTH: usize = 100;

/// A value of a state: no floats, because a state holds decimals as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateValue {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer of any size, as its decimal text.
    Int(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<StateValue>),
    /// Keys and values; a repeated key counts with its last value.
    Object(Vec<(String, StateValue)>),
}

impl From<i64> for StateValue {
    fn from(value: i64) -> Self {
        Self::Int(value.to_string())
    }
}

impl From<&str> for StateValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl StateValue {
    /// The value under `key` of an object.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(items) => items.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of the state file: sorted keys, two spaces, ASCII only, a newline at the end.
    ///
    /// # Errors
    /// `TooDeep`.
    ///
    /// ```
    /// use exuvia_engine::StateValue;
    /// let state = StateValue::Object(vec![("version".into(), 1.into()), ("at".into(), "Zürich".into())]);
    /// assert_eq!(state.to_json()?, "{\n  \"at\": \"Z\\u00fcrich\",\n  \"version\": 1\n}\n");
    /// # Ok::<(), exuvia_engine::StateError>(())
    /// ```
    pub fn to_json(&self) -> Result<String, StateError> {
        let mut out = String::new();
        self.write(&mut out, 0)?;
        out.push('\n');
        Ok(out)
    }

    fn write(&self, out: &mut String, depth: usize) -> Result<(), StateError> {
        if depth > DEPTH {
            return Err(StateError::TooDeep { path: "the state".to_owned(), limit: DEPTH });
        }
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Int(digits) => out.push_str(digits),
            Self::Text(text) => quote(out, text),
            Self::List(items) if items.is_empty() => out.push_str("[]"),
            Self::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    line(out, if at == 0 { "[" } else { "," }, depth + 1);
                    item.write(out, depth + 1)?;
                }
                line(out, "", depth);
                out.push(']');
            }
            Self::Object(items) if items.is_empty() => out.push_str("{}"),
            Self::Object(items) => {
                let sorted: std::collections::BTreeMap<&str, &Self> =
                    items.iter().map(|(key, value)| (key.as_str(), value)).collect();
                for (at, (key, item)) in sorted.into_iter().enumerate() {
                    line(out, if at == 0 { "{" } else { "," }, depth + 1);
                    quote(out, key);
                    out.push_str(": ");
                    item.write(out, depth + 1)?;
                }
                line(out, "", depth);
                out.push('}');
            }
        }
        Ok(())
    }
}

fn line(out: &mut String, before: &str, depth: usize) {
    out.push_str(before);
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(letter),
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    // Writing into a String does not fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_repeated_key_counts_with_its_last_value_and_only_objects_have_keys() {
        let items =
            vec![("at".to_owned(), "Bern".into()), ("n".to_owned(), 7.into()), ("at".to_owned(), "Basel".into())];
        let state = StateValue::Object(items);
        assert_eq!((state.get("at"), state.get("to")), (Some(&"Basel".into()), None));
        assert_eq!(state.to_json().unwrap(), "{\n  \"at\": \"Basel\",\n  \"n\": 7\n}\n");
        assert_eq!((StateValue::from("at").get("at"), StateValue::List(vec![state]).get("at")), (None, None));
    }

    #[test]
    fn a_state_is_written_to_the_last_level_that_can_be_read_and_not_beyond() {
        let nested = |levels| (0..levels).fold(StateValue::Null, |inner, _| StateValue::List(vec![inner]));
        assert!(nested(DEPTH).to_json().is_ok());
        let error = nested(DEPTH + 1).to_json().unwrap_err();
        assert!(error.to_string().contains(&DEPTH.to_string()), "{error}");
    }
}
