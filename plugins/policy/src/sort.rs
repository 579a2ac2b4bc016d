//! Sorting for what is sorted seldom. The standard library's sort is made anew for each type, 4 to 13 KiB of WebAssembly each time; here
//! one instance sorts positions, and only moving the items is made for each type.

use std::cmp::Ordering;

/// Sorts stably, as `[T]::sort_by` does.
pub fn sort_by<T>(items: &mut Vec<T>, order: impl Fn(&T, &T) -> Ordering) {
    let by_place = |one: usize, other: usize| match (items.get(one), items.get(other)) {
        (Some(one), Some(other)) => order(one, other),
        _ => Ordering::Equal,
    };
    let Some(places) = sorted(items.len(), &by_place) else {
        return;
    };
    let mut taken: Vec<Option<T>> = std::mem::take(items).into_iter().map(Some).collect();
    items.extend(
        places
            .into_iter()
            .filter_map(|place| taken.get_mut(place)?.take()),
    );
}

/// Sorts stably by a key.
pub fn sort_by_key<T, K: Ord>(items: &mut Vec<T>, key: impl Fn(&T) -> K) {
    sort_by(items, |one, other| key(one).cmp(&key(other)));
}

/// Positions `0..len` in order; `None` when they are in order as they are.
#[inline(never)]
fn sorted(len: usize, order: &dyn Fn(usize, usize) -> Ordering) -> Option<Vec<usize>> {
    if (1..len).all(|place| order(place - 1, place).is_le()) {
        return None;
    }
    // Merging runs that double in length: a tenth of the standard library's code.
    let mut places: Vec<usize> = (0..len).collect();
    let mut merged = Vec::with_capacity(len);
    let mut run = 1;
    while run < len {
        for runs in places.chunks(2 * run) {
            merge(
                runs.split_at_checked(run).unwrap_or((runs, &[])),
                order,
                &mut merged,
            );
        }
        std::mem::swap(&mut places, &mut merged);
        merged.clear();
        run *= 2;
    }
    Some(places)
}

/// Adds two runs that are in order, as one; of equals the first run's come first.
fn merge(
    (mut first, mut second): (&[usize], &[usize]),
    order: &dyn Fn(usize, usize) -> Ordering,
    merged: &mut Vec<usize>,
) {
    while let ([one, others @ ..], [other, behind @ ..]) = (first, second) {
        if order(*one, *other).is_le() {
            merged.push(*one);
            first = others;
        } else {
            merged.push(*other);
            second = behind;
        }
    }
    merged.extend_from_slice(first);
    merged.extend_from_slice(second);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sorts_as_the_standard_library_does(items in proptest::collection::vec((0u8..9, any::<u8>()), 0..60)) {
            let (mut ours, mut theirs) = (items.clone(), items);
            sort_by_key(&mut ours, |(key, _)| *key);
            theirs.sort_by_key(|(key, _)| *key);
            prop_assert_eq!(ours, theirs);
        }
    }
}
