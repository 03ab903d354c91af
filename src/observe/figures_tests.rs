//! The pages of metrics: their size, their completeness against the documents, and what a foreign judge says of them.

use tipring_card::Alarms;
use tipring_lines::Signalling;
use tipring_resources::{CallStatus, Direction};

use super::*;
use crate::observe::meters::a_call;

/// A box with so many lines (up to 30 on each span; analogue: all on one), on which everything that can happen has.
fn a_box(lines: usize, analog: bool) -> Figures {
    let mut n = 0;
    let mut next = || {
        n += 1;
        n
    };
    let meters = Meters::default();
    for direction in [Direction::Inbound, Direction::OutboundApi] {
        for status in CallStatus::ALL {
            meters.call_ended(&a_call(direction, status, Some(40_000)));
        }
    }
    meters.stream_opened();
    meters.stream_word_dropped();
    meters.recognition_begun();
    meters.recognition_ended(true);
    let wire = tipring_sim::Wire::new(tipring_sim::WireConfig { spans: 1, analog_ports: 1, ..Default::default() });
    let signalling = Signalling::new(Box::new(wire.near()), tipring_lines::LinesConfig::default());
    let mut counted = signalling.counted();
    counted.extend(tipring_sound::Counters::default().named().into_iter().map(|(name, n)| ("sound", name, n)));
    let words = ["idle", "in call", "down", "resting"];
    let words = |slot: usize| (slot as u8, words[slot % words.len()]);
    let mut spans: Vec<SpanGauge> = Vec::new();
    for at in 0..lines.div_ceil(if analog { lines.max(1) } else { 30 }) {
        let on = if analog { lines } else { (lines - at * 30).min(30) };
        let mut span =
            SpanGauge { name: format!("dahdi {at}"), analog, digital: !analog, up: true, ..SpanGauge::default() };
        span.channels = (1..=on).map(words).collect();
        span.status.alarms = Alarms(Alarms::RED.0 | Alarms::BLUE.0 | 256);
        spans.push(span);
    }
    let card = CardFigures {
        audio: MediaCounters::from_figures(&mut next),
        switch: tipring_switch::Counters::from_figures(&mut next),
        late: Lateness { ticks: [1, 2, 3, 4, 5], sum_ms: 1_500 },
        queues: tipring_lines::Gauges::default().queues(),
        signalling: counted,
        spans,
    };
    Figures {
        meters,
        active: [1, 2],
        router: Some(tipring_router::Counters::from_figures(&mut next)),
        card: (lines > 0).then_some(card),
        media: Some(tipring_media::Status {
            counters: tipring_media::Counters::from_figures(&mut next),
            ..Default::default()
        }),
        store: WriterCounters::from_figures(&mut next),
        recordings: Some(1 << 40),
        disk_free: vec![("state", 1 << 33), ("cache", 1 << 33)],
        process: Process::now(),
        since_unix_s: 1_764_000_000,
        board: (lines > 0).then(|| BoardState {
            relays: vec![true; 8],
            temperature: Some(40.0),
            supply: Some(12.0),
            tested: Some(crate::observe::board::Tested::default()),
            ..BoardState::default()
        }),
        board_counters: tipring_serial::Shown::default()
            .counters
            .named()
            .into_iter()
            .chain([("events_lost", 0)])
            .collect(),
    }
}

#[test]
fn there_are_at_most_60_series_12_a_line_and_16_of_a_board() {
    for (lines, analog) in [(0, false), (1, true), (2, true), (8, true), (15, false), (30, false), (240, false)] {
        let (text, series) = a_box(lines, analog).metrics(Form::OpenMetrics);
        let board = if lines > 0 { 16 } else { 0 };
        assert!(series <= 60 + 12 * lines + board, "{lines} lines: {series} series");
        let counted = text.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(counted, series);
    }
}

#[test]
fn every_metric_is_on_a_page_once_and_every_sample_has_its_head() {
    let figures = a_box(30, false);
    let pages = figures.metrics(Form::Plain).0 + &figures.bounds_page(Form::Plain);
    for family in names::ALL {
        let head = format!("# TYPE {} ", family.full_name());
        assert_eq!(pages.matches(&head).count(), 1, "{head}");
        let samples = pages.lines().filter(|line| line.starts_with(&family.full_name())).count();
        assert!(samples > 0, "{} has no sample", family.name);
    }
    for line in pages.lines().filter(|line| !line.starts_with('#')) {
        assert!(names::ALL.iter().any(|family| line.starts_with(&family.full_name())), "{line}");
    }
}

#[test]
fn streams_and_recognitions_are_counted_and_what_runs_is_shown() {
    let page = a_box(30, false).bounds_page(Form::OpenMetrics);
    for line in [
        "tipring_beside_active{kind=\"stream\"} 1",
        "tipring_beside_active{kind=\"recognition\"} 0",
        "tipring_bounds_total{room=\"streams\",counter=\"opened\"} 1",
        "tipring_bounds_total{room=\"streams\",counter=\"words_dropped\"} 1",
        "tipring_bounds_total{room=\"recognition\",counter=\"ended\"} 1",
        "tipring_bounds_total{room=\"recognition\",counter=\"failed\"} 0",
    ] {
        assert!(page.lines().any(|it| it == line), "{line} is not in\n{page}");
    }
}

