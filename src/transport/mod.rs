//! Transports: they frame bytes and own the socket's life, and know no tenant.

pub(crate) mod http;
mod patient;
mod stream;
pub(crate) mod websocket;

pub(crate) use patient::Patient;
pub(crate) use stream::Stream;
