//! Sessions that outlive their connections: what section 13 of the binding promises.

mod counting;
mod going_on;
