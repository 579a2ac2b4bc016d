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
    trigger: Trigger::KeywordsAnyCase(&["apiversion"]),
    find: Find::Code(find),
};

/// How far a manifest is read. Each begins with its `apiVersion`.
const MANIFEST_BYTES_MAX: usize = 1280;
/// The shortest value: six characters.
const VALUE_BYTES_MIN: usize = 8;

const NAME: Class = Class::of("0-9A-Za-z._\\-");
const WHITE: Class = Class::of(" \t\r\n");
const BLOCK: Class = Class::of("|>+\\-");
const QUOTES: Class = Class::of("\"'");
const BLANKS: Class = Class::of(" \t\"'");

fn find(context: &Context<'_>) -> Outcome {
    let from = context.run_of(context.at.end, 2, &BLANKS);
    if context.byte(from) != Some(b':') {
        return context.lacking(from);
    }
    let to = from + MANIFEST_BYTES_MAX;
    match kind(context, from..to) {
        Some(kind) if !kind.eq_ignore_ascii_case(b"secret") => return Outcome::None,
        // The last value decides where the match ends, so all that is in reach must be there.
        _ if context.is_open(to) => return Outcome::Undecided,
        Some(_) => {}
        None => return Outcome::None,
    }
    let text = context.bytes(from..to.min(context.text.len()));
    // `---` stands between manifests.
    let end = text.windows(3).position(|part| part == b"---");
    let end = from + end.unwrap_or(text.len());
    data(context, from..end).map_or(Outcome::None, Outcome::Match)
}

/// The manifest's `kind`, as soon as it is known.
fn kind<'a>(context: &Context<'a>, range: Range<usize>) -> Option<&'a [u8]> {
    let text = context.bytes(range.start..range.end.min(context.text.len()));
    let at = text.windows(5).position(|part| part == b"kind:")?;
    let value = context.run_of(range.start + at + 5, 4, &BLANKS);
    let end = context.run_of(value, 64, &NAME);
    (!context.is_open(end)).then(|| context.bytes(value..end))
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
            "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockercfg\ndata:\n  .dockercfg: |\n    «eyJhdXRocyI6eyJodHRwczov»\n",
        );
    }

    #[test]
    fn leaves_references() {
        check(
            "kubernetes_secret",
            "apiVersion: v1\nkind: Secret\nname: a\n---\napiVersion: v1\nkind: SecretStore\ndata:\n  a: MWYyZDFlMmU2N2Rm",
        );
        check(
            "kubernetes_secret",
            "apiVersion: v1\nkind: Secret\ndata:\n  password: ${PASSWORD}\n  user: <base64>\n",
        );
    }
}
