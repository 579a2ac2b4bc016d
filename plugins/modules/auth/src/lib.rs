//! Module `auth`. Who is calling, and may they.

use portcullis_adapter::{Completeness, boxed, module};

module!(Completeness::Part, |document, environment| {
    vec![
        boxed(portcullis_alerts::gate(document)),
        boxed(portcullis_auth::configure(document, environment)),
    ]
});
