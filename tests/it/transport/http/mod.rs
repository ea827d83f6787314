//! Streamable HTTP, in both eras.

mod asking;
mod bounds;
mod ends;
mod hijack;
mod legacy;
mod modern;
mod resumption;
mod streams;
