//! Addresses of crypto wallets: Bitcoin in base58check (<https://en.bitcoin.it/wiki/Base58Check_encoding>) and bech32/bech32m (BIP 173, BIP 350),
//! Ethereum with the checksum in its letters' case (EIP-55), or in one case where a word announces it.

use super::class::{ALNUM, HEX};
use super::runs::{AnyBefore, AnyBehind, Run};
use super::{Before, Context, Detector, Find, Grade, Group, Lengths, Outcome, Trigger};
use bech32::primitives::decode::SegwitHrpstring;
use sha2::{Digest, Sha256};
use sha3::Keccak256;

pub(super) const CRYPTO_WALLET: Detector = Detector {
    name: "crypto_wallet",
    group: Group::Pii,
    grade: Grade::Precise,
    dense: false,
    opaque: true,
    trigger: Trigger::Digits(Lengths::range(1, 3), Before::Any),
    find: Find::Run(
        find,
        &[
            Run::within(Lengths::range(1, 3), AnyBefore::SIGN, AnyBehind::LETTER)
                .first(b"13")
                .word(BASE58_CHARACTERS_MIN - 3),
            // `0x`.
            Run::within(Lengths::one(1), AnyBefore::SIGN, AnyBehind::X).first(b"0"),
        ],
    ),
};

pub(super) const CRYPTO_WALLET_BECH32: Detector = Detector {
    trigger: Trigger::Keywords(&["bc1q", "bc1p", "BC1Q", "BC1P"]),
    find: Find::Code(find_bech32),
    ..CRYPTO_WALLET
};

/// Addresses in base58 have 25 bytes: a version, 20 of a hash, 4 of a checksum.
const BASE58_BYTES: usize = 25;
/// So many bytes take so many characters.
const BASE58_CHARACTERS_MIN: usize = 26;
/// The longest segwit address (BIP 173).
const BECH32_CHARACTERS_MAX: usize = 90;

fn find(context: &Context<'_>) -> Outcome {
    let at = context.at.clone();
    match (context.byte(at.start), context.byte(at.end)) {
        (Some(b'0'), Some(b'x' | b'X')) if at.len() == 1 => find_ethereum(context),
        (Some(b'1' | b'3'), next) if next.is_some_and(|byte| byte.is_ascii_alphabetic()) => {
            find_base58(context)
        }
        _ if context.is_open(at.end) => Outcome::Undecided,
        _ => Outcome::None,
    }
}

fn find_base58(context: &Context<'_>) -> Outcome {
    let start = context.at.start;
    if !context.begins_word(start) {
        return Outcome::None;
    }
    let end = context.run_of(start, 36, &ALNUM);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let text = context.bytes(start..end);
    if !(BASE58_CHARACTERS_MIN..=35).contains(&text.len()) {
        return Outcome::None;
    }
    let mut bytes = [0_u8; BASE58_BYTES];
    if bs58::decode(text).onto(&mut bytes) != Ok(BASE58_BYTES) {
        return Outcome::None;
    }
    let (body, checksum) = bytes.split_at(BASE58_BYTES - 4);
    Outcome::match_if(
        Sha256::digest(Sha256::digest(body)).starts_with(checksum),
        start..end,
    )
}

fn find_bech32(context: &Context<'_>) -> Outcome {
    let start = context.at.start;
    if !context.begins_word(start) {
        return Outcome::None;
    }
    let end = context.run(start, BECH32_CHARACTERS_MAX + 1, |byte| {
        byte.is_ascii_alphanumeric()
    });
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let is_address = std::str::from_utf8(context.bytes(start..end))
        .is_ok_and(|text| SegwitHrpstring::new(text).is_ok());
    Outcome::match_if(is_address, start..end)
}

fn find_ethereum(context: &Context<'_>) -> Outcome {
    let start = context.at.start;
    if !context.begins_word(start) {
        return Outcome::None;
    }
    let end = context.run_of(start + 2, 41, &HEX);
    if context.is_open(end) {
        return Outcome::Undecided;
    }
    let address = context.bytes(start + 2..end);
    if address.len() != 40
        || context
            .byte(end)
            .is_some_and(|byte| byte.is_ascii_alphanumeric())
    {
        return Outcome::None;
    }
    let is_one_case =
        !address.iter().any(u8::is_ascii_lowercase) || !address.iter().any(u8::is_ascii_uppercase);
    let is_address = if is_one_case {
        context.mentions(start, &["eth", "ethereum", "wallet", "address", "erc20"])
    } else {
        is_eip55(address)
    };
    Outcome::match_if(is_address, start..end)
}

/// A letter is upper case where the digit of the lower-case address's hash is 8 or more.
fn is_eip55(address: &[u8]) -> bool {
    let hash = Keccak256::digest(address.to_ascii_lowercase());
    let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    address.iter().zip(nibbles).all(|(byte, nibble)| {
        !byte.is_ascii_alphabetic() || byte.is_ascii_uppercase() == (nibble >= 8)
    })
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;

    #[test]
    fn finds_addresses() {
        check(
            "crypto_wallet",
            "btc «1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa» «3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy» «16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ»",
        );
        check(
            "crypto_wallet",
            "«bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq» «bc1p5d7rjq7g6rdk2yhzks9smlaqtedr4dekq08ge8ztwac72sfr9rusxg3297»",
        );
        check(
            "crypto_wallet",
            "«0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed», my wallet: «0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed»",
        );
    }

    #[test]
    fn leaves_wrong_checksums() {
        check(
            "crypto_wallet",
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdp 0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        );
        check(
            "crypto_wallet",
            "commit 0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed 16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ2",
        );
    }
}
