//! JSON whose values are secrets: an object taken apart into its members without a value in any message.

use serde_json::value::RawValue;

use super::Secret;
use crate::state::Items;

/// The members of an object in the order of the text, each as the JSON it was; of a repeated one the last counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Document(Vec<(String, Secret)>);

impl Document {
    /// Takes a text apart; the error says where it breaks, never what stands there.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.is_empty() {
            return Err("it is empty".to_owned());
        }
        let place = |error: serde_json::Error| {
            let what = if error.is_data() { "the top is not an object" } else { "it is not whole JSON" };
            format!("{what} (line {}, column {})", error.line(), error.column())
        };
        let items: Vec<(String, Box<RawValue>)> = serde_json::from_slice::<Items>(bytes).map_err(place)?.0;
        let mut document = Self::default();
        for (name, raw) in items {
            document.set(&name, Secret::new(raw.get()));
        }
        Ok(document)
    }

    /// Puts the JSON `raw` under `name`.
    pub(super) fn set(&mut self, name: &str, raw: Secret) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = raw,
            None => self.0.push((name.to_owned(), raw)),
        }
    }

    /// Takes a member out; `null` is none.
    pub(super) fn take(&mut self, name: &str) -> Option<Secret> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1).filter(|raw| raw.expose() != "null")
    }

    /// Takes out a text that must not be empty if it is there.
    pub(super) fn take_text(&mut self, name: &str) -> Result<Option<Secret>, String> {
        let Some(raw) = self.take(name) else { return Ok(None) };
        match serde_json::from_str::<String>(raw.expose()).map(Secret::new) {
            Ok(text) if text.expose().is_empty() => Err(format!("{name} is empty")),
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(format!("{name} is not a text")),
        }
    }

    /// Takes out a whole number.
    pub(super) fn take_number(&mut self, name: &str) -> Result<Option<i64>, String> {
        let Some(raw) = self.take(name) else { return Ok(None) };
        // Some servers write numbers as text, or 1200.0.
        let text = raw.expose().trim_matches('"');
        let number = text.strip_suffix(".0").unwrap_or(text).parse();
        number.map(Some).map_err(|_| format!("{name} is not a whole number"))
    }

    /// The members that are left.
    pub(super) fn rest(self) -> Vec<(String, Secret)> {
        self.0
    }
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> Secret {
    Secret::new(serde_json::Value::from(text).to_string())
}

/// Members as the text of an object, one a line.
pub(super) fn object<'m>(members: impl IntoIterator<Item = (&'m str, &'m Secret)>) -> Secret {
    let lines = members.into_iter().map(|(name, raw)| (quoted(name), raw));
    let mut text = String::new();
    for (name, raw) in lines {
        let before = if text.is_empty() { "{\n  " } else { ",\n  " };
        text = format!("{text}{before}{}: {}", name.expose(), raw.expose());
    }
    Secret::new(if text.is_empty() { "{}\n".to_owned() } else { format!("{text}\n}}\n") })
}
