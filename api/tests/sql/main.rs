//! SQL over HTTP, against a service on a port of its own and a lake of its own.

mod answers;
mod limits;
mod pages;
mod place;
