//! Policies in documents: what somebody copies from there is accepted.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use common::{Run, root};
use std::path::PathBuf;

/// What a policy can begin with.
const SECTIONS: [&str; 8] = [
    "version:", "envoy:", "auth:", "teams:", "limits:", "dlp:", "audit:", "alerts:",
];

/// What stands in documents for something longer, and what it stands for; one after the other.
const SHORT: [(&str, &str); 3] = [
    ("5e88…42d8", DIGEST),
    ("…,", "user: somebody, sha256: <64 hex digits>,"),
    ("<64 hex digits>", DIGEST),
];

const DIGEST: &str = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8";

/// README and everything in `docs`.
fn documents() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(root().join("docs")).unwrap();
    let pages = folder.map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    [root().join("README.md")]
        .into_iter()
        .chain(pages)
        .collect()
}

/// The policies of a page.
fn policies(page: &str) -> Vec<String> {
    let blocks = page.split("```yaml\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("\n```").next().unwrap());
    let policies = blocks.filter(|block| {
        let mut lines = block.lines();
        lines.any(|line| SECTIONS.iter().any(|section| line.starts_with(section)))
    });
    let whole = |block: &str| {
        SHORT.iter().fold(block.to_owned(), |text, (short, long)| {
            text.replace(short, long)
        })
    };
    policies.map(whole).collect()
}

#[test]
fn policies_in_documents_are_accepted() {
    let mut found = 0;
    for document in documents() {
        let page = std::fs::read_to_string(&document).unwrap();
        for policy in policies(&page) {
            found += 1;
            let output = Run::new(&["check", "-"]).stdin(&policy).output();
            let errors = output
                .stdout
                .lines()
                .filter(|line| line.contains(": error: "));
            // Some show one section, and a team of another.
            let errors: Vec<&str> = errors
                .filter(|line| !line.contains("team_id of a team"))
                .collect();
            assert!(
                output.stderr.is_empty(),
                "{}: {}",
                document.display(),
                output.stderr
            );
            assert!(
                errors.is_empty(),
                "{}: {errors:#?}\n{policy}",
                document.display()
            );
        }
    }
    assert!(found >= 7, "{found} policies");
}
