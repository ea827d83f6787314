//! Transports: they frame bytes and own the socket's life, and know no tenant.

mod stream;
pub(crate) mod websocket;

pub(crate) use stream::Stream;
