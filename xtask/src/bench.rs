//! .
use anyhow::Result;
use portcullis_envoy_test::Checkout;
#[derive(Debug, clap::Args)]
pub struct Arguments {}
pub fn run(_: &Checkout, _: &Arguments) -> Result<()> {
    Ok(())
}
