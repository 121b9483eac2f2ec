//! Bodies in and out. An answer is a tree whose numbers keep their text, so that none passes through a float; a request is
//! written field by field in a fixed order, so that equal requests are equal bytes.

use std::cell::Cell;

use exuvia_market::wire::json::{JsonError, Reader};
use exuvia_market::wire::saxo::encode_text;
use exuvia_model::{ModelError, Money, Price, Quantity, Time};
use thiserror::Error;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Null,
    Flag(bool),
    /// As it was written.
    Number(String),
    Text(String),
    List(Vec<Self>),
    /// The last of two members of one name counts, as in most readers.
    Object(Vec<(String, Self)>),
}

impl Node {
    /// Reads one JSON text, all of it.
    pub fn read(bytes: &[u8]) -> Result<Self, JsonError> {
        let mut reader = Reader::new(bytes);
        let node = Self::value(&mut reader)?;
        reader.end()?;
        Ok(node)
    }

    fn value(reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        Ok(match reader.peek()? {
            b'{' => {
                let mut members = Vec::new();
                reader.object(|reader, key| {
                    let key = key.decode().unwrap_or_default().into_owned();
                    members.push((key, Self::value(reader)?));
                    Ok(())
                })?;
                Self::Object(members)
            }
            b'[' => {
                let mut items = Vec::new();
                reader.array(|reader| {
                    items.push(Self::value(reader)?);
                    Ok(())
                })?;
                Self::List(items)
            }
            b'"' => Self::Text(reader.text()?.and_then(|text| text.decode()).unwrap_or_default().into_owned()),
            b't' | b'f' => Self::Flag(reader.flag()? == Some(true)),
            b'n' => reader.skip().map(|()| Self::Null)?,
            _ => Self::Number(reader.number()?.map(|number| number.as_str().to_owned()).unwrap_or_default()),
        })
    }

    /// The member of this name, if this is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub fn flag(&self) -> Option<bool> {
        if let Self::Flag(flag) = self { Some(*flag) } else { None }
    }

    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// An integer, written as one.
    pub fn whole(&self) -> Option<i64> {
        if let Self::Number(text) = self { text.parse().ok() } else { None }
    }

    pub fn list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    fn shown(&self) -> String {
        let (kind, text) = match self {
            Self::Null => return "null".to_owned(),
            Self::Flag(flag) => return flag.to_string(),
            Self::Number(text) => ("", text.as_str()),
            Self::Text(text) => ("the text ", text.as_str()),
            Self::List(_) => return "a list".to_owned(),
            Self::Object(_) => return "an object".to_owned(),
        };
        format!("{kind}{}", text.chars().take(40).collect::<String>())
    }
}

/// A field that is missing or is something else.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what} has {found} as {field:?}: {wanted}")]
pub(super) struct FieldError {
    what: &'static str,
    field: &'static str,
    found: String,
    wanted: String,
}

/// The members of one record, read by name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    what: &'static str,
    node: &'a Node,
    rounded: &'a Cell<u64>,
}

impl<'a> Row<'a> {
    /// A record; `rounded` counts the numbers that were finer than 10⁻⁹.
    pub const fn new(what: &'static str, node: &'a Node, rounded: &'a Cell<u64>) -> Self {
        Self { what, node, rounded }
    }

    /// The member, if it is there and not null.
    fn member(&self, field: &str) -> Option<&'a Node> {
        self.node.get(field).filter(|node| **node != Node::Null)
    }

    fn wrong(&self, field: &'static str, wanted: impl Into<String>) -> FieldError {
        let found = self.node.get(field).map_or_else(|| "nothing".to_owned(), Node::shown);
        FieldError { what: self.what, field, found, wanted: wanted.into() }
    }

    /// The member read by `read`; `None` if it is missing or null.
    fn maybe<T>(
        &self,
        field: &'static str,
        wanted: &str,
        read: impl Fn(&'a Node) -> Option<T>,
    ) -> Result<Option<T>, FieldError> {
        let Some(node) = self.member(field) else { return Ok(None) };
        read(node).map(Some).ok_or_else(|| self.wrong(field, wanted))
    }

    /// What must be there.
    pub fn must<T>(&self, field: &'static str, found: Option<T>) -> Result<T, FieldError> {
        found.ok_or_else(|| self.wrong(field, "it must be there"))
    }

    pub fn whole(&self, field: &'static str) -> Result<Option<i64>, FieldError> {
        self.maybe(field, "a whole number is expected", Node::whole)
    }

    pub fn text(&self, field: &'static str) -> Result<Option<&'a str>, FieldError> {
        self.maybe(field, "a text is expected", Node::text)
    }

    pub fn flag(&self, field: &'static str) -> Result<Option<bool>, FieldError> {
        self.maybe(field, "true or false is expected", Node::flag)
    }

    pub fn time(&self, field: &'static str) -> Result<Option<Time>, FieldError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error: ModelError| self.wrong(field, error.to_string()))
    }

    /// Exact, or rounded half to even where it is finer than 10⁻⁹, as averages and sums of floats are; that is counted.
    pub fn price(&self, field: &'static str) -> Result<Option<Price>, FieldError> {
        let Some(node) = self.member(field) else { return Ok(None) };
        let Node::Number(text) = node else { return Err(self.wrong(field, "a number is expected")) };
        let number = Reader::new(text.as_bytes()).number().ok().flatten();
        let number = number.ok_or_else(|| self.wrong(field, "a number is expected"))?;
        let (price, rounded) = number.to_rounded().map_err(|error| self.wrong(field, error.to_string()))?;
        self.rounded.set(self.rounded.get() + u64::from(rounded));
        Ok(Some(price))
    }

    pub fn money(&self, field: &'static str) -> Result<Option<Money>, FieldError> {
        if let Some(Node::Number(text)) = self.member(field)
            && let Ok(exact) = text.parse()
        {
            return Ok(Some(exact));
        }
        Ok(self.price(field)?.map(|price| Money::from_raw(price.raw().into())))
    }

    pub fn quantity(&self, field: &'static str) -> Result<Option<Quantity>, FieldError> {
        let Some(whole) = self.whole(field)? else { return Ok(None) };
        Quantity::from_whole(whole).map(Some).map_err(|error| self.wrong(field, error.to_string()))
    }
}

/// A request's body while it is written.
#[derive(Debug, Clone)]
pub(super) struct Body(Vec<u8>);

impl Body {
    pub fn new() -> Self {
        Self(b"{".to_vec())
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        encode_text(&mut self.0, name);
        self.0.push(b':');
    }

    fn raw(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        self.0.extend_from_slice(value.as_bytes());
        self
    }

    pub fn text(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        encode_text(&mut self.0, value);
        self
    }

    pub fn flag(self, name: &str, value: bool) -> Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    pub fn whole(self, name: &str, value: impl Into<i64>) -> Self {
        self.raw(name, &value.into().to_string())
    }

    pub fn price(self, name: &str, value: Option<Price>) -> Self {
        if let Some(value) = value { self.raw(name, &value.to_string()) } else { self }
    }

    pub fn stamp(self, name: &str, value: Option<Time>) -> Self {
        if let Some(value) = value { self.text(name, &stamp(value)) } else { self }
    }

    pub fn object(mut self, name: &str, value: Self) -> Self {
        self.name(name);
        self.0.extend(value.end());
        self
    }

    pub fn end(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}

/// An instant as the gateway's own examples have it: no fraction where there is none.
fn stamp(time: Time) -> String {
    let text = time.to_string();
    text.strip_suffix(".000000Z").map_or_else(|| text.clone(), |whole| format!("{whole}Z"))
}
