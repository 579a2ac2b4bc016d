//! Built-in detectors: shapes of keys, numbers and addresses that a rule can name instead of a pattern.
//!
//! A detector is a [`Trigger`], which tells the scanner where it pays to look, and a function that decides what stands there. The function is
//! pure, reads only what [`Context`] shows it, and looks at each byte a bounded number of times: the scanner may call it at every trigger.
//! It sees the *folded* view of a text (format characters dropped, digits, dashes and spaces of other scripts as ASCII), never a wire format.
//!
//! **To add a detector**: one file in this folder (what the format is and who says so, a `pub(super) const … : Detector`, its function, tests)
//! and one line in [`DETECTORS`], which is sorted by name. What is only a shape needs no file: a key that is a prefix, an alphabet and a length is
//! a row in `keys/`, a number with a check digit one of `checked_numbers.rs`.

mod assigned;
mod authorization_header;
mod aws_access_key;
mod aws_secret_key;
mod azure_key;
pub(crate) mod base64;
mod checked_numbers;
mod checksum;
pub(crate) mod class;
mod cn_resident_id;
mod command_credentials;
mod context;
mod crypto_wallet;
mod curl_credentials;
mod discord_bot_token;
mod email;
mod email_in_words;
mod entropy;
mod es_nif;
mod fi_hetu;
mod fr_nir;
mod generic_secret;
mod iban;
mod ie_pps;
mod in_pan;
mod ip_address;
mod it_codice_fiscale;
mod jwt;
mod keys;
mod kubernetes_secret;
mod memo;
mod mx_curp;
mod network_device_secret;
mod number;
mod openai_key;
mod packed;
mod password;
mod password_argument;
mod password_hash;
mod payment_card;
mod pgpass_credentials;
mod phone;
mod phone_labelled;
mod private_key;
pub(crate) mod runs;
mod seed_phrase;
mod sg_nric;
mod shape;
mod specimens;
mod ssn;
mod stand_in;
mod telegram_bot_token;
mod turned;
mod turned_numbers;
mod twilio_key;
mod uk_nino;
mod url_credentials;
mod us_mbi;
mod words;

#[cfg(test)]
mod documentation;
#[cfg(test)]
mod reference;

pub(crate) use class::Class;
pub(crate) use memo::Memo;
pub(crate) use packed::Shapes;
use runs::{AnyBefore, AnyBehind, Run};
pub use specimens::{Specimens, specimens};
use std::ops::Range;
pub(crate) use words::begins_with;

/// How many bytes before a trigger a detector may count on seeing, when the text has so many.
pub(crate) const LOOK_BEHIND: usize = 256;

/// How many bytes from the trigger on a detector may ask for with [`Outcome::Undecided`]. Then it is called with [`Context::end`] and decides.
pub(crate) const LOOK_AHEAD: usize = 4096;

/// A shape that rules can name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Detector {
    /// The name that a rule's `detector` takes, and the rule's own name when it has none. Several that find one kind of data share it.
    pub(crate) name: &'static str,
    /// The kind of data it finds.
    pub(crate) group: Group,
    /// Whether naming a group takes it in.
    pub(crate) grade: Grade,
    /// Whether a match proves itself (a checksum, or a layout that chance does not produce), so that it is also searched in the dense view: the
    /// text without spaces and markup.
    pub(crate) dense: bool,
    /// Whether it is also searched in opaque texts (ids, signatures, payloads), where a detector of random strings would find one after the other.
    pub(crate) opaque: bool,
    /// Where the scanner calls `find`.
    pub(crate) trigger: Trigger,
    /// What decides what stands at a trigger.
    pub(crate) find: Find,
}

impl Detector {
    /// Decides what stands at a trigger.
    #[inline]
    pub(crate) fn find(&self, context: &Context<'_>) -> Outcome {
        match self.find {
            Find::Code(find) | Find::Traced(find) | Find::Word(find) | Find::Run(find, _) => {
                find(context)
            }
            Find::Key(shapes) => shape::find(context, shapes),
            Find::Number(plan) => checked_numbers::find(context, plan),
        }
    }
}

