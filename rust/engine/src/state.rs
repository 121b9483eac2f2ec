//! The state file: JSON written atomically and durably, read back with its version checked.

use std::path::Path;

use exuvia_ports::Files;
use serde_json::value::RawValue;

use crate::value::DEPTH;
use crate::{StateError, StateValue};

/// The version that this build writes and the newest that it reads.
pub const STATE_VERSION: i64 = 1;

/// Writes a state atomically and durably; missing folders are made.
///
/// # Errors
/// `Version` unless the state says version 1; `Write` if the disk refuses; the old file is then still there.
pub fn save_state(files: &dyn Files, path: &Path, state: &StateValue) -> Result<(), StateError> {
    let known = STATE_VERSION;
    match state.get("version") {
        Some(StateValue::Int(version)) if *version == known.to_string() => {}
        other => {
            let found = other.map_or_else(|| "nothing".to_owned(), |value| value.to_json().unwrap_or_default());
            return Err(StateError::Version { found: found.trim_end().to_owned(), known });
        }
    }
    let text = state.to_json()?;
    let written = exuvia_lake::write_atomic(files, path, text.as_bytes(), false);
    written.map_err(|source| StateError::Write { path: path.to_path_buf(), source: Box::new(source) })
}

/// Reads a state.
///
/// # Errors
/// `Read` if it cannot be read, `Unreadable` naming line and column or the key, `Newer` for a later version.
pub fn load_state(files: &dyn Files, path: &Path) -> Result<StateValue, StateError> {
    let unreadable = |why: String| StateError::Unreadable { path: path.to_path_buf(), why };
    let bytes = files.read(path).map_err(|source| StateError::Read { path: path.to_path_buf(), source })?;
    if bytes.is_empty() {
        return Err(unreadable("it is empty".to_owned()));
    }
    // One pass over the whole text finds broken JSON with its line and column.
    let raw: &RawValue = serde_json::from_slice(&bytes).map_err(|error| unreadable(format!("not JSON: {error}")))?;
    let state = read(raw, "state", 0).map_err(unreadable)?;
    if !matches!(state, StateValue::Object(_)) {
        return Err(unreadable("the top is not an object".to_owned()));
    }
    match state.get("version") {
        Some(StateValue::Int(text)) => match text.parse::<i64>() {
            Ok(STATE_VERSION) => Ok(state),
            Ok(version) if version < STATE_VERSION => Err(unreadable(format!("no version {version} was ever written"))),
            _ => Err(StateError::Newer { path: path.to_path_buf(), found: text.clone(), known: STATE_VERSION }),
        },
        Some(_) => Err(unreadable("\"version\" is not an integer".to_owned())),
        None => Err(unreadable("there is no \"version\"".to_owned())),
    }
}

fn read(raw: &RawValue, path: &str, depth: usize) -> Result<StateValue, String> {
    if depth > DEPTH {
        return Err(format!("{path} is nested deeper than {DEPTH} levels"));
    }
    let text = raw.get();
    let wrong = |error: serde_json::Error| format!("{path}: {error}");
    Ok(match text.as_bytes().first() {
        Some(b'{') => {
            let items: Vec<(String, Box<RawValue>)> = serde_json::from_str::<Items>(text).map_err(wrong)?.0;
            let read = |(key, item): (String, Box<RawValue>)| {
                let value = read(&item, &format!("{path}.{key}"), depth + 1)?;
                Ok((key, value))
            };
            StateValue::Object(items.into_iter().map(read).collect::<Result<_, String>>()?)
        }
        Some(b'[') => {
            let items: Vec<Box<RawValue>> = serde_json::from_str(text).map_err(wrong)?;
            let read = |(at, item): (usize, Box<RawValue>)| read(&item, &format!("{path}[{at}]"), depth + 1);
            StateValue::List(items.into_iter().enumerate().map(read).collect::<Result<_, _>>()?)
        }
        Some(b'"') => StateValue::Text(serde_json::from_str(text).map_err(wrong)?),
        Some(b't') => StateValue::Bool(true),
        Some(b'f') => StateValue::Bool(false),
        Some(b'n') => StateValue::Null,
        _ if text.contains(['.', 'e', 'E']) => {
            return Err(format!("{path} is the float {text}: a state holds decimals as text"));
        }
        _ => StateValue::Int(text.to_owned()),
    })
}

/// The items of an object in the order of the text.
pub(crate) struct Items(pub(crate) Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Items {
    fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Items;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Items, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = map.next_entry()? {
                    items.push(item);
                }
                Ok(Items(items))
            }
        }
        source.deserialize_map(Visitor)
    }
}
