//! The only room that names the Proxy-Wasm ABI (0.2.1). Turns callbacks into calls of `chain` and its steps into host calls; holds no
//! decision.
//!
//! [`callbacks`] are what the host calls, [`abi`] is what it is called for. There is no SDK between: `proxy-wasm` 0.2.5 panics on statuses
//! that a host may answer, imports 31 functions whatever a module uses, and would be 50 KiB of it.
//!
//! A module is a crate of a few lines:
//!
//! ```text
//! portcullis_adapter::module!(Completeness::Part, |document, environment| {
//!     vec![portcullis_adapter::boxed(portcullis_auth::configure(document, environment))]
//! });
//! ```

mod abi;
pub mod callbacks;
mod calls;
mod headers;
#[cfg(any(target_family = "wasm", test))]
mod heap;
mod host;
#[cfg(any(target_family = "wasm", test))]
mod memory;
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
        #[allow(missing_docs, unsafe_code)]
        #[unsafe(no_mangle)]
        pub extern "C" fn _initialize() {
            $crate::start($completeness, $configure);
        }
    };
}
