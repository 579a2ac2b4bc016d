//! An OCI image layout (opencontainers/image-spec 1.1, `image-layout.md`, `manifest.md`, `config.md`), written.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// What each blob is.
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The name of the module within its layer, by which proxies find it.
pub const FILE: &str = "plugin.wasm";

/// A layout that is being written.
pub struct Layout {
    folder: PathBuf,
    manifests: Vec<Descriptor>,
}

/// What a blob is, how it is called and how large it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: &'static str,
    digest: String,
    size: usize,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'static str, String>,
}

impl Layout {
    /// A new one in this folder.
    ///
    /// # Errors
    /// When it cannot be written to.
    pub fn create(folder: &Path) -> Result<Self> {
        let blobs = folder.join("blobs/sha256");
        fs::create_dir_all(&blobs).with_context(|| blobs.display().to_string())?;
        Ok(Self {
            folder: folder.to_owned(),
            manifests: Vec::new(),
        })
    }

    /// Adds the image of a module; its digest.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, name: &str, module: &[u8]) -> Result<String> {
        let archive = archive(module)?;
        let layer = self.blob(LAYER, &compressed(&archive)?)?;
        let config = json!({
            "architecture": "wasm",
            "os": "wasip1",
            "config": {},
            "rootfs": { "type": "layers", "diff_ids": [digest(&archive)] },
        });
        let config = self.blob(CONFIG, config.to_string().as_bytes())?;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config,
            "layers": [layer],
            "annotations": {
                "org.opencontainers.image.title": format!("portcullis {name}"),
                "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
                "org.opencontainers.image.licenses": "Apache-2.0",
            },
        });
        let mut manifest = self.blob(MANIFEST, manifest.to_string().as_bytes())?;
        // The name by which it is found in this layout.
        let name = ("org.opencontainers.image.ref.name", name.to_owned());
        manifest.annotations.extend([name]);
        let digest = manifest.digest.clone();
        self.manifests.push(manifest);
        Ok(digest)
    }

    /// Writes what makes a layout of the blobs.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> Result<()> {
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": self.manifests });
        let marker = json!({ "imageLayoutVersion": "1.0.0" });
        for (name, content) in [("index.json", index), ("oci-layout", marker)] {
            let file = self.folder.join(name);
            fs::write(&file, content.to_string()).with_context(|| file.display().to_string())?;
        }
        Ok(())
    }

    fn blob(&self, media_type: &'static str, content: &[u8]) -> Result<Descriptor> {
        let digest = digest(content);
        let name = digest.replace(':', "/");
        let file = self.folder.join("blobs").join(name);
        fs::write(&file, content).with_context(|| file.display().to_string())?;
        Ok(Descriptor {
            media_type,
            digest,
            size: content.len(),
            annotations: BTreeMap::new(),
        })
    }
}

/// The module as the one file of an archive, nobody's and of no time.
fn archive(module: &[u8]) -> Result<Vec<u8>> {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(module.len() as u64);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, FILE, module)?;
    Ok(archive.into_inner()?)
}

/// Without a name or a time in the header of gzip, which is its default here.
fn compressed(content: &[u8]) -> Result<Vec<u8>> {
    use std::io::Write as _;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

/// How OCI calls a content.
pub fn digest(content: &[u8]) -> String {
    let mut digest = String::from("sha256:");
    for byte in Sha256::digest(content) {
        // Writing to a string does not fail.
        let _ = write!(digest, "{byte:02x}");
    }
    digest
}
