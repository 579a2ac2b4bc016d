//! Answers that list models: a caller sees those that it may use.

use crate::{Exchange, guards};
use portcullis_policy::Refusal;
use portcullis_wire::{BodyKind, Released, shown};

impl Exchange {
    /// A list of models of which the caller may see a part has begun: its body is kept.
    ///
    /// # Errors
    /// When it is of a kind that no list of models is.
    pub(crate) fn begin_listing(&mut self, kind: Option<BodyKind>) -> Result<(), Refusal> {
        if kind != Some(BodyKind::Json) {
            return Err(no_list());
        }
        self.listing = Some(Vec::new());
        Ok(())
    }

    /// A piece of a body.
    pub(crate) fn note_listing(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        let Some(listing) = &mut self.listing else {
            return Ok(());
        };
        if listing.len() + chunk.len() > self.gateway.settings.body_bytes_max {
            return Err(no_list());
        }
        listing.extend_from_slice(chunk);
        Ok(())
    }

    /// What of a whole body the caller may see.
    pub(crate) fn visible(&mut self, released: Released) -> Result<Released, Refusal> {
        let Some(listing) = self.listing.take() else {
            return Ok(released);
        };
        let Some(allowed) = &self.fanout.facts.listed_models else {
            return Ok(released);
        };
        if !cfg!(feature = "models") {
            return Err(no_list());
        }
        let may_see = |model: &str| allowed.may_use(model);
        let part = match &released {
            Released::AsIs => shown(&listing, &may_see),
            Released::Bytes(edited) => shown(edited, &may_see),
        }?;
        Ok(part.map_or(released, Released::Bytes))
    }
}

fn no_list() -> Refusal {
    guards::unreadable_response(
        "The provider's list of models could not be read, so that nobody can say which you may use.",
    )
}
