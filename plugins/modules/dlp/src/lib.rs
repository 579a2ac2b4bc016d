//! Module `dlp`. What may leave and come back.

use portcullis_adapter::{Completeness, boxed, module};

module!(Completeness::Part, |document, environment| {
    vec![boxed(portcullis_dlp::configure(document, environment))]
});
