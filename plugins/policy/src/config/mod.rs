//! Reading the policy document: bytes become a [`Value`], a [`Reader`] walks it and collects every mistake with its path.
//!
//! A policy's `configure` takes its section as a [`Section`] and returns types that cannot be wrong. What a section does not name is a
//! mistake, so a misspelt limit cannot be silently no limit.

pub mod alerts;
mod document;
mod glob;
mod limits;
mod protobuf;
mod reader;
mod secret;
mod teams;
mod value;

pub use alerts::Alert;
pub use document::{Document, Environment, SECTIONS};
pub use glob::Glob;
pub use limits::{LIMIT_MAX, Limits};
pub use reader::{MISTAKES_MAX, Mistake, Mistakes, Section, path_of_field};
pub use teams::Team;
pub use value::{DEPTH_MAX, Value};
