//! Watches over the box once a second: what nobody asks for but operators search for in the log. Alarms and D channels, a
//! card that is gone, a media thread that hangs, a disk that fills, a database that is away.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{PoisonError, Weak};
use std::time::{Duration, Instant};

use tipring_lines::SpanGauge;

use super::events::{self, Known};
use super::figures::alarms;
use super::health::{ANSWER_TIME, BEAT_TIME};
use super::log;
use super::observer::Inner;

/// How often.
const EVERY: Duration = Duration::from_secs(1);
/// How often disks and recordings are looked at.
const DISK_EVERY: u64 = 30;
/// Recordings that are looked at; a box with more shows the size of so many.
const MAX_RECORDINGS: usize = 200_000;
/// Less than this is free: somebody should know.
const LOW_PERCENT: u64 = 15;
/// Less than this is free: somebody must act.
const FULL_PERCENT: u64 = 5;

/// What was seen last.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    beat: u64,
    beat_at: Instant,
    stalled: bool,
    gone: bool,
    store_away: bool,
    /// What is wrong with each; empty: nothing.
    spans: BTreeMap<String, String>,
    disks: Vec<(&'static str, Disk)>,
    /// Octets of all recordings.
    pub recordings: Option<u64>,
}

/// Free space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Disk {
    free: u64,
    percent: u64,
}

/// Something to be told.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    event: Known,
    line: String,
    text: String,
}

impl Seen {
    pub(super) fn new(now: Instant) -> Seen {
        Seen {
            beat: 0,
            beat_at: now,
            stalled: false,
            gone: false,
            store_away: false,
            spans: BTreeMap::new(),
            disks: Vec::new(),
            recordings: None,
        }
    }

    /// How long the media thread has not turned, as far as that was seen.
    pub(super) fn still(&self, beat: u64, now: Instant) -> Duration {
        if beat == self.beat { now.saturating_duration_since(self.beat_at) } else { Duration::ZERO }
    }

    pub(super) fn disk_free(&self) -> Vec<(&'static str, u64)> {
        self.disks.iter().map(|(area, disk)| (*area, disk.free)).collect()
    }

    fn beats(&mut self, beat: u64, gone: bool, now: Instant) -> Vec<Told> {
        let mut told = Vec::new();
        if gone && !self.gone {
            told.push(say(events::CARD_LOST, "", "the card is gone: no line of it works until a restart"));
        }
        self.gone |= gone;
        let still = self.still(beat, now);
        if still.is_zero() {
            (self.beat, self.beat_at, self.stalled) = (beat, now, false);
        } else if still >= BEAT_TIME && !self.gone && !std::mem::replace(&mut self.stalled, true) {
            let text = format!("the media thread has not turned for {} s", still.as_secs());
            told.push(say(events::MEDIA_STALLED, "", &text));
        }
        told
    }

    /// Alarms of spans. D channels are told by lines itself, at once.
    fn spans(&mut self, spans: &[SpanGauge]) -> Vec<Told> {
        let mut told = Vec::new();
        for span in spans {
            let wrong = wrong(span);
            // Analogue lines take a moment to be opened after the start: what they are at the first look is not news.
            let first = if span.analog { wrong.clone() } else { String::new() };
            let before = self.spans.insert(span.name.clone(), wrong.clone()).unwrap_or(first);
            match (before.is_empty(), wrong.is_empty()) {
                (true, false) => {
                    told.push(say(events::SPAN_ALARM, &span.name, &format!("{}: {wrong}", span.name)));
                }
                (false, true) => told.push(say(events::SPAN_CLEAR, &span.name, &format!("{}: no alarm", span.name))),
                _ => {}
            }
        }
        told
    }

    fn store(&mut self, away: bool) -> Option<Told> {
        match (std::mem::replace(&mut self.store_away, away), away) {
            (false, true) => Some(say(events::STORE_AWAY, "", "the database does not answer within 1 s")),
            (true, false) => Some(say(events::STORE_BACK, "", "the database answers again")),
            _ => None,
        }
    }

