//! Values of a Kubernetes secret's manifest: base64 under `data` (<https://kubernetes.io/docs/concepts/configuration/secret/>).

use super::class::{BASE64, Class};
use super::{Context, Detector, Find, Grade, Group, Outcome, Trigger};
use std::ops::Range;

pub(super) const KUBERNETES_SECRET: Detector = Detector {
    name: "kubernetes_secret",
    group: Group::Secrets,
    grade: Grade::Precise,
    dense: false,
    opaque: false,
    trigger: Trigger::KeywordsAnyCase(&[
        "kind: secret",
        "kind: \"secret\"",
        "kind: 'secret'",
        "kind:secret",
    ]),
    find: Find::Code(find),
};

/// How far before `kind` the data are looked for: as far as a detector sees.
const BEFORE_BYTES: usize = 240;
/// How far behind.
const BEHIND_BYTES: usize = 1024;
/// The shortest value: six characters.
const VALUE_BYTES_MIN: usize = 8;

const NAME: Class = Class::of("0-9A-Za-z._\\-");
const WHITE: Class = Class::of(" \t\r\n");
const BLOCK: Class = Class::of("|>+\\-");
const QUOTES: Class = Class::of("\"'");

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    if context.byte(at.end).is_some_and(|byte| NAME.has(byte)) {
        return Outcome::None;
    }
    // `---` stands between manifests.
    let mut before = at.start.saturating_sub(BEFORE_BYTES);
    let text = context.bytes(before..at.start);
    if let Some(end) = text.windows(3).rposition(|part| part == b"---") {
        before += end;
    }
    if let Some(found) = data(context, before..at.start) {
        return Outcome::Match(found);
    }
    // The last value decides where the match ends, so all that is in reach must be there.
    let behind = at.end + BEHIND_BYTES;
    if context.is_open(behind) {
        return Outcome::Undecided;
    }
    let behind = behind.min(context.text.len());
    let text = context.bytes(at.end..behind);
    let end = text.windows(3).position(|part| part == b"---");
    let end = end.map_or(behind, |end| at.end + end);
    data(context, at.end..end).map_or(Outcome::None, Outcome::Match)
}

/// The values under `data:`, from the first to the last of a row, names between them.
fn data(context: &Context<'_>, range: Range<usize>) -> Option<Range<usize>> {
    let mark = b"data:";
    let text = context.bytes(range.clone());
    let places = text.windows(mark.len()).enumerate();
    for (place, _) in places.filter(|(_, part)| *part == mark) {
        let at = range.start + place;
        let is_key = !context.before(at).is_some_and(|byte| NAME.has(byte));
        if let Some(found) = is_key
            .then(|| values(context, at + mark.len(), range.end))
            .flatten()
        {
            return Some(found);
        }
    }
    None
}

fn values(context: &Context<'_>, from: usize, limit: usize) -> Option<Range<usize>> {
    let mut found: Option<Range<usize>> = None;
    let mut position = from;
    while position < limit {
        let name = context.run_of(position, 64, &WHITE);
        let colon = context.run_of(name, 64, &NAME);
        if context.byte(colon) != Some(b':') || colon == name {
            break;
        }
        let mut start = context.run_of(colon + 1, 64, &WHITE);
        start = context.run_of(start, 2, &BLOCK);
        start = context.run_of(start, 64, &WHITE);
        start = context.run_of(start, 1, &QUOTES);
        let end = context.run_of(start, 4096, &BASE64).min(limit);
        let value = context.bytes(start..end);
        let ends = context
            .byte(end)
            .is_none_or(|byte| byte.is_ascii_whitespace() || QUOTES.has(byte));
        if value.len() < VALUE_BYTES_MIN || !ends {
            break;
        }
        found = Some(found.map_or(start, |found| found.start)..end);
        position = context.run_of(end, 1, &QUOTES);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_data() {
        check(
            "kubernetes_secret",
            "apiVersion: v1\nkind: Secret\ndata:\n  password: «MWYyZDFlMmU2N2Rm»\n",
        );
        check(
            "kubernetes_secret",
            "apiVersion: \"v1\"\ndata:\n\textra: \"«YWRtaW46cGFzc3dvcmQ=»\"\nkind: \"secret\"\nmetadata:\n",
        );
        check(
            "kubernetes_secret",
            "kind: Secret\ntype: kubernetes.io/dockercfg\ndata:\n  .dockercfg: |\n    «eyJhdXRocyI6eyJodHRwczov»\n",
        );
    }

    #[test]
    fn leaves_references() {
        check(
            "kubernetes_secret",
            "kind: Secret\nname: a\n---\nkind: SecretStore\ndata:\n  a: MWYyZDFlMmU2N2Rm",
        );
        check(
            "kubernetes_secret",
            "kind: Secret\ndata:\n  password: ${PASSWORD}\n  user: <base64>\n",
        );
    }
}
