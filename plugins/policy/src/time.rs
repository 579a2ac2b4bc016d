//! Points in time, as the host tells them.

use std::time::Duration;

/// Nanoseconds since the Unix epoch, UTC. Wall time: the only clock a Proxy-Wasm host offers, so it may jump between exchanges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// From whole seconds since the Unix epoch.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000_000
    }

    /// This much later; the end of time where that would overflow.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)),
        )
    }

    /// This much earlier; the epoch where that would be before it.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(nanos))
    }

    /// Time that went by since `earlier`; zero when the clock went back.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// RFC 3339 in UTC with milliseconds, as audit records and Anthropic's reset headers spell it: `2025-12-01T10:30:45.123Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let secs = self.as_secs();
        let (year, month, day) = civil_from_days(secs / 86_400);
        let of_day = secs % 86_400;
        // By hand: it stands in every record, and formatting would take ten times as long.
        let mut text = String::with_capacity("2025-12-01T10:30:45.123Z".len());
        for (number, digits, after) in [
            (year, 4, '-'),
            (month, 2, '-'),
            (day, 2, 'T'),
            (of_day / 3600, 2, ':'),
            (of_day / 60 % 60, 2, ':'),
            (of_day % 60, 2, '.'),
            (self.0 / 1_000_000 % 1000, 3, 'Z'),
        ] {
            push_digits(&mut text, number, digits);
            text.push(after);
        }
        text
    }

    /// Reads RFC 3339 (section 5.6) with `Z` or a numeric offset; `None` for anything else, and for times before 1970.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let number = |from: usize, to: usize| -> Option<u64> {
            let digits = bytes.get(from..to)?;
            digits.iter().try_fold(0u64, |sum, b| {
                b.is_ascii_digit().then(|| sum * 10 + u64::from(b - b'0'))
            })
        };
        let is = |at: usize, allowed: &[u8]| bytes.get(at).is_some_and(|b| allowed.contains(b));
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let separated =
            is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":");
        if !separated || hour > 23 || minute > 59 || second > 60 || year < 1970 {
            return None;
        }
        let days = days_from_civil(year, month, day)?;
        let mut at = 19;
        let mut nanos = 0u64;
        if is(at, b".") {
            at += 1;
            let start = at;
            let mut unit = 100_000_000;
            while let Some(digit) = bytes.get(at).filter(|b| b.is_ascii_digit()) {
                nanos += u64::from(digit - b'0') * unit;
                unit /= 10;
                at += 1;
            }
            if at == start {
                return None;
            }
        }
        let offset_secs = if is(at, b"Zz") && at + 1 == bytes.len() {
            0
        } else if is(at, b"+-") && is(at + 3, b":") && at + 6 == bytes.len() {
            let (hours, minutes) = (number(at + 1, at + 3)?, number(at + 4, at + 6)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let offset = i64::try_from(hours * 3600 + minutes * 60).ok()?;
            if is(at, b"+") { offset } else { -offset }
        } else {
            return None;
        };
        let local = i64::try_from(days * 86_400 + hour * 3600 + minute * 60 + second).ok()?;
        let secs = u64::try_from(local - offset_secs).ok()?;
        Some(Self(secs.checked_mul(1_000_000_000)?.checked_add(nanos)?))
    }
}

/// Appends a number with at least so many digits.
fn push_digits(text: &mut String, number: u64, digits: u32) {
    if digits > 1 || number > 9 {
        push_digits(text, number / 10, digits.saturating_sub(1));
    }
    let last = u8::try_from(number % 10).unwrap_or(0);
    text.push(char::from(b'0' + last));
}

/// Days since the epoch to a Gregorian date, by eras of 400 years that start in March so that leap days come last.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// The inverse of [`civil_from_days`]; `None` for a day that the month does not have.
fn days_from_civil(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = (era * 146_097 + day_of_era).checked_sub(719_468)?;
    (civil_from_days(days) == (year, month, day)).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_dates() {
        assert_eq!(
            Timestamp::from_secs(1_764_585_045).to_rfc3339(),
            "2025-12-01T10:30:45.000Z"
        );
        for (text, secs) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2024-02-29T12:00:00+02:00", Some(1_709_200_800)),
            ("2024-02-29T12:00:00.5-00:30", Some(1_709_209_800)),
            ("2023-02-29T00:00:00Z", None),
            ("2023-13-01T00:00:00Z", None),
            ("2023-01-01", None),
            ("2023-01-01T00:00:00", None),
            ("2023-01-01T00:00:00.Z", None),
            ("1969-12-31T23:59:59Z", None),
        ] {
            assert_eq!(
                Timestamp::parse_rfc3339(text).map(Timestamp::as_secs),
                secs,
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(millis in 0u64..8_000_000_000_000) {
            let time = Timestamp::from_nanos(millis * 1_000_000);
            prop_assert_eq!(Timestamp::parse_rfc3339(&time.to_rfc3339()), Some(time));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = Timestamp::parse_rfc3339(&text);
        }
    }
}
