//! Transports: they frame bytes and own the socket's life, and know no tenant.

pub(crate) mod websocket;
