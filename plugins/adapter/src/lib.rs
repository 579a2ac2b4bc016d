//! The only room that names the Proxy-Wasm ABI (0.2.1). Turns callbacks into calls of `chain` and its steps into host calls; holds no
//! decision.
//!
//! The SDK dispatches callbacks ([`proxy_wasm::traits`]); none of its host calls is used, because each panics on statuses that a host
//! may answer (`clippy.toml` forbids them). [`abi`] calls the host itself and answers every status as a value.
//!
//! A module is a crate of a few lines:
//!
//! ```text
//! portcullis_adapter::module!(Completeness::Part, |document, environment| {
//!     vec![portcullis_adapter::boxed(portcullis_auth::configure(document, environment))]
//! });
//! ```

mod abi;
mod calls;
mod headers;
mod host;
mod metrics;
mod root;
mod stream;
mod verified;

pub use portcullis_chain::Completeness;
pub use root::{Configure, boxed, start};

/// Defines a module: its place among others, and how its policies are made from the policy document.
#[macro_export]
macro_rules! module {
    ($completeness:expr, $configure:expr) => {
        // The SDK's macro makes a public function without documentation.
        #[allow(missing_docs)]
        mod entry {
            #[allow(unused_imports)]
            use super::*;
            proxy_wasm::main! {{ $crate::start($completeness, $configure); }}
        }
    };
}
