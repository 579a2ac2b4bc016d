//! Numbers that a register gives out, with something in them that can be checked: one row each.
//!
//! A row says who gives the number out, how it is written, which words announce it, and what its digits must satisfy. One in ten numbers of the
//! right length passes a check digit by chance, so a word shortly before it must say what it is, unless the printed form does.

use super::checksum::{
    at, double_check, is_day, is_uniform, luhn, mod11_10, number, sum, verhoeff,
};
use super::number::{grouped, laid_out};
use super::runs::Run;
use super::{Before, Context, Detector, Find, Grade, Group, Lengths, Outcome, Trigger};

/// A number of a register.
#[derive(Debug)]
pub(crate) struct Plan {
    /// How it is written; the first form that stands there counts.
    forms: &'static [Form],
    /// Words that announce it, in lower case.
    pub(super) words: &'static [&'static str],
    /// What its digits satisfy.
    is_valid: fn(&[u8]) -> bool,
}

impl Plan {
    /// The runs of digits that it can begin with.
    pub(super) fn runs(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        for form in self.forms {
            match form {
                Form::Groups(groups, separators) => {
                    runs.push(Run::bare(Lengths::one(total(groups))).announced());
                    if let [first, second, rest @ ..] = groups {
                        let next = Lengths::one(u32::from(*second));
                        let run = Run::group(u32::from(*first), separators, next).announced();
                        runs.push(match rest {
                            [third, ..] => run.and(separators, Lengths::one(u32::from(*third))),
                            [] => run,
                        });
                    }
                }
                Form::Printed([(first, sign), (second, then), rest @ ..]) => {
                    let next = Lengths::one(u32::from(*second));
                    let run = Run::group(u32::from(*first), &[*sign], next);
                    runs.push(match rest {
                        [(third, _), ..] => run.and(&[*then], Lengths::one(u32::from(*third))),
                        [] => run,
                    });
                }
                Form::Printed([(only, _)]) => runs.push(Run::bare(Lengths::one(u32::from(*only)))),
                Form::Printed([]) => {}
            }
        }
        runs
    }
}

