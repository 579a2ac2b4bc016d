//! Runs the scenarios of `envoy/` in the real Envoy: finds or fetches its binary, adapts a scenario to a place where it can
//! run beside others, starts it, watches it, and leaves no process behind.
//!
//! The files in `envoy/` are the ones an operator runs; what is started here is the same document with other ports and
//! paths, so that a test that passes speaks for them. Nothing here knows what a policy does: the end-to-end tests are in
//! `tests/`, and a policy is a JSON value to be edited by a closure.
//!
//! ```no_run
//! use portcullis_envoy_test::{Checkout, EnvoyBinary, Scenario};
//! # fn main() -> anyhow::Result<()> {
//! let checkout = Checkout::find()?;
//! let binary = EnvoyBinary::find_or_fetch(&checkout)?;
//! let mut scenario = Scenario::load(&checkout, "local")?;
//! scenario.provider("127.0.0.1:8081".parse()?)?.edit_policy(|policy| policy["limits"]["user"]["rpm"] = 5.into())?;
//! let envoy = scenario.start(&binary)?;
//! println!("{} is ready after {:?}", envoy.address(), envoy.ready_after());
//! # Ok(())
//! # }
//! ```

mod binary;
mod checkout;
mod envoy;
pub mod http1;
mod process;
mod python;
mod scenario;

pub use binary::EnvoyBinary;
pub use checkout::Checkout;
pub use envoy::Envoy;
pub use process::Supervised;
pub use python::Python;
pub use scenario::{Running, Scenario};
