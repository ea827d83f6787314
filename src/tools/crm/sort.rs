//! How a caller says by what a list is to be sorted.

use crate::repository::list::Order;
use crate::repository::record::Record;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};
use std::borrow::Cow;
use std::marker::PhantomData;

/// The name of one of the columns that a kind's lists can be sorted by, with a `-` in front to have
/// the largest first.
#[derive(Debug)]
pub(super) struct Sort<R> {
    pub(super) order: Order,
    kind: PhantomData<fn() -> R>,
}

impl<R: Record> Sort<R> {
    fn names() -> Vec<String> {
        R::COLUMNS.iter().flat_map(|column| [column.name.to_owned(), format!("-{}", column.name)]).collect()
    }
}

impl<R: Record> Default for Sort<R> {
    fn default() -> Self {
        Self { order: R::SORTED, kind: PhantomData }
    }
}

impl<'de, R: Record> Deserialize<'de> for Sort<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Order::named(R::COLUMNS, &name)
            .map(|order| Self { order, kind: PhantomData })
            .ok_or_else(|| D::Error::custom(format!("must be one of {}", Self::names().join(", "))))
    }
}

impl<R: Record> JsonSchema for Sort<R> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Sort", R::schema_name()).into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": Self::names(), "default": R::SORTED.name() })
    }
}
