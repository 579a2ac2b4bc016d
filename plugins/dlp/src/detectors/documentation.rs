//! `docs/detectors.md`: every detector with its shape, what proves a match, and its source, written from the detectors themselves.

use super::checked_numbers::WHAT;
use super::class::Class;
use super::keys::KEYS;
use super::packed::Form;
use super::shape::{Piece, Run, literal as text_of};
use super::{Detector, Find, Grade, Group, all};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const INTRODUCTION: &str = "\
# The built-in detectors

A rule names one, or a group: `secrets`, `pii`, `pci`, `all`.

```yaml
dlp:
  rules:
    - { detector: secrets, action: block }
    - { detector: payment_card, action: redact }
    - { detector: email, action: mask }
    - { detector: generic_secret, action: redact }   # by its name it acts; through a group it only flags
```

*Flags* means that through a group the detector only flags, whatever the rule's action, because it is a guess; *alone* that no group takes it in.
Where a form proves nothing by itself (bare digits), a word shortly before it must say what it is; the detector's row or file in
`plugins/dlp/src/detectors/` says which.

Not looked for, though other scanners (gitleaks, kingfisher, Nosey Parker) have rules for it: names of hosts, tenants, accounts, buckets and users; ids of
clients, apps and resources; public keys; passwords that are words of one kind, where nothing assigns them. A random value with no form of its own is found
where its name says key, token, secret, password or one of some fifty vendors (`generic_secret`, which flags).

Addresses at `example.com` and `.test` (RFC 2606), numbers that are kept for films (555-0100 to 555-0199) and card networks' own test numbers (`4111 1111
1111 1111`) are found like all others: whoever sets a rule up tries it out with these, and a rule that passes them looks like one that does not work. Who
does not want to see them lists them in the rule's `allow`. Of keys the opposite holds: what vendors' documents print ends in `EXAMPLE` or `xxxx`, is pasted
into chats every day, and is no secret.
";

const KEYS_INTRODUCTION: &str = "\
One row each in `plugins/dlp/src/detectors/keys/`, all in group `secrets`. Shapes are written as regular expressions. A match begins and ends with a
word, and what is random in it has at least so many bits of entropy a character. Sources: the vendors' own documents of their keys, and the secret
types that code hosts [scan for](https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns) on
their behalf.
";

#[test]
fn is_what_the_detectors_are() {
    expect_test::expect_file!["../../../../docs/detectors.md"].assert_eq(&page());
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut rows: BTreeMap<&str, &Detector> = BTreeMap::new();
    for detector in all() {
        rows.entry(detector.name).or_insert(detector);
    }
    let is_key = |detector: &Detector| KEYS.iter().any(|key| key.name == detector.name);
    let table = |page: &mut String, title: &str, belongs: &dyn Fn(&Detector) -> bool| {
        let _ = write!(
            page,
            "\n## {title}\n\n| name | group | | what, proof, source |\n|---|---|---|---|\n"
        );
        for (name, detector) in rows.iter().filter(|(_, detector)| belongs(detector)) {
            let _ = writeln!(
                page,
                "| `{name}` | `{}` | {} | {} |",
                group(detector),
                note(detector),
                what(name)
            );
        }
    };
    table(&mut page, "Personal data and payment", &|detector| {
        detector.group != Group::Secrets
    });
    table(&mut page, "Secrets with a form of their own", &|detector| {
        detector.group == Group::Secrets && !is_key(detector)
    });
    let _ = write!(
        page,
        "\n## Keys known by a prefix, a middle or an end\n\n{KEYS_INTRODUCTION}\n| name | shapes | bits |\n|---|---|---|\n"
    );
    for key in KEYS.iter() {
        let Find::Key(shapes) = key.find else {
            unreachable!("{} is a row of keys", key.name)
        };
        let mut forms: Vec<_> = shapes.map(|shape| form(&shape)).collect();
        forms.dedup();
        let bits = shapes.map(|shape| shape.centibits_min).min();
        let bits = f64::from(bits.unwrap_or_default()) / 100.0;
        let _ = writeln!(page, "| `{}` | {} | {bits} |", key.name, forms.join("<br>"));
    }
    page
}

const fn group(detector: &Detector) -> &'static str {
    match detector.group {
        Group::Secrets => "secrets",
        Group::Pii => "pii",
        Group::Pci => "pci",
    }
}

const fn note(detector: &Detector) -> &'static str {
    match detector.grade {
        Grade::Precise => "",
        Grade::Likely => "flags",
        Grade::Named => "alone",
    }
}

/// What its row says, or the first paragraph of its file.
fn what(name: &str) -> String {
    if let Some((_, what)) = WHAT.iter().find(|(of, _)| *of == name) {
        return cell(what);
    }
    let file = format!("{}/src/detectors/{name}.rs", env!("CARGO_MANIFEST_DIR"));
    let source = std::fs::read_to_string(&file).expect("a detector's file has its name");
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let paragraph: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    assert!(!paragraph.is_empty(), "{file} says what it finds");
    cell(&paragraph.concat())
}

fn cell(text: &str) -> String {
    text.trim().trim_end_matches('.').replace('|', "\\|")
}

/// A shape as a regular expression.
fn form(shape: &Form) -> String {
    let mut form = shape.head.map(|head| run(&head)).unwrap_or_default();
    let literal = |text: &str| {
        text.replace('.', "\\.")
            .replace('$', "\\$")
            .replace('|', "\\|")
    };
    form.push_str(&if shape.mark.is_empty() {
        "[0-9]+".to_owned()
    } else {
        literal(std::str::from_utf8(shape.mark).unwrap())
    });
    for piece in shape.pieces {
        form.push_str(&match piece {
            Piece::Run(piece) => run(&piece),
            Piece::Text(number) => literal(text_of(number)),
        });
    }
    format!("`{form}`")
}

fn run(run: &Run) -> String {
    let counts = match (run.min(), run.max()) {
        (min, max) if min == max => format!("{min}"),
        (min, 2048) => format!("{min},"),
        (min, max) => format!("{min},{max}"),
    };
    format!("[{}]{{{counts}}}", characters(run.class()))
}

/// The ranges of an alphabet, `-` at the end.
fn characters(class: &Class) -> String {
    let has = |byte: u8| class.has(byte) && byte != b'-';
    let mut ranges = String::new();
    let mut byte = 0;
    while byte < 128 {
        let first = byte;
        while has(byte) {
            byte += 1;
        }
        match byte - first {
            0 => byte += 1,
            1..=2 => (first..byte).for_each(|byte| ranges.push(char::from(byte))),
            _ => ranges.extend([char::from(first), '-', char::from(byte - 1)]),
        }
    }
    if class.has(b'-') {
        ranges.push('-');
    }
    ranges.replace('|', "\\|")
}
