//! A value as the comparator sees it: the type is kept (True is not 1), order is kept, bits are
//! kept. A binding builds it from live objects.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::column::Column;

/// The class of an object: identity decides, the name is for people.
#[derive(Debug, Clone)]
pub struct Class {
    /// What makes it the same class, for instance the address of the type object.
    pub id: usize,
    /// Module and qualified name.
    pub name: Arc<str>,
}

impl PartialEq for Class {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Class {
    /// The name; in a key also the identity, for two classes may share a name.
    fn write(&self, out: &mut String, budget: usize) {
        out.push_str(&self.name);
        if budget == usize::MAX {
            let _ = write!(out, "#{}", self.id);
        }
    }
}

/// One value.
#[derive(Debug, Clone)]
pub enum Value {
    /// `None`.
    None,
    /// A truth value; never equal to an integer.
    Bool(bool),
    /// An integer that fits.
    Int(i128),
    /// An integer that does not, in decimal.
    BigInt(String),
    /// A float, by bits.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A decimal number in scientific notation, which keeps coefficient and exponent.
    Decimal(String),
    /// An instant: nanoseconds since 1970 in UTC if `aware`, else on the wall.
    Moment {
        /// Nanoseconds.
        ns: i128,
        /// Whether a zone was known.
        aware: bool,
    },
    /// A member of an enumeration.
    Enum {
        /// The enumeration.
        class: Class,
        /// The member's name.
        name: String,
    },
    /// A value that its canonical text determines (date, UUID, path, …).
    Named {
        /// Its class.
        class: Class,
        /// The text.
        text: String,
    },
    /// An ordered, mutable sequence.
    List(Vec<Value>),
    /// An ordered, frozen sequence.
    Tuple(Vec<Value>),
    /// A mapping in its own order.
    Dict(Vec<(Value, Value)>),
    /// A set, in any order.
    Set {
        /// Whether it is frozen.
        frozen: bool,
        /// Its members.
        items: Vec<Value>,
    },
    /// An object with named fields.
    Record {
        /// Its class.
        class: Class,
        /// Fields in declared order.
        fields: Vec<(Arc<str>, Value)>,
    },
    /// A value of a subclass of one of the above.
    Sub {
        /// The subclass.
        class: Class,
        /// What it is underneath.
        of: Box<Value>,
    },
    /// An exception.
    Raised {
        /// Its class.
        class: Class,
        /// The nearest builtin class it descends from.
        base: Class,
        /// Its arguments.
        args: Vec<Value>,
        /// Those of its attributes that the rules name.
        fields: Vec<(Arc<str>, Value)>,
    },
    /// An n-dimensional array, row-major.
    Array {
        /// Length of each dimension.
        shape: Vec<usize>,
        /// The cells.
        column: Column,
    },
    /// An object without fields that could be read.
    Opaque {
        /// Its class.
        class: Class,
        /// Its repr, if that was asked for.
        repr: Option<String>,
    },
    /// A table of named columns.
    Table {
        /// Columns in order.
        columns: Vec<(String, Column)>,
        /// Rows.
        rows: usize,
    },
}

const SHOWN: usize = 160;

impl Value {
    /// The name of the value's type, for messages.
    pub fn type_name(&self) -> String {
        match self {
            Self::None => "None".into(),
            Self::Bool(_) => "bool".into(),
            Self::Int(_) | Self::BigInt(_) => "int".into(),
            Self::Float(_) => "float".into(),
            Self::Text(_) => "str".into(),
            Self::Bytes(_) => "bytes".into(),
            Self::Decimal(_) => "Decimal".into(),
            Self::Moment { aware: true, .. } => "datetime (aware)".into(),
            Self::Moment { aware: false, .. } => "datetime (naive)".into(),
            Self::List(_) => "list".into(),
            Self::Tuple(_) => "tuple".into(),
            Self::Dict(_) => "dict".into(),
            Self::Set { frozen: true, .. } => "frozenset".into(),
            Self::Set { frozen: false, .. } => "set".into(),
            Self::Enum { class, .. }
            | Self::Named { class, .. }
            | Self::Record { class, .. }
            | Self::Sub { class, .. }
            | Self::Opaque { class, .. }
            | Self::Raised { class, .. } => class.name.to_string(),
            Self::Array { column, .. } => format!("array of {}", column.kind),
            Self::Table { .. } => "table".into(),
        }
    }

