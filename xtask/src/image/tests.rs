#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use flate2::read::GzDecoder;
use layout::{CONFIG, FILE, INDEX, LAYER, MANIFEST, digest};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Read;

/// Modules of some size that differ, and of which some bytes do not compress.
fn modules() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in MODULES {
        let noise = (0..100_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8);
        let module: Vec<u8> = b"\0asm\x01\0\0\0"
            .iter()
            .copied()
            .chain(noise)
            .chain(name.bytes())
            .collect();
        fs::write(folder.path().join(format!("{name}.wasm")), module).unwrap();
    }
    folder
}

/// A blob as a descriptor has it: of that type, that size, that digest, or the test fails.
fn blob(layout: &Path, descriptor: &Value, media_type: &str) -> Vec<u8> {
    assert_eq!(descriptor["mediaType"], media_type);
    let name = descriptor["digest"].as_str().unwrap();
    let content = fs::read(layout.join("blobs").join(name.replace(':', "/"))).unwrap();
    assert_eq!(descriptor["size"], content.len());
    assert_eq!(digest(&content), name);
    content
}

/// Reads a layout as the specification says, down to the module that a proxy would load.
fn read(layout: &Path, name: &str) -> (Vec<u8>, String) {
    let json = |bytes: &[u8]| -> Value { serde_json::from_slice(bytes).unwrap() };
    assert_eq!(
        json(&fs::read(layout.join("oci-layout")).unwrap()),
        json!({ "imageLayoutVersion": "1.0.0" })
    );
    let index = json(&fs::read(layout.join("index.json")).unwrap());
    assert_eq!(index["schemaVersion"], 2);
    assert_eq!(index["mediaType"], INDEX);
    let mut manifests = index["manifests"].as_array().unwrap().iter();
    let found = manifests
        .find(|manifest| manifest["annotations"]["org.opencontainers.image.ref.name"] == name)
        .unwrap();
    let manifest = json(&blob(layout, found, MANIFEST));
    assert_eq!(
        (&manifest["schemaVersion"], &manifest["mediaType"]),
        (&json!(2), &json!(MANIFEST))
    );
    let config = json(&blob(layout, &manifest["config"], CONFIG));
    let layers = manifest["layers"].as_array().unwrap();
    let mut archive = Vec::new();
    let compressed = blob(layout, layers.last().unwrap(), LAYER);
    GzDecoder::new(&compressed[..])
        .read_to_end(&mut archive)
        .unwrap();
    assert_eq!(
        config["rootfs"],
        json!({ "type": "layers", "diff_ids": [digest(&archive)] })
    );
    assert!(config["architecture"].is_string() && config["os"].is_string());
    let mut archive = tar::Archive::new(&archive[..]);
    let mut entries = archive.entries().unwrap();
    let mut entry = entries.next().unwrap().unwrap();
    assert_eq!(entry.path().unwrap().to_str(), Some(FILE));
    let mut module = Vec::new();
    entry.read_to_end(&mut module).unwrap();
    assert!(entries.next().is_none());
    (module, found["digest"].as_str().unwrap().to_owned())
}

#[test]
fn an_image_holds_its_module() {
    let (modules, out) = (modules(), tempfile::tempdir().unwrap());
    let layout = out.path().join("image");
    let digests = images(modules.path(), &layout).unwrap();
    assert_eq!(digests.len(), MODULES.len());
    for (name, told) in &digests {
        let (module, digest) = read(&layout, name);
        assert_eq!(
            module,
            fs::read(modules.path().join(format!("{name}.wasm"))).unwrap()
        );
        assert_eq!(&digest, told);
    }
    let different: BTreeSet<_> = digests.iter().map(|(_, digest)| digest).collect();
    assert_eq!(different.len(), MODULES.len());
    // Nothing lies there that no image has.
    let blobs = fs::read_dir(layout.join("blobs/sha256")).unwrap().count();
    assert_eq!(blobs, 3 * MODULES.len());
}

#[test]
fn the_same_modules_give_the_same_images() {
    let (modules, out) = (modules(), tempfile::tempdir().unwrap());
    let image = |name: &str| images(modules.path(), &out.path().join(name)).unwrap();
    let first = image("a");
    let again = modules.path().join("gateway.wasm");
    let module = fs::read(&again).unwrap();
    fs::write(&again, &module).unwrap();
    assert_eq!(image("b"), first);
    let index = |name: &str| fs::read(out.path().join(name).join("index.json")).unwrap();
    assert_eq!(index("a"), index("b"));
    // A layout that is there is replaced, and another module is another image.
    fs::write(&again, [&module[..], b"x"].concat()).unwrap();
    let changed = image("a");
    assert_ne!(changed[0], first[0]);
    assert_eq!(changed[1..], first[1..]);
    assert_eq!(
        fs::read_dir(out.path().join("a/blobs/sha256"))
            .unwrap()
            .count(),
        3 * MODULES.len()
    );
    assert!(!out.path().join("a.partial").exists());
}

#[test]
fn a_module_that_is_not_there_leaves_what_was() {
    let (modules, out) = (modules(), tempfile::tempdir().unwrap());
    let layout = out.path().join("image");
    images(modules.path(), &layout).unwrap();
    fs::remove_file(modules.path().join("dlp.wasm")).unwrap();
    let error = images(modules.path(), &layout).unwrap_err();
    assert!(format!("{error:#}").contains("dlp.wasm"), "{error:#}");
    read(&layout, "gateway");
}
