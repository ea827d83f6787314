//! How arguments are read: types that hold their own rules, and errors that name field and rule.

mod cursor;
mod text;
mod value;

pub use cursor::Cursor;
pub(crate) use cursor::{cut, more};
pub use text::{Email, Key, Text};
pub use value::{Currency, Date, Given, IdempotencyKey, Limit, Patch};

pub use crate::amount::Amount;
pub use crate::time::Time;

use crate::error::{Error, Result};
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;

/// Reads a call's arguments.
///
/// # Errors
/// [`Error::InvalidArguments`], which names the field and what it has to be.
pub(crate) fn read<A: DeserializeOwned>(tool: &str, arguments: &str) -> Result<A> {
    // A list would do as well for serde, which then takes fields by position.
    if !arguments.starts_with('{') {
        return Err(Error::InvalidArguments(format!("Invalid arguments for {tool}: must be an object.")));
    }
    serde_json::from_str(arguments).map_err(|_| explain::<A>(tool, arguments))
}

/// The JSON Schema of a type, in one piece.
pub(crate) fn schema<T: JsonSchema>() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
        settings.transforms.push(Box::new(RecursiveTransform(drop_rust_formats)));
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    // A type without fields has no properties to write down, but is an object all the same.
    schema.insert("type".into(), "object".into());
    schema.to_value()
}

/// Takes out what only Rust means by a number's format: validators warn of formats they don't know.
pub(crate) fn drop_rust_formats(schema: &mut Schema) {
    let rust = |format: &serde_json::Value| {
        let format = format.as_str().unwrap_or_default();
        format.starts_with("int") || format.starts_with("uint") || matches!(format, "float" | "double")
    };
    if schema.get("format").is_some_and(rust) {
        schema.remove("format");
    }
}

/// Reads the arguments again, this time keeping track of where: only failures pay for it.
fn explain<A: DeserializeOwned>(tool: &str, arguments: &str) -> Error {
    let mut reader = serde_json::Deserializer::from_str(arguments);
    let Err(error) = serde_path_to_error::deserialize::<_, A>(&mut reader) else {
        return Error::InvalidArguments(format!("Invalid arguments for {tool}."));
    };
    let path = error.path().to_string();
    // serde_json ends its messages with a position, which means nothing to who wrote an object.
    let inner = error.into_inner().to_string();
    let rule = inner.rfind(" at line ").map_or(&*inner, |at| &inner[..at]);
    let place = if path == "." { String::new() } else { format!("{path}: ") };
    Error::InvalidArguments(format!("Invalid arguments for {tool}: {place}{rule}."))
}
