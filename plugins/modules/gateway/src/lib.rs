//! Module `gateway`. All four policies in one module: the body is read once for all of them.

use portcullis_adapter::{Completeness, boxed, module};

module!(Completeness::Whole, |document, environment| {
    vec![
        boxed(portcullis_alerts::gate(document)),
        boxed(portcullis_auth::configure(document, environment)),
        boxed(portcullis_rate_limit::configure(document)),
        boxed(portcullis_dlp::configure(document, environment)),
        boxed(portcullis_alerts::watch(document, environment)),
        boxed(portcullis_audit::configure(document, environment)),
    ]
});
