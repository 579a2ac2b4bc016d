//! Verifying lines in memory, for tests.

use super::super::line::Line;
use super::chains::Chains;
use super::report::{Problem, Report};
use super::{Claim, Head};
use portcullis_audit::seal::Seal;

/// A head that was kept elsewhere.
#[derive(Debug, Clone)]
pub(in crate::audit) struct Kept(Claim);

/// How often each kind of problem was found, by its name.
pub(in crate::audit) fn problems(
    lines: &[String],
    seal: &Seal,
    kept: &[Kept],
    collector: bool,
) -> Vec<String> {
    let mut chains = Chains::new(false, collector);
    kept.iter().for_each(|head| chains.claim(head.0.clone()));
    let mut report = Report::default();
    for text in lines {
        match Line::parse(text.as_bytes()) {
            Some(line) => {
                let holds = line.holds(seal);
                chains.take(&line, text.as_bytes(), holds, &mut report);
            }
            None => report.problem(Problem::NoRecord),
        }
    }
    chains.finish(&mut report);
    report.kinds()
}

/// The heads of a log.
pub(in crate::audit) fn heads(lines: &[String]) -> Vec<Kept> {
    let mut heads: std::collections::BTreeMap<String, Kept> = std::collections::BTreeMap::new();
    for text in lines {
        let line = Line::parse(text.as_bytes()).unwrap();
        let head = Head {
            id: line.link.id.to_owned(),
            seq: line.link.seq,
            mac: line.mac.to_owned(),
            delivered: None,
        };
        heads.insert(line.link.id.to_owned(), Kept(head.claim().unwrap()));
    }
    heads.into_values().collect()
}
