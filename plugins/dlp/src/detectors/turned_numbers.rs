//! Numbers, and private keys, that somebody wrote backwards or in rot13 to get them past. Only in forms that say enough both ways: a card's and a
//! social security number's groups with dashes, an account number's letters at its end, a telephone number's `+`.

use super::class::Class;
use super::number::{begins, ends};
use super::private_key::{BODY, PROOF_BYTES};
use super::runs::{AnyBefore, AnyBehind, Run};
use super::{
    Before, Context, Detector, Find, Grade, Group, Latch, Lengths, Outcome, Trigger, iban,
    payment_card, phone, ssn,
};
use std::ops::Range;

/// Sorted by name.
pub(super) const TURNED_NUMBERS: &[Detector] = &[
    Detector {
        dense: false,
        opaque: false,
        trigger: Trigger::Digits(Lengths::range(12, 31), Before::Other),
        find: Find::Run(
            find_iban,
            &[Run::within(
                Lengths::range(12, 31),
                AnyBefore::START,
                AnyBehind::LETTER,
            )],
        ),
        ..iban::IBAN
    },
    Detector {
        dense: false,
        opaque: false,
        trigger: Trigger::Digits(Lengths::one(4), Before::Other),
        find: Find::Run(
            find_card,
            &[Run::group(4, b"-", Lengths::one(4)).and(b"-", Lengths::one(4))],
        ),
        ..payment_card::PAYMENT_CARD
    },
    Detector {
        dense: false,
        trigger: Trigger::Digits(Lengths::range(1, 3), Before::Other),
        find: Find::Run(
            find_phone,
            &[Run::within(
                Lengths::range(1, 3),
                AnyBefore::SIGN,
                AnyBehind::signs(b"+"),
            )],
        ),
        ..phone::PHONE
    },
    Detector {
        name: "private_key",
        group: Group::Secrets,
        grade: Grade::Precise,
        dense: false,
        opaque: false,
        trigger: Trigger::Keywords(&["CEVINGR XRL-----", "-----YEK ETAVIRP"]),
        find: Find::Code(find_block),
    },
    Detector {
        dense: false,
        opaque: false,
        trigger: Trigger::Digits(Lengths::one(4), Before::Other),
        find: Find::Run(
            find_ssn,
            &[Run::group(4, b"-", Lengths::one(2)).and(b"-", Lengths::one(3))],
        ),
        ..ssn::SSN
    },
];

/// The longest token that is turned.
const TOKEN_BYTES_MAX: usize = 40;

/// `9934-09-635`.
fn find_ssn(context: &Context<'_>) -> Outcome {
    // `2017-06-170` begins with a date.
    let is_date = matches!(
        context.bytes(context.at.start..context.at.start + 7),
        [b'1', b'9', _, _, _, b'0' | b'1', _] | [b'2', b'0', _, _, _, b'0' | b'1', _]
    );
    if is_date {
        return Outcome::None;
    }
    grouped(context, b"dddd-dd-ddd", 3, ssn::SSN)
}

/// `1881-8888-8888-2104`.
fn find_card(context: &Context<'_>) -> Outcome {
    grouped(
        context,
        b"dddd-dddd-dddd-dddd",
        4,
        payment_card::PAYMENT_CARD,
    )
}

/// A number of just this form, whose last group is the first of the one that it is backwards.
fn grouped(context: &Context<'_>, form: &[u8], first: usize, detector: Detector) -> Outcome {
    let start = context.at.start;
    let rest = context.text.get(start..).unwrap_or_default();
    for (byte, form) in rest.iter().zip(form) {
        let fits = match form {
            b'd' => byte.is_ascii_digit(),
            form => byte == form,
        };
        if !fits {
            return Outcome::None;
        }
    }
    let end = start + form.len();
    if context.is_open(end + 1) {
        return Outcome::Undecided;
    }
    // `id-gost-3410-12-256-a` is a name.
    let is_part = context.before(start) == Some(b'-') || context.byte(end) == Some(b'-');
    if end > context.text.len()
        || is_part
        || !begins(context, start)
        || ends(context, end) != Some(true)
    {
        return Outcome::None;
    }
    turned(context, start..end, 0..first, detector)
}

