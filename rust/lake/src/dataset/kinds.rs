//! Columns of the kinds of data that every desk has. Prices are float64: the lake is for analytics, and text
//! becomes the nearest float64 where it is parsed.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::{LakeError, bars_schema};

/// The schema of a kind, and the name of its symbol column.
pub(crate) fn schema_of(kind: &str) -> Result<(SchemaRef, &'static str), LakeError> {
    let schema = match kind {
        "bars" => return Ok((bars_schema(), "uic")),
        "quotes" => quotes(),
        "trades" => trades(),
        "option_chains" => option_chains(),
        _ => {
            return Err(LakeError::BadOption {
                option: "kind",
                value: kind.to_owned(),
                known: "\"bars\", \"quotes\", \"trades\" or \"option_chains\", or a schema of your own",
            });
        }
    };
    Ok((Arc::new(schema), "symbol"))
}

fn needed(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, false)
}

fn maybe(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, true)
}

fn time() -> Field {
    needed("ts", DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())))
}

/// A side without a quote is null.
fn quotes() -> Schema {
    let mut fields = vec![needed("symbol", DataType::Utf8), time()];
    fields.extend(["bid", "ask", "bid_size", "ask_size"].map(|name| maybe(name, DataType::Float64)));
    Schema::new(fields)
}

/// `side` is "buy" or "sell" of the aggressor, null where the venue does not say.
fn trades() -> Schema {
    Schema::new(vec![
        needed("symbol", DataType::Utf8),
        time(),
        needed("price", DataType::Float64),
        needed("size", DataType::Float64),
        maybe("side", DataType::Utf8),
        maybe("id", DataType::Utf8),
    ])
}

/// A contract of a chain at an instant: `symbol` is the underlying, `right` "call" or "put".
fn option_chains() -> Schema {
    let mut fields = vec![
        needed("symbol", DataType::Utf8),
        time(),
        needed("expiry", DataType::Date32),
        needed("strike", DataType::Float64),
        needed("right", DataType::Utf8),
        maybe("contract", DataType::Utf8),
    ];
    let values = ["bid", "ask", "last", "underlying", "iv", "delta", "gamma", "theta", "vega"];
    fields.extend(values.map(|name| maybe(name, DataType::Float64)));
    fields.extend(["volume", "open_interest"].map(|name| maybe(name, DataType::Int64)));
    Schema::new(fields)
}
