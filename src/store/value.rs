//! Values, rows, and how to read a type from a row.

use crate::error::{Error, Result};
use uuid::Uuid;

/// A database value, in the types that both engines share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// SQL `NULL`.
    Null,
    /// `BIGINT`; booleans are 0 and 1.
    Int(i64),
    /// `TEXT`.
    Text(String),
}

macro_rules! value_from {
    ($($from:ty => |$v:ident| $to:expr),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from($v: $from) -> Self { $to }
        }
    )*};
}

value_from! {
    i64 => |v| Self::Int(v),
    bool => |v| Self::Int(i64::from(v)),
    &str => |v| Self::Text(v.to_owned()),
    String => |v| Self::Text(v),
    &String => |v| Self::Text(v.clone()),
    Uuid => |v| Self::Text(v.to_string()),
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The parameters of a statement, in order.
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::Value::from($value)),*] };
}
pub(crate) use params;

/// A row, read from left to right.
#[derive(Debug)]
pub struct Row {
    values: std::vec::IntoIter<Value>,
}

impl Row {
    pub(super) fn new(values: Vec<Value>) -> Self {
        Self { values: values.into_iter() }
    }

    /// The next column, whatever it holds.
    pub fn value(&mut self) -> Result<Value> {
        self.values.next().ok_or_else(|| Error::Internal("a row has fewer columns than are read from it".into()))
    }

    /// The next column, which holds text.
    pub fn text(&mut self) -> Result<String> {
        self.opt_text()?.ok_or_else(|| Error::Internal("a column that holds text is null".into()))
    }

    /// The next column, which holds text or nothing.
    pub fn opt_text(&mut self) -> Result<Option<String>> {
        match self.value()? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            Value::Int(_) => Err(Error::Internal("a column that holds text is a number".into())),
        }
    }

    /// The next column, which holds a number.
    pub fn int(&mut self) -> Result<i64> {
        self.opt_int()?.ok_or_else(|| Error::Internal("a column that holds a number is null".into()))
    }

    /// The next column, which holds a number or nothing.
    pub fn opt_int(&mut self) -> Result<Option<i64>> {
        match self.value()? {
            Value::Null => Ok(None),
            Value::Int(int) => Ok(Some(int)),
            Value::Text(_) => Err(Error::Internal("a column that holds a number is text".into())),
        }
    }

    /// The next column, which holds a yes or no.
    pub fn bool(&mut self) -> Result<bool> {
        Ok(self.int()? != 0)
    }

    /// The next column, which holds a UUID.
    pub fn uuid(&mut self) -> Result<Uuid> {
        self.opt_uuid()?.ok_or_else(|| Error::Internal("a column that holds an id is null".into()))
    }

    /// The next column, which holds a UUID or nothing.
    pub fn opt_uuid(&mut self) -> Result<Option<Uuid>> {
        let Some(text) = self.opt_text()? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Error::Internal("a column that holds an id does not".into()))
    }
}

/// A type that is read from a row's columns, in the order in which its statement names them.
pub trait FromRow: Sized {
    /// Reads one.
    ///
    /// # Errors
    /// [`Error::Internal`] when the row is of another shape.
    fn from_row(row: &mut Row) -> Result<Self>;
}
