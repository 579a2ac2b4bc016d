//! Words that stand where a password would stand: what names one, or says that there is none.

use super::entropy::is_placeholder;

const WORDS: [&[u8]; 49] = [
    b"argon2id",
    b"changeit",
    b"confirm",
    b"db_password",
    b"default",
    b"disabled",
    b"enabled",
    b"encrypted",
    b"false",
    b"forgotten",
    b"function",
    b"hash",
    b"incorrect",
    b"invalid",
    b"mypass",
    b"mypassword",
    b"mysecret",
    b"new_password",
    b"newpassword",
    b"none",
    b"null",
    b"old_password",
    b"oldpassword",
    b"optional",
    b"p",
    b"pass",
    b"passphrase",
    b"passwd",
    b"password",
    b"password_hash",
    b"passwort",
    b"pw",
    b"pwd",
    b"required",
    b"root_password",
    b"secret",
    b"some_password",
    b"string",
    b"test",
    b"token",
    b"true",
    b"undefined",
    b"user",
    b"user_password",
    b"username",
    b"userpassword",
    b"varchar",
    b"xxx",
    b"yourpassword",
];

/// What a value begins with that is put there by a shell, a template or a reader.
const REFERENCES: &[u8] = b"$<{%*[";

/// Whether a value only stands for a secret: such a word, a reference to where one is kept, what documentation puts there.
pub(super) fn stands_in(value: &[u8]) -> bool {
    is_reference(value) || is_stand_in(value) || is_placeholder(value)
}

/// Whether a value is such a word, in any case.
pub(super) fn is_stand_in(value: &[u8]) -> bool {
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(value))
}

/// Whether a value only refers to one: `$PASSWORD`, `<password>`, `{{ password }}`.
pub(super) fn is_reference(value: &[u8]) -> bool {
    value.first().is_some_and(|byte| REFERENCES.contains(byte))
}

/// How many kinds of characters: small letters, capitals, digits, signs that no name has.
pub(super) fn kinds(value: &[u8]) -> usize {
    let has = |class: fn(&u8) -> bool| usize::from(value.iter().any(class));
    has(u8::is_ascii_lowercase)
        + has(u8::is_ascii_uppercase)
        + has(u8::is_ascii_digit)
        + has(|byte| byte.is_ascii_punctuation() && !matches!(byte, b'_' | b'-' | b'.'))
}
