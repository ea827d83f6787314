//! Streamable HTTP, in both eras.

mod bounds;
mod ends;
mod legacy;
mod modern;
mod resumption;
mod streams;
