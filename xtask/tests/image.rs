//! Images as another program reads them: skopeo, Debian's `skopeo`. (What is in them, by the specification: `src/image/tests.rs`.)

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new(program);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let output = command.args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {output:?}"
    );
    output.stdout
}

#[test]
fn skopeo_copies_and_keeps_the_digest() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let names = ["gateway", "auth", "rate-limit", "dlp", "audit"];
    for name in names {
        let module = [b"\0asm\x01\0\0\0", name.as_bytes()].concat();
        fs::write(path(&format!("{name}.wasm")), module).unwrap();
    }
    let (layout, copy) = (path("image"), path("copy"));
    let arguments = ["image", "--modules", &path(""), "--out", &layout];
    let told = String::from_utf8(run(env!("CARGO_BIN_EXE_xtask"), &arguments)).unwrap();
    for name in names {
        let (source, target) = (format!("oci:{layout}:{name}"), format!("dir:{copy}-{name}"));
        let keep = ["--insecure-policy", "copy", "--quiet", "--preserve-digests"];
        run("skopeo", &[&keep[..], &[&source, &target]].concat());
        // What a registry would tell Istio is what was told here.
        let seen: Value = serde_json::from_slice(&run("skopeo", &["inspect", &target])).unwrap();
        let digest = seen["Digest"].as_str().unwrap();
        let line = format!("{name:<12}{digest}");
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
        let layers = seen["Layers"].as_array().unwrap();
        assert_eq!(layers.len(), 1);
        let blob = layers[0].as_str().unwrap().trim_start_matches("sha256:");
        let layer = Path::new(&format!("{copy}-{name}")).join(blob);
        let listed = run(
            "tar",
            &["--list", "--gzip", "--file", layer.to_str().unwrap()],
        );
        assert_eq!(listed, b"plugin.wasm\n");
    }
}
