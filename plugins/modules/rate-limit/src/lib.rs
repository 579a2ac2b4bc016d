//! Module `rate-limit`. How much each caller may use.

use portcullis_adapter::{Completeness, boxed, module};

module!(Completeness::Part, |document, _| {
    vec![boxed(portcullis_rate_limit::configure(document))]
});
