//! Runs a list of policies over one HTTP exchange.
//!
//! [`Gateway`] is a configured module: its policies and the settings that belong to none of them. [`Exchange`] is one request and its
//! response: bytes and headers go in, [`Step`]s come out. Between the two, `wire` turns bytes into texts and meaning, every policy
//! sees them in order, and edits become bytes again. The same code runs in Envoy behind `adapter`, and natively in tests.
//!
//! What this crate decides itself is only what no policy could: that a message which cannot be read is refused
//! ([`guards`](crate::guards)), and in which order things happen.

mod background;
mod contention;
mod exchange;
mod fanout;
mod gateway;
mod guards;
mod listing;
mod request;
mod response;
mod settings;
mod shared;
mod told;

pub use background::{Chores, Errand};
pub use exchange::{Exchange, Origin, Turn};
pub use gateway::{Completeness, Gateway};
pub use settings::Settings;
pub use shared::names;
pub use step::Step;
pub use told::Told;

mod step;
