//! Times as the clients write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A time in RFC 3339, in UTC and microseconds.
pub(crate) fn written(time: SystemTime) -> String {
    humantime::format_rfc3339_micros(time).to_string()
}

/// Seconds since 1970.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A time in RFC 3339; without a zone it is UTC. `None` if it is none.
pub(crate) fn read(text: &str) -> Option<SystemTime> {
    let (local, ahead) = match text.get(text.len().checked_sub(6)?..) {
        Some(zone) if zone.starts_with(['+', '-', ' ']) && zone.as_bytes()[3] == b':' => {
            let part =
                |text: &str| text.parse::<i64>().ok().filter(|number| (0..60).contains(number));
            let minutes = part(&zone[1..3])? * 60 + part(&zone[4..])?;
            let local = &text[..text.len() - 6];
            (local, if zone.starts_with('-') { -minutes } else { minutes })
        }
        _ => (text, 0),
    };
    let time = humantime::parse_rfc3339_weak(local).ok()?;
    let shift = Duration::from_secs(ahead.unsigned_abs() * 60);
    if ahead < 0 { time.checked_add(shift) } else { time.checked_sub(shift) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_every_zone() {
        let noon = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        assert_eq!(written(noon), "2023-11-14T22:13:20.000000Z");
        for text in [
            "2023-11-14T22:13:20Z",
            "2023-11-14T22:13:20",
            "2023-11-14T22:13:20.000000+00:00",
            "2023-11-15T00:13:20+02:00",
            "2023-11-14T17:43:20-04:30",
            // A plus sign of a query that nobody encoded.
            "2023-11-14T23:13:20 01:00",
        ] {
            assert_eq!(read(text), Some(noon), "{text}");
        }
        for text in ["", "x", "noon", "2023-13-01T00:00:00Z", "2023-11-14T22:13:20+0é:00", "ééé"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