    fn disks(&mut self, disks: Vec<(&'static str, Disk)>) -> Vec<Told> {
        let mut told = Vec::new();
        for (area, disk) in &disks {
            let before = self.disks.iter().find(|known| known.0 == *area).map_or(100, |known| known.1.percent);
            let text = format!("{area}: {} % of the disk is free ({} MiB)", disk.percent, disk.free >> 20);
            if class(disk.percent) > class(before) {
                told.push(say(events::DISK_LOW, "", &text));
            } else if class(disk.percent) == 0 && class(before) > 0 {
                told.push(say(events::DISK_OK, "", &text));
            }
        }
        self.disks = disks;
        told
    }
}

fn wrong(span: &SpanGauge) -> String {
    let has: Vec<&str> = alarms(span).iter().filter(|alarm| alarm.1).map(|alarm| alarm.0).collect();
    match (span.analog, span.up, has.is_empty()) {
        (_, _, false) if span.digital => format!("{} alarm", has.join(", ")),
        (true, false, _) => "no line is in order".into(),
        _ => String::new(),
    }
}

fn class(percent: u64) -> u8 {
    u8::from(percent < LOW_PERCENT) + u8::from(percent < FULL_PERCENT)
}

fn say(event: Known, line: &str, text: &str) -> Told {
    Told { event, line: line.into(), text: text.into() }
}

/// Watches until the observer is gone.
pub(super) async fn run(observer: Weak<Inner>) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut round = 0_u64;
    loop {
        every.tick().await;
        let Some(inner) = observer.upgrade().filter(|inner| !inner.stopped.load(Ordering::Relaxed)) else {
            return;
        };
        look(&inner, round.is_multiple_of(DISK_EVERY)).await;
        log::tell_folded();
        round += 1;
    }
}

async fn look(inner: &Inner, disks: bool) {
    let parts = &inner.parts;
    let away = !tokio::time::timeout(ANSWER_TIME, parts.store.answers()).await.is_ok_and(|answer| answer.is_ok());
    let looked = if disks {
        let (areas, blobs) = (parts.areas.clone(), parts.store.blobs().clone());
        let look = move || {
            let of = areas.iter().filter_map(|(area, path)| Some((*area, disk(path)?))).collect::<Vec<_>>();
            (of, blobs.octets(MAX_RECORDINGS).ok())
        };
        tokio::task::spawn_blocking(look).await.ok()
    } else {
        None
    };
    if inner.stopped.load(Ordering::Relaxed) {
        return;
    }
    let mut seen = inner.seen.lock().unwrap_or_else(PoisonError::into_inner);
    let mut told = Vec::new();
    if let Some(card) = &parts.card {
        told.extend(seen.beats(card.gauges.beat(), card.gauges.media_ended(), Instant::now()));
        told.extend(seen.spans(&card.gauges.spans()));
    }
    told.extend(seen.store(away));
    if let Some((disks, recordings)) = looked {
        told.extend(seen.disks(disks));
        seen.recordings = recordings;
    }
    drop(seen);
    told.iter().for_each(tell);
}

fn tell(told: &Told) {
    let (id, line, text) = (told.event.id, told.line.as_str(), told.text.as_str());
    let line = (!line.is_empty()).then_some(line);
    match told.event {
        events::CARD_LOST | events::MEDIA_STALLED | events::STORE_AWAY => {
            tracing::error!(message_id = id, line, "{text}");
        }
        events::SPAN_ALARM | events::DISK_LOW => {
            tracing::warn!(message_id = id, line, "{text}");
        }
        _ => tracing::info!(message_id = id, line, "{text}"),
    }
}

