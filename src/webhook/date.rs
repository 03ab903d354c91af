//! Dates of cookies, in all the forms that servers send. Pure. Source: RFC 6265 §5.1.1.

/// Seconds since 1970, or `None` if the text is no date.
pub fn read(text: &str) -> Option<i64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(is_delimiter).filter(|it| !it.is_empty()).take(MAX_TOKENS) {
        if time.is_none() && read_time(token).is_some() {
            time = read_time(token);
        } else if day.is_none() && leading(token, 1, 2).is_some() {
            day = leading(token, 1, 2);
        } else if month.is_none() && read_month(token).is_some() {
            month = read_month(token);
        } else if year.is_none() {
            year = leading(token, 2, 4);
        }
    }
    let ((hour, minute, second), day, month) = (time?, day?, month?);
    let year = match year? {
        it @ 70..=99 => it + 1900,
        it @ 0..=69 => it + 2000,
        it => it,
    };
    let in_range =
        (1601..=9999).contains(&year) && (1..=31).contains(&day) && hour <= 23 && minute <= 59 && second <= 59;
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    in_range.then_some(seconds)
}

fn is_delimiter(it: char) -> bool {
    matches!(it, '\t' | ' '..='/' | ';'..='@' | '['..='`' | '{'..='~')
}

/// `hh:mm:ss`, one or two digits each, whatever follows.
fn read_time(token: &str) -> Option<(i64, i64, i64)> {
    let mut fields = token.splitn(3, ':');
    let hour = whole(fields.next()?)?;
    let minute = whole(fields.next()?)?;
    Some((hour, minute, leading(fields.next()?, 1, 2)?))
}

fn whole(text: &str) -> Option<i64> {
    leading(text, 1, 2).filter(|_| text.len() <= 2 && text.bytes().all(|it| it.is_ascii_digit()))
}

/// The number at the beginning, if it has this many digits.
fn leading(text: &str, least: usize, most: usize) -> Option<i64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits < least || digits > most { None } else { text[..digits].parse().ok() }
}

fn read_month(token: &str) -> Option<i64> {
    let start = token.get(..3)?.to_ascii_lowercase();
    let at = MONTHS.iter().position(|it| *it == start)?;
    i64::try_from(at + 1).ok()
}

/// Days of the Gregorian calendar, counted in years that begin in March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let since_march = (month + 9) % 12;
    let leap_days = year / 4 - year / 100 + year / 400;
    // Day 0 of this count is 1 March of the year 0, 719 468 days before 1970.
    year * 365 + leap_days + (since_march * 153 + 2) / 5 + day - 1 - 719_468
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
/// Words read of one date: real ones have about six.
const MAX_TOKENS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_one_moment() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "6 nov 1994 8:49:37",
            "1994 6 November 08:49:37x",
        ] {
            let read = read(text);
            // "1994" cannot be a day, so the year may stand first.
            assert_eq!(read, Some(784_111_777), "{text}");
        }
    }

    #[test]
    fn borders() {
        assert_eq!(read("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(read("Tue, 19 Jan 2038 03:14:08 GMT"), Some(1 << 31));
        assert_eq!(read("Thu, 29 Feb 2024 12:00:00 GMT"), Some(1_709_208_000));
        assert_eq!(read("01-Jan-69 00:00:00"), Some(3_124_224_000));
        assert_eq!(read("01-Jan-70 00:00:00"), Some(0));
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "tomorrow",
            "32 Jan 2020 00:00:00",
            "1 Jan 2020 24:00:00",
            "1 Jan 1600 00:00:00",
            "1 Jan 2020",
            "1 Foo 2020 1:2:3",
            "é é é",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