    /// The value as a person would read it, cut at a length that says what was cut.
    pub fn shown(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, SHOWN * 4);
        cut(text)
    }

    /// The value in a form that is equal exactly when the values are: used as a key.
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, usize::MAX);
        text
    }

    /// Writes until `budget` bytes are passed.
    fn write(&self, out: &mut String, budget: usize) {
        if out.len() > budget {
            return;
        }
        match self {
            Self::None => out.push_str("None"),
            Self::Bool(value) => out.push_str(if *value { "True" } else { "False" }),
            Self::Int(value) => {
                let _ = write!(out, "{value}");
            }
            Self::BigInt(digits) => out.push_str(digits),
            Self::Float(value) => {
                let _ = if value.is_nan() { write!(out, "nan") } else { write!(out, "{value:?}") };
            }
            Self::Text(text) => {
                let _ = write!(out, "{text:?}");
            }
            Self::Bytes(bytes) => {
                let _ = write!(out, "b\"{}\"", bytes.get(..bytes.len().min(budget)).unwrap_or_default().escape_ascii());
            }
            Self::Decimal(text) => {
                let _ = write!(out, "Decimal('{text}')");
            }
            Self::Moment { ns, aware } => {
                let _ = write!(out, "datetime({ns} ns{})", if *aware { " UTC" } else { "" });
            }
            Self::Enum { class, name } => {
                class.write(out, budget);
                let _ = write!(out, ".{name}");
            }
            Self::Named { class, text } => {
                class.write(out, budget);
                let _ = write!(out, "({text})");
            }
            Self::List(items) => all(out, budget, "[", items, "]"),
            Self::Tuple(items) => all(out, budget, "(", items, ",)"),
            Self::Dict(entries) => {
                out.push('{');
                for (key, value) in entries {
                    key.write(out, budget);
                    out.push_str(": ");
                    value.write(out, budget);
                    out.push_str(", ");
                    if out.len() > budget {
                        return;
                    }
                }
                out.push('}');
            }
            Self::Set { frozen, items } => {
                let mut keys: Vec<String> = items.iter().map(Self::canonical).collect();
                keys.sort_unstable();
                let _ = write!(out, "{}{{{}}}", if *frozen { "frozen" } else { "" }, keys.join(", "));
            }
            Self::Record { class, fields } => {
                class.write(out, budget);
                out.push('(');
                for (name, value) in fields {
                    let _ = write!(out, "{name}=");
                    value.write(out, budget);
                    out.push_str(", ");
                    if out.len() > budget {
                        return;
                    }
                }
                out.push(')');
            }
            Self::Sub { class, of } => {
                class.write(out, budget);
                out.push('(');
                of.write(out, budget);
                out.push(')');
            }
            Self::Opaque { class, repr } => {
                class.write(out, budget);
                let _ = match repr {
                    Some(repr) => write!(out, "({repr})"),
                    // Nothing is known of it, so it is never the same as another.
                    None if budget == usize::MAX => write!(out, "@{:p}", std::ptr::from_ref(self)),
                    None => Ok(()),
                };
            }
            Self::Raised { class, args, .. } => {
                class.write(out, budget);
                all(out, budget, "(", args, ")");
            }
            Self::Array { shape, column } => {
                let _ = write!(out, "array{shape:?} of {} ", column.kind);
                column.write(out, budget);
            }
            Self::Table { columns, rows } => {
                let _ = write!(out, "table of {rows} rows: ");
                for (name, column) in columns {
                    let _ = write!(out, "{name} {} ", column.kind);
                    if budget == usize::MAX {
                        column.write(out, budget);
                    }
                }
            }
        }
    }
}

fn all(out: &mut String, budget: usize, open: &str, items: &[Value], close: &str) {
    out.push_str(open);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        item.write(out, budget);
        if out.len() > budget {
            return;
        }
    }
    out.push_str(close);
}

fn cut(text: String) -> String {
    let total = text.chars().count();
    if total <= SHOWN {
        return text;
    }
    let mut short: String = text.chars().take(SHOWN).collect();
    short.push('…');
    short
}