/// `00031023504400407398ED`.
fn find_iban(context: &Context<'_>) -> Outcome {
    let (start, end) = (context.at.start, context.at.end + 2);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let country = context.bytes(context.at.end..end);
    if country.len() < 2 || !country.iter().all(u8::is_ascii_uppercase) || !context.ends_word(end) {
        return Outcome::None;
    }
    turned(context, start..end, 2..2 + context.at.len(), iban::IBAN)
}

/// `7810-555-212 1+`.
fn find_phone(context: &Context<'_>) -> Outcome {
    let end = context.at.end + 1;
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let begin = context.run_back_of(end, TOKEN_BYTES_MAX, &const { Class::of("0-9 ().+\\-") });
    let written = context.bytes(begin..end);
    let blanks = written.iter().take_while(|byte| **byte == b' ').count();
    let start = begin + blanks;
    if !context.ends_word(end) || context.byte(end) == Some(b'+') || !context.begins_word(start) {
        return Outcome::None;
    }
    turned(context, start..end, 1..1 + context.at.len(), phone::PHONE)
}

/// What a detector finds in a token backwards, at a trigger in it.
fn turned(
    context: &Context<'_>,
    token: Range<usize>,
    trigger: Range<usize>,
    detector: Detector,
) -> Outcome {
    let backwards: Vec<u8> = context.bytes(token.clone()).iter().rev().copied().collect();
    let found = detector.find(&Context {
        text: &backwards,
        at: trigger,
        end: true,
        dense: false,
        memo: None,
    });
    match found {
        Outcome::Match(found) => Outcome::Match(token.end - found.end..token.end - found.start),
        Outcome::None | Outcome::Undecided | Outcome::Latch(_) => Outcome::None,
    }
}

/// A private key's armour: its first line in rot13, or its last one backwards, which comes first.
fn find_block(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    let is_rot13 = context.trigger().starts_with(b"C");
    let label = context.run(at.end, TOKEN_BYTES_MAX, |byte| {
        byte.is_ascii_uppercase() || matches!(byte, b' ' | b'-')
    });
    let line = context.run(label, 4, |byte| {
        matches!(byte, b'\n' | b'\r' | b'\\' | b'n')
    });
    let body = context.run(line, PROOF_BYTES, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
    });
    if context.is_open(body) {
        return Outcome::Undecided;
    }
    if line == label || body - line < PROOF_BYTES {
        return Outcome::None;
    }
    Outcome::Latch(Latch {
        range: at.start..body,
        until: if is_rot13 { "XRL-----" } else { "NIGEB-----" },
        body: BODY,
    })
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn turns_numbers_back() {
        check("ssn", "It is «9934-09-635».");
        check("payment_card", "«1881-8888-8888-2104», visa");
        check(
            "iban",
            "to «00031023504400407398ED» and «QR89370400440532013000»",
        );
        check("phone", "at «7810-555-212 1+» now");
        check(
            "private_key",
            "-----ORTVA EFN «CEVINGR XRL-----\nZVVRbjVONNXPNDRN1i1ZVqmh4kPks8PitebB\n-----RAQ EFN CEVINGR XRL-----» and",
        );
    }

    #[test]
    fn leaves_dates_and_serial_numbers() {
        check(
            "ssn",
            "2017-06-170 1999-00-123, 2024-05-01T10, 1234-56-7891, tc26-gost-3410-12-256-a",
        );
        check("payment_card", "1234-5678-9012-3456, 2104-8888-8888-1881-1");
        check("iban", "00031023504400407398EX 123456789012AB");
        check("phone", "1+1 = 2, i++, C1+ a 10 1+ 5");
        check(
            "private_key",
            "-----YEK ETAVIRP is nothing, CEVINGR XRL----- neither",
        );
    }
}
