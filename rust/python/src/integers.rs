//! Whole numbers from Python: one that does not fit is a `ValueRangeError` that names the argument and the value.

use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;

use crate::failure::Failure;

/// A whole number of fixed width.
pub trait Whole: Sized {
    /// What fits, in words.
    const RANGE: &str;

    /// The number as Python has it.
    fn extract(object: &Bound<'_, PyAny>) -> PyResult<Self>;
}

macro_rules! wholes {
    ($($number:ty: $range:literal),*) => {$(
        impl Whole for $number {
            const RANGE: &str = $range;

            fn extract(object: &Bound<'_, PyAny>) -> PyResult<Self> {
                object.extract()
            }
        }
    )*};
}

wholes!(
    i64: "-2^63 to 2^63 - 1", u8: "0 to 255", u32: "0 to 2^32 - 1", u64: "0 to 2^64 - 1", usize: "0 to 2^64 - 1"
);

/// The whole number that `name` was given.
pub fn whole<T: Whole>(object: &Bound<'_, PyAny>, name: &str) -> PyResult<T> {
    T::extract(object).map_err(|error| {
        if error.is_instance_of::<PyOverflowError>(object.py()) {
            let shown = object.str().map_or_else(|_| "a number too long to print".to_owned(), |text| text.to_string());
            Failure::text("ValueRangeError", format!("{name} {shown} is out of range: it must be {}", T::RANGE)).into()
        } else if error.is_instance_of::<PyTypeError>(object.py()) {
            let shown = object.repr().map_or_else(|_| "an object".to_owned(), |text| text.to_string());
            PyTypeError::new_err(format!("{name} {shown} ({}) is no whole number", object.get_type()))
        } else {
            error
        }
    })
}

macro_rules! named {
    ($($name:ident),*) => {$(
        /// The argument of this name, for `from_py_with`.
        pub fn $name<T: Whole>(object: &Bound<'_, PyAny>) -> PyResult<T> {
            whole(object, stringify!($name))
        }
    )*};
}

named!(
    uic,
    ts,
    now,
    keep,
    amount,
    decided,
    filled,
    position,
    opened,
    entry_ts,
    exit_ts,
    cash,
    ticks,
    max_amount,
    max_position,
    duplicate_window_s,
    fast,
    slow,
    window,
    offset,
    limit,
    message_id,
    payload_format
);
