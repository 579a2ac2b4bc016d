//! Whoever is let in.

use portcullis_policy::{AllowedModels, Identity};

/// Somebody and what they may use.
#[derive(Debug)]
pub(crate) struct Holder {
    /// Who.
    pub identity: Identity,
    /// Which models.
    pub models: AllowedModels,
}
