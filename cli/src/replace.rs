//! Changing a file so that whoever reads it sees the old text or the new one, and nothing between.

use anyhow::{Context, Result};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

/// A file that nobody else of us changes meanwhile.
pub(crate) struct Locked {
    path: PathBuf,
    folder: PathBuf,
    /// Held while this lives.
    _lock: File,
}

impl Locked {
    /// Waits until it is ours. A symbolic link is followed: the file changes, not the link.
    pub fn new(path: &Path) -> Result<Self> {
        let what = || format!("cannot change {}", path.display());
        let path = fs::canonicalize(path).with_context(what)?;
        let folder = path.parent().unwrap_or(Path::new("/")).to_path_buf();
        // The file itself is no good: it is another one after each change.
        let lock = File::open(&folder).with_context(what)?;
        lock.lock().with_context(what)?;
        Ok(Self {
            path,
            folder,
            _lock: lock,
        })
    }

    /// What it says.
    pub fn read(&self) -> Result<String> {
        fs::read_to_string(&self.path)
            .with_context(|| format!("cannot read {}", self.path.display()))
    }

    /// Puts this text in its place, with the same mode and owner.
    pub fn write(&self, text: &str) -> Result<()> {
        self.replace(text)
            .with_context(|| format!("cannot change {}", self.path.display()))
    }

    fn replace(&self, text: &str) -> Result<()> {
        let old = fs::metadata(&self.path)?;
        // Readable by nobody else until it has the old one's mode.
        let mut new = tempfile::Builder::new()
            .prefix(".portcullis-")
            .tempfile_in(&self.folder)?;
        new.write_all(text.as_bytes())?;
        let made = new.as_file().metadata()?;
        if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
            chown(new.path(), Some(old.uid()), Some(old.gid()))
                .context("its owner cannot be kept")?;
        }
        new.as_file().set_permissions(old.permissions())?;
        new.as_file().sync_all()?;
        new.persist(&self.path)?;
        File::open(&self.folder)?.sync_all()?;
        Ok(())
    }
}
