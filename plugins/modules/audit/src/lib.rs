//! Module `audit`. What happened.

use portcullis_adapter::{Completeness, boxed, module};

module!(Completeness::Part, |document, environment| {
    vec![boxed(portcullis_audit::configure(document, environment))]
});
