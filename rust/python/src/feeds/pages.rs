//! Polygon's REST pages as Python sees them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use exuvia_market::wire::feed::Context;
use exuvia_market::wire::polygon::{Page, PageKind, Pages};
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::maker::Maker;
use super::record::{Value, values};
use super::{frame_of, numbers_of, refused, table, unsaid};
use crate::failure::Failure;
use crate::gate::{self, locked};
use crate::quotes::export;
use crate::words::Words;

/// What a REST page says beside its rows.
#[pyclass(frozen, eq, hash, module = "exuvia.feeds")]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PolygonPage(Page);

#[pymethods]
impl PolygonPage {
    /// `OK`, `DELAYED`, `ERROR`, `NOT_AUTHORIZED` or `NOT_FOUND`; None if the page does not say.
    #[getter]
    fn status(&self) -> Option<&str> {
        self.0.status.as_deref()
    }

    /// Whether the status is good: `OK`, or `DELAYED` on a delayed plan.
    #[getter]
    fn ok(&self) -> bool {
        self.0.is_ok()
    }

    /// What the vendor says went wrong; None if nothing did.
    #[getter]
    fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }

    /// For the vendor's support.
    #[getter]
    fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Where the next page is, without the key; None on the last page.
    #[getter]
    fn next_url(&self) -> Option<&str> {
        self.0.next_url.as_deref()
    }

    /// Path and query of the next page, to be asked of your own configured host; None on the last page.
    #[getter]
    fn next_path(&self) -> Option<&str> {
        self.0.next_path()
    }

    /// How many rows the vendor counted; None if the page does not say.
    #[getter]
    fn count(&self) -> Option<i64> {
        self.0.count
    }

    /// How many rows were read.
    #[getter]
    fn rows(&self) -> usize {
        self.0.rows
    }

    fn __repr__(&self) -> String {
        let Page { status, next_url, rows, .. } = &self.0;
        let more = if next_url.is_some() { ", more to come" } else { "" };
        format!("<PolygonPage {} of {rows} rows{more}>", status.as_deref().unwrap_or("without a status"))
    }
}

/// Reads Polygon's REST pages of one kind.
///
/// `results` that is missing or null is no rows. A row that breaks a rule is left out and counted.
///
/// Args:
///     kind: What the rows are: `bars`, `trades`, `quotes` or `chain` (option snapshots).
///     numbers: How prices and sizes are kept: `exact`, `wide` or `float`. Volumes and greeks are floats always.
///     record: What `read` builds: `tuple`, or what is called with the values in order. `Record` if not given.
#[pyclass(frozen, weakref, module = "exuvia.feeds")]
pub struct PolygonPages {
    inner: Mutex<Inner>,
    maker: Maker,
}

struct Inner {
    pages: Pages,
    words: Words,
}

fn broken(error: &dyn std::error::Error) -> Failure {
    Failure::new("DecodeError", error)
}

#[pymethods]
impl PolygonPages {
    #[new]
    #[pyo3(signature = (kind, numbers = "exact", record = None))]
    fn new(py: Python<'_>, kind: &str, numbers: &str, record: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let kind = PageKind::named(kind).map_err(unsaid)?;
        let pages = Pages::new(kind, numbers_of(numbers)?).map_err(unsaid)?;
        let mut makers = Maker::all(py, pages.decoder(), record)?.into_iter();
        let maker = makers.nth(pages.kind()).ok_or_else(|| refused("pages have no rows"))?;
        Ok(Self { inner: Mutex::new(Inner { pages, words: Words::default() }), maker })
    }

    /// Read one page into the columns.
    ///
    /// Args:
    ///     page: The body (str, bytes, bytearray or memoryview).
    ///     symbol: What was asked for, where rows do not say.
    ///
    /// Returns:
    ///     What the page says beside its rows.
    ///
    /// Raises:
    ///     DecodeError: If it is no JSON object, such as the HTML of a proxy or an empty body; then nothing was read.
    #[pyo3(signature = (page, symbol = None))]
    fn feed(&self, page: &Bound<'_, PyAny>, symbol: Option<&str>) -> PyResult<PolygonPage> {
        let page = frame_of(page)?;
        let context = Context { received: None, symbol };
        let read = || locked(&self.inner).pages.feed(&page, context).map(PolygonPage);
        gate::stay(|| read().map_err(|error| broken(&error)))
    }

    /// Read one page row by row.
    ///
    /// Args:
    ///     page: As for `feed`.
    ///     symbol: As for `feed`.
    ///
    /// Returns:
    ///     What the page says beside its rows, and the rows as `record` builds them.
    ///
    /// Raises:
    ///     DecodeError: As `feed`.
    #[pyo3(signature = (page, symbol = None))]
    fn read<'py>(
        &self,
        py: Python<'py>,
        page: &Bound<'py, PyAny>,
        symbol: Option<&str>,
    ) -> PyResult<(PolygonPage, Bound<'py, PyList>)> {
        let page = frame_of(page)?;
        let context = Context { received: None, symbol };
        let mut rows: Vec<Box<[Value]>> = Vec::new();
        let said = gate::stay(|| {
            let mut inner = locked(&self.inner);
            let Inner { pages, words } = &mut *inner;
            let said = pages.read(&page, context, |row| rows.push(values(py, &row, words)));
            said.map_err(|error| broken(&error))
        })?;
        let made = rows.into_iter().map(|row| self.maker.make(py, row)).collect::<PyResult<Vec<_>>>()?;
        Ok((PolygonPage(said), PyList::new(py, made)?))
    }

    /// Take the rows of all pages since the last take, as a table; columns as those of `JsonFeed.take_arrow`.
    fn take_arrow<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let batch = gate::stay(|| {
            let mut inner = locked(&self.inner);
            let columns = inner.pages.take();
            let feed = inner.pages.decoder();
            let names: Vec<String> = feed.fields(inner.pages.kind()).map(|(name, _, _)| name.to_owned()).collect();
            table::batch(columns, &names, feed.symbols())
        })?;
        export(py, batch)
    }

    /// How many rows and pages were left out.
    #[getter]
    fn skipped(&self) -> u64 {
        locked(&self.inner).pages.decoder().skips().total()
    }

    /// How many were left out, by reason; as `JsonFeed.skips`.
    #[getter]
    fn skips(&self) -> BTreeMap<&'static str, u64> {
        locked(&self.inner).pages.decoder().skips().counts().collect()
    }

    /// Why the last one was left out, with place and value; None if none was.
    #[getter]
    fn last_skip(&self) -> Option<String> {
        locked(&self.inner).pages.decoder().skips().last().map(ToString::to_string)
    }

    /// How many rows wait to be taken.
    fn __len__(&self) -> usize {
        locked(&self.inner).pages.waiting()
    }

    fn __repr__(&self) -> String {
        let inner = locked(&self.inner);
        format!("<PolygonPages of {} rows, {} skipped>", inner.pages.waiting(), inner.pages.decoder().skips().total())
    }
}