#[test]
fn no_label_tells_whose_call_it_is() {
    let figures = a_box(30, false);
    for text in [figures.metrics(Form::OpenMetrics).0, figures.bounds_page(Form::OpenMetrics)] {
        for trace in ["+1202", "CA0", "AC0", "http:", "https:"] {
            assert!(!text.contains(trace), "{trace} in\n{text}");
        }
    }
}

/// The names in the last column of the tables of "Every bound" are counters that the page has.
#[test]
fn every_counter_in_the_table_of_bounds_has_a_face() {
    let text = std::fs::read_to_string("docs/ARCHITECTURE.md").expect("the document");
    let (_, tables) = text.split_once("## Every bound").expect("the chapter");
    let page = a_box(30, false).bounds_page(Form::OpenMetrics);
    let mut named = 0;
    for row in tables.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---")) {
        let counter = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        for name in counter.split('`').skip(1).step_by(2) {
            named += 1;
            // A few rows count in two queues under one name.
            let names = if name == "queue_losses" { vec!["to_media_lost", "news_lost"] } else { vec![name] };
            for name in names {
                assert!(page.contains(&format!("counter=\"{name}\"")), "{name} has no face: {row}");
            }
        }
    }
    assert!(named > 50, "the tables were not read: {named}");
}

#[test]
fn what_is_left_out_is_summed_up_and_what_is_done_is_not() {
    let mut figures = Figures::default();
    let router = tipring_router::Counters { calls: 7, verbs: 100, refused_full: 2, ..Default::default() };
    figures.router = Some(router);
    assert_eq!(figures.bounds_reached(), 2);
    for (room, names) in REACHED {
        for name in *names {
            let known = a_box(30, false).bounds();
            assert!(
                known.iter().any(|counted| counted.0 == *room && counted.1 == *name),
                "{room} {name} is no counter"
            );
        }
    }
}

#[test]
fn the_reference_has_every_metric_and_no_other() {
    let text = std::fs::read_to_string("docs/reference/metrics.md").expect("the document");
    let listed: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("tipring_") || name.starts_with("process_"))
        .collect();
    let known: Vec<String> = names::ALL.iter().map(|family| family.full_name()).collect();
    for name in &known {
        assert!(listed.contains(&name.as_str()), "{name} is not in docs/reference/metrics.md");
    }
    for name in &listed {
        assert!(known.iter().any(|known| known == name), "docs/reference/metrics.md has {name}, which there is not");
    }
    for family in names::ALL {
        let row =
            text.lines().find(|line| line.starts_with(&format!("| `{}` ", family.full_name()))).unwrap_or_default();
        for label in family.labels {
            assert!(row.contains(&format!("`{label}`")), "{}: label {label} is not told: {row}", family.name);
        }
    }
    let rooms =
        ["router", "audio", "switch", "engine", "media", "store", "signalling", "q921", "q931", "analog", "sound"];
    for room in rooms.into_iter().chain(["streams", "recognition", "recordings"]) {
        assert!(a_box(30, false).bounds().iter().any(|counted| counted.0 == room), "{room}");
        assert!(text.contains(&format!("`{room}`")), "room {room} is not in docs/reference/metrics.md");
    }
}

/// `promtool check metrics` reads the older form. It is no part of the build, so its absence is said aloud.
#[test]
fn promtool_finds_nothing_wrong() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let tool = std::env::var("PROMTOOL").unwrap_or_else(|_| "promtool".into());
    for text in [a_box(30, false).metrics(Form::Plain).0, a_box(2, true).metrics(Form::Plain).0] {
        let mut judge = Command::new(&tool);
        judge.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let Ok(mut judge) = judge.spawn() else {
            drop(writeln!(std::io::stderr(), "SKIPPED: promtool (of the package prometheus) is not installed"));
            return;
        };
        judge.stdin.take().expect("piped").write_all(text.as_bytes()).expect("it reads");
        let said = judge.wait_with_output().expect("it ends");
        let complaints = String::from_utf8_lossy(&said.stderr).into_owned() + &String::from_utf8_lossy(&said.stdout);
        assert!(said.status.success() && complaints.is_empty(), "{complaints}\n{text}");
    }
}

#[test]
fn e13_the_page_shows_workers_what_waits_and_how_long() {
    let mut figures = a_box(30, false);
    let crew =
        tipring_media::Crew { limit: 8, workers: 5, busy: 3, queued: 2, begun: 40, waited_ms: 1_500, turned_away: 1 };
    figures.media.as_mut().expect("it answers").speech = crew;
    let page = figures.bounds_page(Form::OpenMetrics);
    for line in [
        "tipring_media_workers{kind=\"speech\",state=\"busy\"} 3",
        "tipring_media_workers{kind=\"speech\",state=\"idle\"} 2",
        "tipring_media_workers{kind=\"sound\",state=\"busy\"} 0",
        "tipring_media_queued{kind=\"speech\"} 2",
        "tipring_media_works_total{kind=\"speech\"} 40",
        "tipring_media_waited_seconds_total{kind=\"speech\"} 1.5",
        "tipring_media_turned_away_total{kind=\"speech\"} 1",
    ] {
        assert!(page.lines().any(|it| it == line), "{line}\n{page}");
    }
}
