use chat_core::Timestamp;
use time::{Date, Month};

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 24 * 60;

/// Turns a log's minutes into times that never go back: within a minute lines follow each other by a millisecond, past
/// midnight the day goes on, and a clock that was set back a little stands still.
#[derive(Debug)]
pub struct LogClock {
    midnight: i64,
    last_minute: Option<u32>,
    last: i64,
}

impl LogClock {
    /// The day is in the file's name, as `YYYY-MM-DD…`.
    pub fn from_file_name(name: &str) -> Option<Self> {
        let day = name.get(..10)?;
        let mut parts = day.split('-');
        let year = parts.next()?.parse().ok()?;
        let month = Month::try_from(parts.next()?.parse::<u8>().ok()?).ok()?;
        let date = Date::from_calendar_date(year, month, parts.next()?.parse().ok()?).ok()?;
        let midnight = date.midnight().assume_utc().unix_timestamp() * 1_000;
        Some(Self { midnight, last_minute: None, last: i64::MIN })
    }

    pub fn at(&mut self, minute: u32) -> Timestamp {
        // Half a day back is a new day; less is a clock that was set.
        if self.last_minute.is_some_and(|last| last > minute && last - minute > 12 * 60) {
            self.midnight += DAY_MINUTES * MINUTE_MS;
        }
        self.last_minute = Some(minute);
        let at = self.midnight + i64::from(minute) * MINUTE_MS;
        self.last = at.max(self.last.saturating_add(1));
        Timestamp::from_millis(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_only_grow_and_pass_midnight() {
        let mut clock = LogClock::from_file_name("2007-01-12.train-c.raw.txt").expect("dated");
        let texts: Vec<String> = [1439, 1439, 1438, 0, 1].iter().map(|minute| clock.at(*minute).to_string()).collect();
        let expected = [
            "2007-01-12T23:59:00.000Z",
            "2007-01-12T23:59:00.001Z",
            "2007-01-12T23:59:00.002Z",
            "2007-01-13T00:00:00.000Z",
            "2007-01-13T00:01:00.000Z",
        ];
        assert_eq!(texts, expected);
        assert!(
            LogClock::from_file_name("notes.txt").is_none() && LogClock::from_file_name("2007-13-01.txt").is_none()
        );
    }
}
