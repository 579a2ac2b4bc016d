//! Module `audit`. What happened, and who should know.

use portcullis_adapter::{Completeness, boxed, module};

module!(Completeness::Part, |document, environment| {
    vec![
        boxed(portcullis_alerts::watch(document, environment)),
        boxed(portcullis_audit::configure(document, environment)),
    ]
});