fn disk(path: &Path) -> Option<Disk> {
    let stat = rustix::fs::statvfs(path).ok()?;
    let (free, all) = (stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize);
    Some(Disk { free, percent: (free * 100).checked_div(all).unwrap_or(100) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(told: &[Told]) -> Vec<&'static str> {
        told.iter().map(|told| told.event.constant).collect()
    }

    #[test]
    fn a_media_thread_that_hangs_is_told_once_and_again_when_it_hangs_again() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut seen = Seen::new(begin);
        assert!(seen.beats(7, false, at(1)).is_empty());
        assert!(seen.beats(7, false, at(3)).is_empty());
        assert_eq!(ids(&seen.beats(7, false, at(4))), ["MEDIA_STALLED"]);
        assert!(seen.beats(7, false, at(9)).is_empty());
        assert!(seen.beats(8, false, at(10)).is_empty());
        assert_eq!(ids(&seen.beats(8, false, at(20))), ["MEDIA_STALLED"]);
    }

    #[test]
    fn a_card_that_is_gone_is_told_once_and_its_thread_hangs_no_more() {
        let mut seen = Seen::new(Instant::now());
        let later = Instant::now() + Duration::from_secs(60);
        assert_eq!(ids(&seen.beats(1, true, later)), ["CARD_LOST"]);
        assert!(seen.beats(1, true, later + Duration::from_secs(60)).is_empty());
    }

    #[test]
    fn a_digital_span_of_analogue_lines_has_alarms_too() {
        let mut seen = Seen::new(Instant::now());
        let mut span =
            SpanGauge { name: "dahdi 3".into(), analog: true, digital: true, up: true, ..SpanGauge::default() };
        assert!(seen.spans(std::slice::from_ref(&span)).is_empty());
        span.status.alarms = tipring_card::Alarms::RED;
        assert_eq!(seen.spans(std::slice::from_ref(&span))[0].text, "dahdi 3: red alarm");
        (span.up, span.status.alarms) = (false, tipring_card::Alarms::NONE);
        assert!(seen.spans(std::slice::from_ref(&span)).is_empty(), "no line is in order: it is not over");
        span.up = true;
        assert_eq!(ids(&seen.spans(&[span])), ["SPAN_CLEAR"]);
    }

    #[test]
    fn alarms_are_told_when_they_change() {
        let mut seen = Seen::new(Instant::now());
        let mut span = SpanGauge { name: "sim 1".into(), up: true, digital: true, ..SpanGauge::default() };
        assert!(seen.spans(std::slice::from_ref(&span)).is_empty());
        (span.up, span.status.alarms) = (false, tipring_card::Alarms::RED);
        let told = seen.spans(std::slice::from_ref(&span));
        assert_eq!(ids(&told), ["SPAN_ALARM"]);
        assert_eq!((told[0].line.as_str(), told[0].text.as_str()), ("sim 1", "sim 1: red alarm"));
        assert!(seen.spans(std::slice::from_ref(&span)).is_empty(), "once");
        (span.up, span.status.alarms) = (true, tipring_card::Alarms::NONE);
        assert_eq!(ids(&seen.spans(&[span])), ["SPAN_CLEAR"]);
    }

    #[test]
    fn analogue_lines_are_told_of_when_none_is_in_order_any_more_and_not_at_the_start() {
        let mut seen = Seen::new(Instant::now());
        let mut span = SpanGauge { name: "sim 2".into(), analog: true, ..SpanGauge::default() };
        let mut told = |up| {
            span.up = up;
            ids(&seen.spans(std::slice::from_ref(&span)))
        };
        assert!(told(false).is_empty(), "they are being opened");
        assert_eq!(told(true), ["SPAN_CLEAR"]);
        assert_eq!(told(false), ["SPAN_ALARM"]);
    }

    #[test]
    fn a_disk_is_told_of_when_it_gets_low_when_it_gets_full_and_when_there_is_room_again() {
        let mut seen = Seen::new(Instant::now());
        let mut told = |percent| ids(&seen.disks(vec![("state", Disk { free: 5 << 20, percent })]));
        assert!(told(40).is_empty());
        assert_eq!(told(14), ["DISK_LOW"]);
        assert!(told(13).is_empty());
        assert_eq!(told(4), ["DISK_LOW"]);
        assert!(told(10).is_empty());
        assert_eq!(told(15), ["DISK_OK"]);
        assert_eq!(told(3), ["DISK_LOW"]);
    }

    #[test]
    fn the_database_is_told_of_when_it_goes_and_when_it_comes() {
        let mut seen = Seen::new(Instant::now());
        assert_eq!(seen.store(false), None);
        assert_eq!(seen.store(true).map(|told| told.event), Some(events::STORE_AWAY));
        assert_eq!(seen.store(true), None);
        assert_eq!(seen.store(false).map(|told| told.event), Some(events::STORE_BACK));
    }

    #[test]
    fn the_disk_that_we_are_on_has_a_size() {
        let disk = disk(Path::new("/")).expect("there is one");
        assert!(disk.free > 0 && disk.percent <= 100, "{disk:?}");
        assert_eq!(super::disk(Path::new("/nowhere/at/all")), None);
    }
}
