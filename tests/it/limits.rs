//! What bounds a tenant's size, and how fast requests may come.

mod quotas;
mod rates;
