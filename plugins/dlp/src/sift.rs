//! Which of several short texts of a body patterns must look at one by one: one look over all that is written from the first to the last.

use crate::rules::Rules;
use crate::scope::RuleSet;
use crate::view::first_folded;
use crate::window::Window;
use portcullis_policy::{Batch, Role};

/// By their bits; `reaching` tells which rules look at texts of a role. What it says of a text does not depend on what stands beside it: where a factor
/// could be complete is looked at once more, within the text alone.
pub(crate) fn unclear(rules: &Rules, batch: Batch<'_>, reaching: impl Fn(Role) -> RuleSet) -> u64 {
    let (Some(first), Some(last)) = (batch.texts.first(), batch.texts.last()) else {
        return 0;
    };
    let begin = first.text.start;
    let Some(stretch) = batch.body.get(begin..last.text.end) else {
        return u64::MAX;
    };
    let mut unclear = 0;
    if !stretch.is_ascii() {
        for (placed, bit) in batch.texts.iter().zip(0..u64::BITS) {
            let folds = first_folded(batch.text(placed).piece).is_some();
            unclear |= u64::from(folds) << bit;
        }
    }
    let (mut rest, body) = (
        batch.texts.iter().zip(0..u64::BITS).peekable(),
        batch.body.as_bytes(),
    );
    let trigger = rules.trigger();
    let looked = trigger.each_place(stretch.as_bytes(), |place| {
        let place = begin + place;
        while rest
            .next_if(|(placed, _)| placed.text.end <= place)
            .is_some()
        {}
        if let Some((placed, bit)) = rest.peek()
            && let range = &placed.text
            && range.start <= place
        {
            let text = body.get(range.clone()).unwrap_or_default();
            let window = Window::new(text, range.start);
            let complete = trigger.goes_on(window.from(place))
                && trigger.completes(window, place, range.start);
            unclear |= u64::from(complete) << bit;
        }
    });
    if !looked {
        return u64::MAX;
    }
    for (placed, bit) in batch.texts.iter().zip(0..u64::BITS) {
        if unclear >> bit & 1 == 1 && reaching(placed.role).is_empty() {
            unclear &= !(1 << bit);
        }
    }
    unclear
}
