//! Times as the journal writes them.

use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 86_400;

/// ISO 8601 in UTC with microseconds, such as `2026-03-01T12:34:56.000789+00:00`.
///
/// The offset is written `+00:00`, never `Z`: Python before 3.11 does not read `Z`. A time before
/// 1970 is written as the start of 1970.
pub(super) fn timestamp(time: SystemTime) -> String {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since_epoch.as_secs();
    let (year, month, day) = date(seconds / SECONDS_PER_DAY);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let micros = since_epoch.subsec_micros();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}+00:00")
}

/// Year, month and day (from 1) of a day counted from 1 January 1970, in the Gregorian calendar.
fn date(day_number: u64) -> (u64, u64, u64) {
    /// Days of the 400 years after which the calendar repeats itself.
    const DAYS_PER_CYCLE: u64 = 146_097;
    let mut year = 1970 + day_number / DAYS_PER_CYCLE * 400;
    let mut day = day_number % DAYS_PER_CYCLE;
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    (year, month, day + 1)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(seconds: u64, micros: u64) -> String {
        timestamp(UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(micros))
    }

    /// Expected values: Python 3.11,
    /// `datetime.fromtimestamp(s, timezone.utc).isoformat(timespec="microseconds")`.
    #[test]
    fn timestamps_agree_with_python() {
        assert_eq!(at(0, 0), "1970-01-01T00:00:00.000000+00:00");
        assert_eq!(at(951_782_399, 5), "2000-02-28T23:59:59.000005+00:00");
        assert_eq!(at(951_782_400, 0), "2000-02-29T00:00:00.000000+00:00");
        assert_eq!(at(1_772_325_296, 123_456), "2026-03-01T00:34:56.123456+00:00");
        assert_eq!(at(1_735_689_599, 999_999), "2024-12-31T23:59:59.999999+00:00");
        assert_eq!(at(4_107_542_400, 0), "2100-03-01T00:00:00.000000+00:00");
        assert_eq!(at(253_402_300_799, 0), "9999-12-31T23:59:59.000000+00:00");
    }

    #[test]
    fn a_time_before_1970_does_not_panic() {
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(timestamp(before), "1970-01-01T00:00:00.000000+00:00");
    }
}
