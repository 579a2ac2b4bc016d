//! Writing a log file anew, without a person.

use super::super::files::{self, Log, Packing};
use super::super::filter::Filter;
use super::super::line::{self, Line};
use super::super::lines::Lines;
use anyhow::{Context as _, bail, ensure};
use portcullis_audit::seal::{Link, NOTHING, Seal};
use portcullis_policy::Timestamp;
use serde_json::json;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::NamedTempFile;

/// Whom to erase, and what seals the record of it.
pub(super) struct Rewrite {
    pub filter: Filter,
    pub seal: Seal,
}

impl Rewrite {
    /// How many records name the person.
    pub fn count(&self, log: &Log) -> anyhow::Result<u64> {
        ensure!(
            log.path.as_os_str() != "-",
            "standard input cannot be changed in place"
        );
        let name = || log.name.clone();
        let file = File::open(&log.path).with_context(name)?;
        let mut lines = Lines::new(files::unpacked(file).with_context(name)?.0);
        let mut count = 0;
        while let Some(raw) = lines.next().with_context(name)? {
            if self.erased(raw.bytes).is_some() {
                count += 1;
            }
        }
        Ok(count)
    }

    /// Writes the file anew beside itself, and puts it in its place.
    pub fn file(&self, log: &Log) -> anyhow::Result<()> {
        // Behind a symbolic link it is the file that is written anew, not the link.
        let path = fs::canonicalize(&log.path)?;
        let source = File::open(&path)?;
        let before = source.metadata()?;
        let folder = path.parent().context("a file without a folder")?;
        let mut target = NamedTempFile::new_in(folder)?;
        let (reader, packing) = files::unpacked(source)?;
        match packing {
            Packing::Plain => self.copy(Lines::new(reader), BufWriter::new(&mut target))?,
            Packing::Gzip => {
                let level = flate2::Compression::default();
                let mut packer = flate2::write::GzEncoder::new(BufWriter::new(&mut target), level);
                self.copy(Lines::new(reader), &mut packer)?;
                packer.finish()?.flush()?;
            }
            Packing::Zstd => {
                let mut packer = zstd::stream::write::Encoder::new(BufWriter::new(&mut target), 0)?;
                self.copy(Lines::new(reader), &mut packer)?;
                packer.finish()?.flush()?;
            }
        }
        target.as_file().set_permissions(before.permissions())?;
        keep_owner(target.as_file(), &before)?;
        target.as_file().sync_all()?;
        let now = fs::metadata(&path)?;
        if (now.len(), now.modified()?) != (before.len(), before.modified()?) {
            bail!("was written to meanwhile: rotate it first, then erase in the rotated file");
        }
        target.persist(&path)?;
        // The file's new name is durable only when its folder is.
        File::open(folder)?.sync_all()?;
        Ok(())
    }

    fn copy(&self, mut lines: Lines<Box<dyn io::Read>>, mut out: impl Write) -> anyhow::Result<()> {
        let mut count = 0_u64;
        let mut ended = true;
        while let Some(raw) = lines.next()? {
            ensure!(
                !raw.too_long,
                "a line is too long to be a record; it is left alone, and so is the file"
            );
            if let Some(erased) = self.erased(raw.bytes) {
                count += 1;
                out.write_all(erased.as_bytes())?;
            } else {
                out.write_all(raw.bytes)?;
            }
            if raw.ended {
                out.write_all(b"\n")?;
            }
            ended = raw.ended;
        }
        if !ended {
            // The record of the erasure must not become part of a line that was cut.
            out.write_all(b"\n")?;
        }
        writeln!(out, "{}", self.record(count)?)?;
        out.flush()?;
        Ok(())
    }

    fn erased(&self, bytes: &[u8]) -> Option<String> {
        self.filter.record(bytes)?;
        Line::parse(bytes)?.erased()
    }

    /// The record of the erasure: a chain of its own, which names nobody.
    fn record(&self, count: u64) -> anyhow::Result<String> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let now = Timestamp::from_nanos(u64::try_from(since.as_nanos())?);
        // The order of the members is that of all records: the time first.
        let body = format!(
            r#"{{"timestamp":"{}","event_type":"erasure","erasure":{}}}"#,
            now.to_rfc3339(),
            json!({ "records": count })
        );
        let link = Link {
            id: &portcullis_audit::hex(&id),
            seq: 0,
            prev: NOTHING,
        };
        Ok(line::sealed(&body, link, &self.seal))
    }
}

#[cfg(unix)]
fn keep_owner(file: &File, like: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let now = file.metadata()?;
    if (now.uid(), now.gid()) == (like.uid(), like.gid()) {
        return Ok(());
    }
    fchown(file, Some(like.uid()), Some(like.gid()))
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// A process that has the file open for writing would go on writing to the old one, which nobody can find any more. Only Linux tells, and only of
/// processes that one may look at; the file's size and time are compared in any case.
pub(super) fn nobody_writes(path: &Path) -> anyhow::Result<()> {
    let wanted = fs::canonicalize(path)?;
    let Ok(processes) = fs::read_dir("/proc") else {
        return Ok(());
    };
    for process in processes.flatten() {
        let folder = process.path();
        let number = process.file_name().to_string_lossy().into_owned();
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let Ok(open) = fs::read_dir(folder.join("fd")) else {
            continue;
        };
        for one in open.flatten() {
            if fs::read_link(one.path()).is_ok_and(|target| target == wanted)
                && writes(&folder, &one.file_name().to_string_lossy())
            {
                let name = fs::read_to_string(folder.join("comm")).unwrap_or_default();
                bail!(
                    "{} (process {number}) is writing to it: rotate it first, then erase in the rotated file",
                    name.trim()
                );
            }
        }
    }
    Ok(())
}

/// Whether a file is open for writing: the last bits of `flags` in proc(5)'s fdinfo, in octal.
fn writes(process: &Path, number: &str) -> bool {
    const ACCESS_MODE: u32 = 0o3;
    let info = fs::read_to_string(process.join("fdinfo").join(number)).unwrap_or_default();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|text| u32::from_str_radix(text.trim(), 8).ok());
    flags.is_some_and(|flags| flags & ACCESS_MODE != 0)
}