/// A form in which a number is written.
#[derive(Debug)]
pub(crate) enum Form {
    /// Groups of so many digits, the same one of these separators between all of them, or none; a word announces it.
    Groups(&'static [u8], &'static [u8]),
    /// Groups of so many digits, each with what must follow it (but the last), which nothing else is written like: no word is needed.
    Printed(&'static [(u8, u8)]),
}

/// Makes the rows: what the number is (for the documentation), its name, its forms, the words, the check, and what is and is not one.
macro_rules! numbers {
    ($($(#[doc = $what:literal])+ $name:literal: [$($form:expr),+], [$($word:literal),*], $is_valid:expr, $($example:literal),+;)+) => {
        /// All of them, sorted by name.
        pub(super) const NUMBERS: &[Detector] = &[$(detector($name, &Plan {
            forms: &[$($form),+],
            words: &[$($word),*],
            is_valid: $is_valid,
        })),+];

        /// What the documentation says of each.
        #[cfg(test)]
        pub(super) const WHAT: &[(&str, &str)] = &[$(($name, concat!($($what),+))),+];

        /// Texts in which « and » stand around each number.
        #[cfg(test)]
        const EXAMPLES: &[(&str, &[&str])] = &[$(($name, &[$($example),+])),+];
    };
}

numbers! {
    /// US bank routing numbers (ABA): nine digits, the first two a Federal Reserve district, weights 3, 7, 1
    /// (<https://www.aba.com/about-us/routing-number>)
    "aba_routing": [Form::Groups(&[4, 4, 1], b"-")], ["routing", "aba", "rtn", "transit", "bank"],
        |digits| matches!(number(digits, 0, 2), 0..=12 | 21..=32 | 61..=72 | 80)
            && !is_uniform(digits)
            && sum(digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10),
        "routing number «121042882», ABA: «3222-7162-7»", "routing 121042883, aba 990000005", "order 121042882";
    /// Australian business numbers: eleven digits, the first less one, modulo 89 (<https://abr.business.gov.au/Help/AbnFormat>)
    "au_abn": [Form::Groups(&[2, 3, 3, 3], b" ")], ["abn", "business number"],
        |digits| {
            let total = sum(digits, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
            total >= 10 && (total - 10).is_multiple_of(89)
        },
        "ABN «51 824 753 556», abn: «51824753556»", "ABN 51 824 753 557", "order 51824753556";
    /// Australian Medicare numbers: ten digits, weights 1, 3, 7, 9, modulo 10, then an issue number (Services Australia)
    "au_medicare": [Form::Groups(&[4, 5, 1], b" ")], ["medicare"],
        |digits| matches!(digits.first(), Some(b'2'..=b'6'))
            && sum(digits, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == at(digits, 8),
        "Medicare «2123 45670 1», medicare card «2123456701»", "Medicare 2123 45671 1", "order 2123456701";
    /// Australian tax file numbers: nine digits, weights 1, 4, 3, 7, 5, 8, 6, 9, 10, modulo 11 (Australian Taxation Office)
    "au_tfn": [Form::Groups(&[3, 3, 3], b" -")], ["tfn", "tax file"],
        |digits| sum(digits, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11) && !is_uniform(digits),
        "TFN «876 543 210», tax file number: «123456782»", "TFN 876 543 211", "order 876 543 210";
    /// Belgian national register numbers: birth date, serial, modulo 97, with 2 before the number for those born from 2000 on
    /// (<https://www.ibz.rrn.fgov.be>)
    "be_national_number": [
            Form::Printed(&[(2, b'.'), (2, b'.'), (2, b'-'), (3, b'.'), (2, 0)]),
            Form::Groups(&[11], b"")
        ],
        ["rijksregisternummer", "numéro national", "numero national", "insz", "niss", "national register", "nrn"],
        |digits| {
            let (base, check) = (number(digits, 0, 9), number(digits, 9, 11));
            // 2,000,000,000 modulo 97 is 25.
            check == 97 - base % 97 || check == 97 - (base % 97 + 25) % 97
        },
        "Rijksregisternummer «85.07.30-033.28», NISS «85073003328»", "NISS 85073003329", "order 85073003328";
    /// Bulgarian civil numbers (EGN): birth date, region, weights 2, 4, 8, 5, 10, 9, 7, 3, 6, modulo 11 (GRAO)
    "bg_egn": [Form::Groups(&[10], b"")], ["egn", "егн"],
        |digits| is_day(number(digits, 4, 6), number(digits, 2, 4) % 20)
            && sum(digits, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == at(digits, 9),
        "EGN «7523169263»", "EGN 7523169264", "order 7523169263";
    /// Brazilian CNPJ numbers: fourteen digits, two check digits modulo 11 (Receita Federal)
    "br_cnpj": [
            Form::Printed(&[(2, b'.'), (3, b'.'), (3, b'/'), (4, b'-'), (2, 0)]),
            Form::Groups(&[14], b"")
        ],
        ["cnpj"],
        |digits| !is_uniform(digits)
            && double_check(digits, &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])
            && double_check(digits, &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]),
        "CNPJ «11222333000181» or «11.222.333/0001-81»", "CNPJ 11222333000182, 11.222.333/0001-82", "order 11222333000181";
    /// Brazilian CPF numbers: eleven digits, two check digits modulo 11 (Receita Federal)
    "br_cpf": [
            Form::Printed(&[(3, b'.'), (3, b'.'), (3, b'-'), (2, 0)]),
            Form::Groups(&[11], b"")
        ],
        ["cpf"],
        |digits| !is_uniform(digits)
            && double_check(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2])
            && double_check(digits, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]),
        "CPF «52998224725» or «529.982.247-25»", "CPF 52998224724, 529.982.247-24", "order 52998224725";
    /// Canadian social insurance numbers: nine digits, Luhn
    /// (<https://www.canada.ca/en/employment-social-development/services/sin.html>)
    "ca_sin": [Form::Groups(&[3, 3, 3], b" -")], ["sin", "nas", "social insurance", "assurance sociale"],
        |digits| !matches!(digits.first(), Some(b'0' | b'8')) && luhn(digits) && !is_uniform(digits),
        "my SIN is «130-692-544», NAS: «258 933 688»", "SIN 130-692-545", "order 130-692-544";
    /// Swiss AHV numbers: thirteen digits from 756 on, EAN-13's check digit
    /// (<https://www.bsv.admin.ch/bsv/en/home/social-insurance/ahv/grundlagen-gesetze/ahv-nummer.html>)
    "ch_ahv": [
            Form::Printed(&[(3, b'.'), (4, b'.'), (4, b'.'), (2, 0)]),
            Form::Groups(&[13], b"")
        ],
        ["ahv", "avs", "versichertennummer", "sozialversicherung"],
        |digits| digits.starts_with(b"756")
            && sum(digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10),
        "AHV «756.9217.0769.85», «756.9217.0769.85», AHV «7569217076985»", "756.9217.0769.84", "order 7569217076985";
    /// Czech and Slovak birth numbers: birth date (the month with 50 or 20 more), a slash, a serial; the whole is a multiple of 11
    /// (zákon č. 133/2000 Sb.)
    "cz_rodne_cislo": [Form::Printed(&[(6, b'/'), (4, 0)])], [],
        |digits| {
            let value = u64::from(number(digits, 0, 5)) * 100_000 + u64::from(number(digits, 5, 10));
            // Until 1985 a rest of 10 was written as 0.
            let is_multiple = value % 11 == 0 || value / 10 % 11 == 10 && value % 10 == 0;
            is_multiple && is_day(number(digits, 4, 6), number(digits, 2, 4) % 50 % 20)
        },
        "rodné číslo «736028/5163», «780123/3540»", "736028/5164, 7360285163, 739928/5167";
    /// German tax identification numbers (Steuer-ID): eleven digits, ISO 7064 MOD 11,10 (§ 139b AO)
    "de_tax_id": [Form::Groups(&[2, 3, 3, 3], b" ")], ["steuer", "idnr", "identifikationsnummer", "tax id", "tax_id", "tin"],
        |digits| digits.first() != Some(&b'0') && mod11_10(digits),
        "Steuer-ID: «86095742719», IdNr. «12 345 678 903»", "Steuer-ID 86095742718", "order 86095742719";
    /// Danish CPR numbers: birth date and four digits, which since 2007 carry no check digit
    /// (<https://cpr.dk/cpr-systemet/opbygning-af-cpr-nummeret>)
    "dk_cpr": [Form::Groups(&[6, 4], b"- ")], ["cpr", "personnummer", "danish"],
        |digits| is_day(number(digits, 0, 2), number(digits, 2, 4)) && !is_uniform(digits),
        "CPR: «070761-4285», cpr-nr «0707614285»", "CPR 470761-4285", "order 070761-4285";
    /// Estonian and Lithuanian personal codes: century and sex, birth date, serial, a check digit modulo 11 in two rounds (EVS 585)
    "ee_isikukood": [Form::Groups(&[11], b"")], ["isikukood", "asmens kodas", "personal code", "estonian", "lithuanian"],
        |digits| {
            let check = match sum(digits, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11 {
                10 => sum(digits, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10,
                check => check,
            };
            is_day(number(digits, 5, 7), number(digits, 3, 5)) && check == at(digits, 10)
        },
        "isikukood «37605030299»", "isikukood 37605030298", "order 37605030299";
    /// Croatian personal identification numbers (OIB): eleven digits, ISO 7064 MOD 11,10 (Porezna uprava)
    "hr_oib": [Form::Groups(&[11], b"")], ["oib"],
        |digits| mod11_10(digits) && !is_uniform(digits),
        "OIB: «69435151530»", "OIB 69435151531", "order 69435151530";
    /// Israeli identity numbers (Teudat Zehut): nine digits, Luhn (Population and Immigration Authority)
    "il_id": [Form::Groups(&[9], b"")], ["teudat", "israeli id", "ת.ז", "תעודת זהות"],
        |digits| luhn(digits) && !is_uniform(digits),
        "Teudat Zehut «123456782»", "teudat 123456783", "order 123456782";
    /// Indian Aadhaar numbers: twelve digits, the first from 2 on, Verhoeff's check (<https://uidai.gov.in>)
    "in_aadhaar": [Form::Groups(&[4, 4, 4], b" -:")], ["aadhaar", "aadhar", "uid", "uidai", "adhaar"],
        |digits| matches!(digits.first(), Some(b'2'..=b'9')) && verhoeff(digits) && !is_uniform(digits),
        "Aadhaar «4001 2345 6787», aadhaar: «400123456787»", "Aadhaar 400123456788", "order 4001 2345 6787";
    /// US individual taxpayer identification numbers: as a social security number, area 9xx, group 50–65, 70–88, 90–92 or 94–99
    /// (<https://www.irs.gov/tin/itin/individual-taxpayer-identification-number-itin>)
    "itin": [Form::Groups(&[3, 2, 4], b"- ")], ["itin", "tin", "taxpayer", "tax id", "tax_id"],
        |digits| digits.first() == Some(&b'9') && matches!(number(digits, 3, 5), 50..=65 | 70..=88 | 90..=92 | 94..=99),
        "ITIN: «911-70-1234», my tax id is «911531234»", "part 911-70-1234; tax id 911-89-1234; taxpayer 811-70-1234";
    /// Korean resident registration numbers: birth date, sex and century; since October 2020 they carry no check digit
    /// (Ministry of the Interior and Safety)
    "kr_rrn": [Form::Groups(&[6, 7], b"-")], ["rrn", "resident registration", "주민", "registration number"],
        |digits| is_day(number(digits, 4, 6), number(digits, 2, 4)) && matches!(digits.get(6), Some(b'1'..=b'8')),
        "주민등록번호 «960121-1234567», RRN «9601211234567»", "001332-1234567 RRN 9601219234567", "order 9601211234567";
    /// Dutch citizen service numbers (BSN): nine digits, the eleven test (<https://www.rvig.nl/bsn>)
    "nl_bsn": [Form::Groups(&[4, 2, 3], b". ")], ["bsn", "burgerservicenummer", "sofi", "sofinummer", "citizen service"],
        // The last digit counts -1, which is 10 modulo 11.
        |digits| sum(digits, &[9, 8, 7, 6, 5, 4, 3, 2, 10]).is_multiple_of(11) && !is_uniform(digits),
        "BSN: «111222333», burgerservicenummer «1234.56.782»", "bsn 111222334", "order 111222333";
    /// Norwegian birth numbers: date, individual number, two check digits modulo 11
    /// (<https://www.skatteetaten.no/person/folkeregister/fodsel-og-navnevalg/barn-fodt-i-norge/fodselsnummer>)
    "no_fodselsnummer": [Form::Groups(&[6, 5], b" -")],
        ["fødselsnummer", "fodselsnummer", "fnr", "personnummer", "national id", "norwegian"],
        |digits| {
            // D numbers have 40 added to the day.
            is_day(number(digits, 0, 2) % 40, number(digits, 2, 4) % 40)
                && sum(digits, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11)
                && sum(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
        },
        "fødselsnummer «29029600013»", "fødselsnummer 29029600014", "order 29029600013";
    /// US national provider identifiers: ten digits, Luhn over them with 80840 before
    /// (45 CFR 162.406; <https://www.cms.gov/Regulations-and-Guidance/Administrative-Simplification/NationalProvIdentStand>)
    "npi": [Form::Groups(&[4, 3, 3], b"- ")], ["npi", "provider", "national provider"],
        |digits| {
            let mut whole = *b"80840..........";
            for (place, digit) in whole.iter_mut().skip(5).zip(digits) {
                *place = *digit;
            }
            matches!(digits.first(), Some(b'1' | b'2')) && luhn(&whole)
        },
        "NPI: «1234567893», provider «1003000126»", "NPI 1234567890, npi 3234567893", "order 1234567893";
    /// Polish PESEL numbers: birth date, serial, weights 1, 3, 7, 9 (<https://www.gov.pl/web/gov/czym-jest-numer-pesel>)
    "pl_pesel": [Form::Groups(&[11], b"")], ["pesel"],
        |digits| is_day(number(digits, 4, 6), number(digits, 2, 4) % 20)
            && sum(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10),
        "PESEL: «44051401359»", "PESEL 44051401358", "order 44051401359";
    /// Portuguese taxpayer numbers (NIF): nine digits, weights 9 to 2, modulo 11 (Autoridade Tributária)
    "pt_nif": [Form::Groups(&[3, 3, 3], b" ")], ["nif", "contribuinte", "fiscal", "vat"],
        |digits| !matches!(digits.first(), Some(b'0' | b'4')) && double_check(digits, &[9, 8, 7, 6, 5, 4, 3, 2]),
        "NIF «123456789», contribuinte «501 964 843»", "NIF 123456788", "order 123456789";
    /// Romanian personal numeric codes (CNP): sex, birth date, county, weights 2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9, modulo 11
    /// (Direcția pentru Evidența Persoanelor)
    "ro_cnp": [Form::Groups(&[13], b"")], ["cnp", "cod numeric"],
        |digits| {
            let check = match sum(digits, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11 {
                10 => 1,
                check => check,
            };
            is_day(number(digits, 5, 7), number(digits, 3, 5)) && at(digits, 12) == check
        },
        "CNP: «1960525421081»", "CNP 1960525421082", "order 1960525421081";
    /// Swedish personal identity numbers: birth date and four digits, Luhn over the last ten digits
    /// (<https://www.skatteverket.se/privat/folkbokforing/personnummer.4.3810a01c150939e893f18c29.html>)
    "se_personnummer": [Form::Groups(&[6, 4], b"-+"), Form::Groups(&[8, 4], b"-+")],
        ["personnummer", "pnr", "personal identity", "svensk", "swedish", "ssn", "samordningsnummer"],
        |digits| {
            let short = digits.get(digits.len().saturating_sub(10)..).unwrap_or_default();
            // Coordination numbers have 60 added to the day.
            is_day(number(short, 4, 6) % 60, number(short, 2, 4)) && luhn(short)
        },
        "personnummer «811218-9876», pnr: «198112189876», personnummer «19811218-9876»", "personnummer 811218-9875", "order 811218-9876";
    /// Thai national identity numbers: thirteen digits, weights 13 to 2, modulo 11 (Department of Provincial Administration)
    "th_national_id": [Form::Groups(&[1, 4, 5, 2, 1], b"- ")],
        ["thai", "thailand", "เลขประจำตัวประชาชน", "บัตรประชาชน", "tnin", "citizen id"],
        |digits| digits.first() != Some(&b'0')
            && (11 - sum(digits, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10 == at(digits, 12)
            && !is_uniform(digits),
        "Thai citizen id «3-4567-89012-34-7», thai id «3456789012347»", "thai 3456789012348", "order 3456789012347";
    /// Turkish identity numbers (T.C. Kimlik No): eleven digits, two check digits (Nüfus ve Vatandaşlık İşleri)
    "tr_national_id": [Form::Groups(&[11], b"")], ["tc", "tckn", "kimlik", "t.c.", "vatandaşlık", "turkish"],
        |digits| digits.first() != Some(&b'0')
            // Seven times the odd places less the even ones: -1 is 9 modulo 10.
            && sum(digits, &[7, 9, 7, 9, 7, 9, 7, 9, 7]) % 10 == at(digits, 9)
            && sum(digits, &[1; 10]) % 10 == at(digits, 10),
        "TC Kimlik No: «10000000146», tckn «53857632436»", "TC 10000000147", "order 10000000146";
    /// UK NHS numbers: ten digits, weights 10 to 2, modulo 11 (<https://www.datadictionary.nhs.uk/attributes/nhs_number.html>)
    "uk_nhs": [Form::Groups(&[3, 3, 4], b"- ")], ["nhs", "national health", "patient", "health number"],
        |digits| sum(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11) && !is_uniform(digits),
        "NHS number: «943 476 5919», nhs «401-023-2137»", "nhs 401-023-2138", "order 9434765919";
    /// South African identity numbers: birth date, serial, citizenship, Luhn (Department of Home Affairs)
    "za_id": [Form::Groups(&[13], b"")],
        ["id number", "identity", "south africa", "said", "rsa id", "id no", "resident number"],
        |digits| is_day(number(digits, 4, 6), number(digits, 2, 4)) && matches!(digits.get(10), Some(b'0'..=b'2')) && luhn(digits),
        "SA ID number: «8001015009087»", "ID number 8001015009088", "order 8001015009087";
}

/// The detector of a row: called at the runs of digits that its forms begin with.
const fn detector(name: &'static str, plan: &'static Plan) -> Detector {
    let mut lengths = Lengths::NONE;
    let mut forms = plan.forms;
    while let [form, rest @ ..] = forms {
        let (first, bare) = match form {
            Form::Groups(groups, _) => (groups.first(), total(groups)),
            Form::Printed([(first, _), ..]) => (Some(first), 0),
            Form::Printed([]) => (None, 0),
        };
        if let Some(first) = first {
            lengths = lengths.and(Lengths::one(*first as u32));
        }
        if bare > 0 {
            lengths = lengths.and(Lengths::one(bare));
        }
        forms = rest;
    }
    Detector {
        name,
        group: Group::Pii,
        grade: Grade::Precise,
        dense: false,
        opaque: false,
        trigger: Trigger::Digits(lengths, Before::Other),
        find: Find::Number(plan),
    }
}

const fn total(mut groups: &[u8]) -> u32 {
    let mut total = 0;
    while let [group, rest @ ..] = groups {
        total += *group as u32;
        groups = rest;
    }
    total
}

/// Whether such a number stands at the trigger.
pub(super) fn find(context: &Context<'_>, plan: &Plan) -> Outcome {
    for form in plan.forms {
        let (number, is_printed) = match form {
            Form::Groups(groups, separators) => (grouped(context, groups, separators), false),
            Form::Printed(groups) => (laid_out(context, groups), true),
        };
        match number {
            Ok(number) => {
                let is_one = (plan.is_valid)(number.digits())
                    && (is_printed || context.mentions(number.range.start, plan.words));
                return if is_one {
                    Outcome::Match(number.range)
                } else {
                    Outcome::None
                };
            }
            Err(Outcome::Undecided) => return Outcome::Undecided,
            Err(_) => {}
        }
    }
    Outcome::None
}

#[cfg(test)]
mod tests {
    use super::super::reference::check;
    use super::*;

    #[test]
    fn examples() {
        for (name, texts) in EXAMPLES {
            assert!(
                texts.len() >= 2,
                "{name}: one that is found and one that is not"
            );
            for text in *texts {
                check(name, text);
            }
        }
    }
}