impl Detector {
    /// The same, at a mark of these of its shapes only.
    #[inline]
    pub(crate) fn find_of(&self, shapes: Option<Shapes>, context: &Context<'_>) -> Outcome {
        match shapes {
            Some(shapes) => shape::find(context, shapes),
            None => self.find(context),
        }
    }
}

/// How a detector decides.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Find {
    /// By a function of its own.
    Code(fn(&Context<'_>) -> Outcome),
    /// The same, and it looks at nothing behind its trigger but what [`Context::is_open`] and those that ask it have told it is known; so it is
    /// asked once, with all that is at hand, and what it needed of that tells with how much less it would have said the same.
    Traced(fn(&Context<'_>) -> Outcome),
    /// The same, and it finds nothing in the plain view behind a letter or a digit.
    Word(fn(&Context<'_>) -> Outcome),
    /// By a function of its own, at no other runs of digits than these.
    Run(fn(&Context<'_>) -> Outcome, &'static [Run]),
    /// Whether one of these shapes stands there: a row in `keys/`.
    Key(Shapes),
    /// Whether such a number stands there: a row of `checked_numbers.rs`.
    Number(&'static checked_numbers::Plan),
}

impl Detector {
    /// The kinds of runs of digits that it can find something at; none if it is not called at such runs.
    pub(crate) fn runs(&self) -> Vec<Run> {
        let Trigger::Digits(lengths, before) = self.trigger else {
            return Vec::new();
        };
        let before = before.any();
        let mut runs = match self.find {
            Find::Code(_) | Find::Traced(_) | Find::Word(_) => {
                vec![Run::within(lengths, before, AnyBehind::ANY)]
            }
            Find::Run(_, runs) => runs.to_vec(),
            Find::Key(shapes) => shape::runs(shapes, lengths),
            Find::Number(plan) => plan.runs(),
        };
        if self.dense && !runs.iter().any(|run| run.dense) {
            runs.push(Run::dense(lengths, before));
        }
        let within = |run: Run| Run {
            before: run.before.and(before),
            ..run
        };
        runs.into_iter().map(within).collect()
    }

    /// Words one of which must stand before what only they announce.
    pub(crate) fn announcing(&self) -> &'static [&'static str] {
        match (self.find, self.name) {
            (Find::Number(plan), _) => plan.words,
            (_, "payment_card") => payment_card::WORDS,
            (_, "phone") => phone::WORDS,
            (_, "ssn") => ssn::WORDS,
            _ => &[],
        }
    }

    /// Whether its [`Memo`] tells how much of the text it needed.
    pub(crate) const fn is_traced(&self) -> bool {
        matches!(self.find, Find::Key(_) | Find::Traced(_) | Find::Word(_))
    }

    /// Whether it finds nothing in the plain view at a mark of these shapes, or at its keywords, where a letter or a digit stands before.
    pub(crate) fn begins_words(&self, shapes: Option<Shapes>) -> bool {
        match (self.find, shapes) {
            (Find::Word(_), _) => true,
            (_, Some(mut shapes)) => shapes.all(|form| form.begins_words()),
            (_, None) => false,
        }
    }

    /// Whether it is called at runs of so many digits.
    pub(crate) fn takes_digits(&self, length: usize) -> bool {
        matches!(self.trigger, Trigger::Digits(lengths, _) if lengths.has(length))
    }
}

/// Groups of detectors, which a rule can name as `secrets`, `pii` and `pci`; `all` is every one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// Keys, tokens, passwords.
    Secrets,
    /// Personal data.
    Pii,
    /// Data of payment cards.
    Pci,
}

/// How much a match can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grade {
    /// Its group and `all` take it in.
    Precise,
    /// Its group and `all` take it in, but only to flag what it finds, whatever the rule's action: refusing on a guess stops honest work. A rule
    /// that names it has its action.
    Likely,
    /// Right too seldom even to flag unasked: only a rule that names it uses it.
    Named,
}

/// Where a detector is called. Matches of keywords may overlap; each one counts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trigger {
    /// At each of these byte strings.
    Keywords(&'static [&'static str]),
    /// At the marks of these shapes, which are keywords.
    Marks(Shapes),
    /// At each of these byte strings (written in lower case), whatever the case of its ASCII letters.
    KeywordsAnyCase(&'static [&'static str]),
    /// At each maximal run of ASCII digits that has one of these lengths and such a neighbor before it.
    Digits(Lengths, Before),
    /// At each `@`.
    At,
}

/// What must stand directly before a run of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// An ASCII letter.
    Letter,
    /// Neither an ASCII letter nor `_`, or the beginning of the text.
    Other,
    /// Anything.
    Any,
}

