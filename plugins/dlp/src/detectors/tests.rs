//! The list of detectors, and its groups.

use super::*;
use std::collections::BTreeSet;

#[test]
fn lists_are_sorted_and_names_are_no_groups() {
    for list in [
        DETECTORS,
        &keys::KEYS,
        checked_numbers::NUMBERS,
        turned::TURNED,
        turned_numbers::TURNED_NUMBERS,
    ] {
        assert!(list.is_sorted_by(|a, b| a.name <= b.name));
    }
    let names: BTreeSet<_> = all().map(|detector| detector.name).collect();
    assert!(
        ["all", "secrets", "pii", "pci"]
            .iter()
            .all(|group| !names.contains(group))
    );
    assert!(keys::KEYS.len() >= 200);
}

#[test]
fn keywords_are_worth_looking_for() {
    for detector in all() {
        if let Trigger::Marks(shapes) = detector.trigger {
            assert!(
                shapes.marks().all(|mark| mark.len() >= 3),
                "{}",
                detector.name
            );
        }
        if let Trigger::Keywords(words) | Trigger::KeywordsAnyCase(words) = detector.trigger {
            assert!(
                words.iter().all(|word| word.len() >= 3),
                "{}",
                detector.name
            );
        }
        if let Trigger::KeywordsAnyCase(words) = detector.trigger {
            assert!(
                words
                    .iter()
                    .all(|word| !word.is_empty() && word.to_ascii_lowercase() == *word),
                "{}",
                detector.name
            );
        }
    }
}

#[test]
fn groups() {
    assert_eq!(named("npi").len(), 1);
    assert!(
        named("pci")
            .iter()
            .all(|detector| detector.group == Group::Pci)
    );
    assert!(named("all").len() >= named("secrets").len() + named("pii").len());
    assert!(
        !named("all")
            .iter()
            .any(|detector| detector.name == "ip_address")
    );
    assert_eq!(named("nothing").len(), 0);
}
