//! `portcullis audit heads`: the ends of all chains, to be kept where nobody who can change the log can change them.

use super::files::{self, Progress};
use super::key::KeyArgs;
use super::line::Line;
use crate::Outcome;
use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;

/// The last record of each chain: id, number and seal, one JSON object a line.
///
/// Keep them elsewhere (a ticket, another machine, a printer); `portcullis audit verify --heads` then finds whatever was cut off or written anew
/// since. Exit code: 0, or 1 when a last record does not hold.
#[derive(Debug, Args)]
pub(crate) struct Heads {
    /// Log files; rotated and compressed ones too.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    key: KeyArgs,
}

#[derive(Serialize)]
struct Head {
    id: String,
    seq: u64,
    mac: String,
    #[serde(skip)]
    holds: bool,
}

impl Heads {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let seal = self.key.seal()?;
        let logs = files::in_order(&self.files)?;
        let progress = Progress::over(&logs);
        let mut heads: BTreeMap<String, Head> = BTreeMap::new();
        for log in &logs {
            let mut lines = progress.open(log)?;
            while let Some(raw) = lines.next().with_context(|| log.name.clone())? {
                let Some(line) = Line::parse(raw.bytes) else {
                    continue;
                };
                let later = heads
                    .get(line.link.id)
                    .is_none_or(|head| head.seq < line.link.seq);
                if later {
                    let head = Head {
                        id: line.link.id.to_owned(),
                        seq: line.link.seq,
                        mac: line.mac.to_owned(),
                        holds: line.holds(&seal),
                    };
                    heads.insert(head.id.clone(), head);
                }
            }
        }
        progress.finish();
        let mut out = io::stdout().lock();
        for head in heads.values() {
            serde_json::to_writer(&mut out, head)?;
            writeln!(out)?;
        }
        for head in heads.values().filter(|head| !head.holds) {
            eprintln!("record {} of chain {} does not hold", head.seq, head.id);
        }
        Ok(if heads.values().all(|head| head.holds) {
            Outcome::Clean
        } else {
            Outcome::Found
        })
    }
}