impl Before {
    /// The neighbors that are such.
    const fn any(self) -> AnyBefore {
        match self {
            Self::Letter => AnyBefore::LETTER,
            Self::Other => AnyBefore::SIGN.and(AnyBefore::UNDERSCORE.not()),
            Self::Any => AnyBefore::ANY,
        }
    }

    /// Whether this byte, or the beginning of the text, is such a neighbor.
    #[cfg(test)]
    pub(crate) fn fits(self, byte: Option<u8>) -> bool {
        match self {
            Self::Letter => byte.is_some_and(|byte| byte.is_ascii_alphabetic()),
            Self::Other => !byte.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_'),
            Self::Any => true,
        }
    }
}

/// Lengths of runs of digits: of [`Trigger::Digits`], most runs of a log have none that matters, and cost one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lengths(u32);

impl Lengths {
    /// All runs that are at least so long have one length.
    pub(crate) const LONGEST: usize = 31;

    /// None at all.
    pub(crate) const NONE: Self = Self(0);

    /// Every length.
    pub(crate) const ALL: Self = Self(u32::MAX);

    /// Each length from `min` to `max`.
    pub(crate) const fn range(min: u32, max: u32) -> Self {
        let (mut set, mut length) = (0, min);
        while length <= max && length <= Self::LONGEST as u32 {
            set |= 1 << length;
            length += 1;
        }
        Self(set)
    }

    /// One length.
    pub(crate) const fn one(length: u32) -> Self {
        Self::range(length, length)
    }

    /// These and those.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a run of so many digits is among them.
    pub(crate) fn has(self, length: usize) -> bool {
        (self.0 >> length.min(Self::LONGEST)) & 1 == 1
    }
}

/// A trigger and the text around it. All positions are bytes of `text`.
#[derive(Debug, Clone)]
pub(crate) struct Context<'a> {
    /// The folded view: at least [`LOOK_BEHIND`] bytes before the trigger when there are so many, and what is known behind it.
    pub(crate) text: &'a [u8],
    /// The keyword, the digits or the `@`.
    pub(crate) at: Range<usize>,
    /// Nothing comes behind `text` that could be waited for.
    pub(crate) end: bool,
    /// `text` is the dense view: where spaces and markup stood nothing stands, so that a word's edge proves nothing.
    pub(crate) dense: bool,
    /// What is known of the view already, and where `text` begins in it.
    pub(crate) memo: Option<(&'a Memo, usize)>,
}

/// What a detector says about a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing to find here.
    None,
    /// It depends on what follows. Never an answer to a context that has its end.
    Undecided,
    /// This is one: the bytes that a rule counts and edits, not empty.
    Match(Range<usize>),
    /// This is one, and what follows is part of it: see [`Latch`].
    Latch(Latch),
}

