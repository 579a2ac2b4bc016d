//! Whoever is let in.

use portcullis_policy::{AllowedModels, Identity};
use std::rc::Rc;

/// Somebody and what they may use.
#[derive(Debug)]
pub(crate) struct Holder {
    /// Who.
    pub identity: Rc<Identity>,
    /// Which models.
    pub models: AllowedModels,
}
