//! What the integration tests share: the guests, built once.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use portcullis_host_test::Module;

static GUESTS: LazyLock<PathBuf> = LazyLock::new(|| {
    let sources = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("guests");
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("guests");
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--locked",
            "--release",
            "--examples",
            "--target",
            "wasm32-wasip1",
            "--target-dir",
        ])
        .arg(&target)
        .current_dir(&sources)
        // Flags of the build that runs the tests (coverage, say) are not for the guests.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the guests build");
    target.join("wasm32-wasip1/release/examples")
});

/// A guest from `guests/examples/`.
pub fn guest(name: &str) -> Module {
    Module::from_file(GUESTS.join(format!("{name}.wasm"))).expect("the guest is a module")
}
