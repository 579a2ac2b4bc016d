//! `cargo xtask image`: the modules as OCI images, as Istio and Envoy Gateway fetch them.
//!
//! An image is the "compat" variant of the Wasm image specification that both document: an ordinary OCI image (image-spec 1.1) whose last layer,
//! `application/vnd.oci.image.layer.v1.tar+gzip`, holds the file `plugin.wasm`. They lie in an OCI image layout, a folder that skopeo, crane and
//! oras push from. No daemon and no network take part, and the same modules always give the same digests: nothing in an image has a
//! time, an owner or the name of a machine.

mod layout;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use portcullis_envoy_test::Checkout;

use crate::build::{self, MODULES};
use layout::Layout;

/// What to make images of.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder to write the image layout to; what is there is replaced. target/image unless given
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Take the modules from this folder instead of building them
    #[arg(long, value_name = "FOLDER")]
    modules: Option<PathBuf>,
}

/// Makes the images, and says what they are and how to push them.
///
/// # Errors
/// When a module does not build or cannot be read, or the layout cannot be written.
pub fn run(checkout: &Checkout, arguments: &Arguments) -> Result<ExitCode> {
    let modules = match &arguments.modules {
        Some(folder) => folder.clone(),
        None => {
            eprintln!("building the modules …");
            build::modules(checkout)?;
            checkout.plugins()
        }
    };
    let target = checkout.target().join("image");
    let out = arguments.out.as_deref().unwrap_or(&target);
    let digests = images(&modules, out)?;
    println!(
        "{:<12}digest of the image (--sha256 of `portcullis render istio`)",
        "image"
    );
    for (name, digest) in &digests {
        println!("{name:<12}{digest}");
    }
    let (out, version) = (out.display(), env!("CARGO_PKG_VERSION"));
    println!("\nAny of these pushes one of them, here gateway, to a registry of yours:\n");
    println!(
        "  skopeo copy oci:{out}:gateway docker://registry.company.com/portcullis/gateway:{version}"
    );
    println!(
        "  oras copy --from-oci-layout {out}:gateway registry.company.com/portcullis/gateway:{version}"
    );
    println!("\nThe digest stays the same on the way; the registry must tell it.");
    Ok(ExitCode::SUCCESS)
}

/// Writes an image layout with an image of each module; name and digest of each.
fn images(modules: &Path, out: &Path) -> Result<Vec<(&'static str, String)>> {
    // All of it beside, so that a layout is complete or not there.
    let partial = out.with_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).with_context(|| partial.display().to_string())?;
    }
    let mut layout = Layout::create(&partial)?;
    let mut digests = Vec::new();
    for name in MODULES {
        let file = modules.join(format!("{name}.wasm"));
        let module = fs::read(&file).with_context(|| file.display().to_string())?;
        digests.push((name, layout.add(name, &module)?));
    }
    layout.finish()?;
    if out.exists() {
        fs::remove_dir_all(out).with_context(|| out.display().to_string())?;
    }
    fs::rename(&partial, out).with_context(|| out.display().to_string())?;
    Ok(digests)
}

#[cfg(test)]
mod tests;
