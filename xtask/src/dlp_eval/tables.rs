//! The numbers as tables.

use std::fmt::Write as _;

use super::tally::{Counts, Share, Tally};

/// Families below so many per cent are shown.
const SHOWN_BELOW_PERCENT: f64 = 95.0;

/// What is told of each line of texts.
const COUNTED: [&str; 6] = [
    "positive",
    "found",
    "recall",
    "negative",
    "flagged",
    "precision",
];

/// All tables; of the families only those that are not found well, unless all are asked for.
pub(super) fn render(tally: &Tally, all_families: bool) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = tables(&mut out, tally, all_families);
    out
}

fn tables(out: &mut String, tally: &Tally, all_families: bool) -> std::fmt::Result {
    heading(out, "source", &COUNTED)?;
    for (source, counts) in &tally.sources {
        line(out, source, *counts)?;
    }
    for (source, families) in &tally.families {
        let is_shown = |counts: &Counts| {
            all_families
                || counts
                    .positives
                    .percent()
                    .is_some_and(|percent| percent < SHOWN_BELOW_PERCENT)
        };
        let shown: Vec<_> = families
            .iter()
            .filter(|(_, counts)| is_shown(counts))
            .collect();
        if shown.is_empty() {
            continue;
        }
        writeln!(out)?;
        heading(out, &format!("families of {source}"), &COUNTED)?;
        for (family, counts) in shown {
            line(out, family, *counts)?;
        }
    }
    for (source, spans) in &tally.spans {
        writeln!(out)?;
        heading(
            out,
            &format!("spans of {source}"),
            &["there", "found", "recall", "reported", "right", "precision"],
        )?;
        for (kind, spans) in spans {
            let cells = [cells(spans.recall), cells(spans.precision)].concat();
            row(out, kind, &cells)?;
        }
    }
    if !tally.evasions.is_empty() {
        writeln!(out)?;
        heading(out, "disguise", &["texts", "found", "recall"])?;
        let mut sum = Share::default();
        for (evasion, share) in &tally.evasions {
            sum = Share {
                total: sum.total + share.total,
                found: sum.found + share.found,
            };
            let hidden = tally
                .hidden
                .get(evasion)
                .map(|families| format!("  missed: {}", families.join(", ")))
                .unwrap_or_default();
            row(
                out,
                evasion,
                &[cells(*share).to_vec(), vec![hidden]].concat(),
            )?;
        }
        row(out, "all", &cells(sum))?;
    }
    writeln!(out)?;
    heading(out, "texts by detector", &["positive", "negative"])?;
    for (detector, counts) in &tally.detectors {
        row(
            out,
            detector,
            &[
                counts.positives.found.to_string(),
                counts.negatives.found.to_string(),
            ],
        )?;
    }
    Ok(())
}

fn line(out: &mut String, name: &str, counts: Counts) -> std::fmt::Result {
    let [positive, found, recall] = cells(counts.positives);
    let [negative, flagged, _] = cells(counts.negatives);
    row(
        out,
        name,
        &[
            positive,
            found,
            recall,
            negative,
            flagged,
            percent(counts.precision()),
        ],
    )
}

fn cells(share: Share) -> [String; 3] {
    [
        share.total.to_string(),
        share.found.to_string(),
        percent(share.percent()),
    ]
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1} %"))
}

fn heading(out: &mut String, name: &str, columns: &[&str]) -> std::fmt::Result {
    let columns: Vec<_> = columns.iter().map(|column| (*column).to_owned()).collect();
    row(out, name, &columns)
}

pub(super) fn row(out: &mut String, name: &str, cells: &[String]) -> std::fmt::Result {
    write!(out, "{name:<44}")?;
    for cell in cells {
        write!(out, "{cell:>10}")?;
    }
    writeln!(out)
}
