//! Check digits.

/// The sum of digits, each times the weight of its place.
#[inline(never)]
pub(super) fn sum(digits: &[u8], weights: &[u8]) -> u32 {
    digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| value(*digit) * u32::from(*weight))
        .sum()
}

/// Whether the digit behind those that have weights is 11 less their sum modulo 11, or 0 where that is 10 or 11.
pub(super) fn double_check(digits: &[u8], weights: &[u8]) -> bool {
    let check = match sum(digits, weights) % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    check == at(digits, weights.len())
}

/// The value of an ASCII digit.
pub(super) fn value(digit: u8) -> u32 {
    u32::from(digit.wrapping_sub(b'0'))
}

/// The digit at an index.
pub(super) fn at(digits: &[u8], index: usize) -> u32 {
    digits.get(index).copied().map_or(0, value)
}

/// The number that digits from `from` to before `to` stand for, modulo 2³².
#[inline(never)]
pub(super) fn number(digits: &[u8], from: usize, to: usize) -> u32 {
    digits
        .get(from..to)
        .unwrap_or_default()
        .iter()
        .fold(0, |sum: u32, digit| {
            sum.wrapping_mul(10).wrapping_add(value(*digit))
        })
}

/// Luhn's check (ISO/IEC 7812-1, annex B) over all digits, the last being the check digit.
#[inline(never)]
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| match (index % 2, value(*digit)) {
            (0, value) => value,
            (_, value @ 0..=4) => 2 * value,
            (_, value) => 2 * value - 9,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Verhoeff's check over all digits, the last being the check digit.
#[inline(never)]
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    const PERMUTATION: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    // The dihedral group of order ten: below five rotations, above reflections.
    let multiply = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let check = digits
        .iter()
        .rev()
        .enumerate()
        .fold(0, |check, (index, digit)| {
            let mut permuted = value(*digit);
            for _ in 0..index % 8 {
                permuted = PERMUTATION
                    .get(permuted as usize)
                    .copied()
                    .map_or(0, u32::from);
            }
            multiply(check, permuted)
        });
    check == 0
}

/// ISO 7064, MOD 97-10, over digits and letters (A = 10 … Z = 35): the remainder.
pub(super) fn mod97(characters: impl Iterator<Item = u8>) -> u32 {
    characters.fold(0, |remainder, character| match character {
        b'0'..=b'9' => (remainder * 10 + value(character)) % 97,
        _ => {
            (remainder * 100
                + 10
                + u32::from(character.to_ascii_uppercase().wrapping_sub(b'A') % 26))
                % 97
        }
    })
}

/// ISO 7064, MOD 11,10, over all digits, the last being the check digit.
#[inline(never)]
pub(super) fn mod11_10(digits: &[u8]) -> bool {
    let Some((last, body)) = digits.split_last() else {
        return false;
    };
    let product = body.iter().fold(10, |product, digit| {
        let sum = match (value(*digit) + product) % 10 {
            0 => 10,
            sum => sum,
        };
        sum * 2 % 11
    });
    (11 - product) % 10 == value(*last)
}

/// Whether a day and a month can be.
pub(super) fn is_day(day: u32, month: u32) -> bool {
    (1..=12).contains(&month) && (1..=31).contains(&day)
}

/// Whether all digits are the same.
#[inline(never)]
pub(super) fn is_uniform(digits: &[u8]) -> bool {
    digits
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if a == b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples() {
        assert!(luhn(b"79927398713") && !luhn(b"79927398710"));
        assert!(verhoeff(b"2363") && !verhoeff(b"2364"));
        assert!(verhoeff(b"123451") && !verhoeff(b"123456"));
        assert_eq!(mod97(b"3214282912345698765432161182".iter().copied()), 1);
        assert!(mod11_10(b"07945") && !mod11_10(b"07946"));
    }
}
