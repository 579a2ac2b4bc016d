//! How far a scan is, for people who wait for it.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;

/// Scans of so many files or bytes show how far they are.
const FILES_SHOWN: usize = 100;
const BYTES_SHOWN: u64 = 8 * 1024 * 1024;

/// A bar on standard error, in bytes; hidden when nobody looks or it would be over at once.
pub(super) fn bar(files: usize, bytes: u64) -> ProgressBar {
    let is_long = files >= FILES_SHOWN || bytes >= BYTES_SHOWN;
    if !is_long || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{bar:40} {bytes}/{total_bytes}, {eta} left {wide_msg}";
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes).with_style(style)
}