impl Outcome {
    /// A match of these bytes, or nothing.
    pub(crate) fn match_if(is_one: bool, range: Range<usize>) -> Self {
        if is_one {
            Self::Match(range)
        } else {
            Self::None
        }
    }
}

/// A match that can be longer than any window, such as a private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Latch {
    /// What is certain. It may be acted on at once; the bytes behind it are asked about, one after the other.
    pub(crate) range: Range<usize>,
    /// The match ends behind these bytes, which may also stand across the end of `range`…
    pub(crate) until: &'static str,
    /// …or before the first byte that is not one of its body, or with the text.
    pub(crate) body: Class,
}

/// The detectors that have a file of their own, sorted by name; the rows of [`keys::KEYS`] and [`checked_numbers::NUMBERS`] are the others.
const DETECTORS: &[Detector] = &[
    authorization_header::AUTHORIZATION_HEADER,
    aws_access_key::AWS_ACCESS_KEY,
    aws_secret_key::AWS_SECRET_KEY,
    azure_key::AZURE_KEY,
    cn_resident_id::CN_RESIDENT_ID,
    command_credentials::COMMAND_CREDENTIALS,
    crypto_wallet::CRYPTO_WALLET,
    crypto_wallet::CRYPTO_WALLET_BECH32,
    curl_credentials::CURL_CREDENTIALS,
    discord_bot_token::DISCORD_BOT_TOKEN,
    email::EMAIL,
    email_in_words::EMAIL_IN_WORDS,
    es_nif::ES_NIF,
    fi_hetu::FI_HETU,
    fr_nir::FR_NIR,
    generic_secret::GENERIC_SECRET,
    iban::IBAN,
    ie_pps::IE_PPS,
    in_pan::IN_PAN,
    ip_address::IP_ADDRESS,
    it_codice_fiscale::IT_CODICE_FISCALE,
    jwt::JWT,
    kubernetes_secret::KUBERNETES_SECRET,
    mx_curp::MX_CURP,
    network_device_secret::NETWORK_DEVICE_SECRET,
    openai_key::OPENAI_KEY,
    password::PASSWORD,
    password_argument::PASSWORD_ARGUMENT,
    password_hash::PASSWORD_HASH,
    payment_card::PAYMENT_CARD,
    pgpass_credentials::PGPASS_CREDENTIALS,
    phone::PHONE,
    phone_labelled::PHONE_LABELLED,
    private_key::PRIVATE_KEY,
    private_key::PRIVATE_KEY_BODY,
    seed_phrase::SEED_PHRASE,
    sg_nric::SG_NRIC,
    ssn::SSN,
    telegram_bot_token::TELEGRAM_BOT_TOKEN,
    twilio_key::TWILIO_KEY,
    uk_nino::UK_NINO,
    url_credentials::URL_CREDENTIALS,
    us_mbi::US_MBI,
];

/// All detectors.
pub(crate) fn all() -> impl Iterator<Item = &'static Detector> {
    let lists = [
        DETECTORS,
        &keys::KEYS,
        checked_numbers::NUMBERS,
        turned::TURNED,
        turned_numbers::TURNED_NUMBERS,
    ];
    lists.into_iter().flatten()
}

/// The names of groups, as a rule's `detector` takes them.
pub(crate) const GROUPS: [&str; 4] = ["secrets", "pii", "pci", "all"];

/// The detector of a name, or those of a group: `secrets`, `pii`, `pci`, `all`. Empty when there is none.
pub(crate) fn named(name: &str) -> Vec<&'static Detector> {
    let group = match name {
        "secrets" => Some(Group::Secrets),
        "pii" => Some(Group::Pii),
        "pci" => Some(Group::Pci),
        "all" => None,
        _ => {
            return all().filter(|detector| detector.name == name).collect();
        }
    };
    all()
        .filter(|detector| detector.grade != Grade::Named)
        .filter(|detector| group.is_none_or(|group| detector.group == group))
        .collect()
}

#[cfg(test)]
mod tests;
