//! What lines look like on LEDs: the state of a line or of a whole span, by its gauges. Which LED is whose says
//! [`super::sockets`]; where no profile does, LED 0 is the box, and from LED 1 on come the box's lines in their order, a span of
//! ISDN one LED, an analogue line or a port for a telephone one each. It lights nothing.

use tipring_lines::SpanGauge;
use tipring_serial::controller::leds::{Appliance, BOX_LED, Line, Look};
use tipring_serial::controller::words::MAX_LEDS;

/// How the whole box is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// It can take calls.
    pub ready: bool,
    /// The media thread stands still.
    pub still: bool,
    /// The board's watchdog has released relays.
    pub released: bool,
}

/// What every LED is to show where no profile tells.
pub fn looks(condition: Condition, spans: &[SpanGauge]) -> [Look; MAX_LEDS] {
    let mut looks = dark();
    let first = usize::from(BOX_LED) + 1;
    for (place, line) in looks.iter_mut().skip(first).zip(spans.iter().flat_map(lines_of)) {
        *place = line.look();
    }
    looks[usize::from(BOX_LED)] = whole(condition).look();
    looks
}

/// Nothing is lit.
pub fn dark() -> [Look; MAX_LEDS] {
    [Line::Disabled.look(); MAX_LEDS]
}

/// What the box's own LED says: the worst first.
pub fn whole(condition: Condition) -> Appliance {
    match condition {
        Condition { still: true, .. } => Appliance::NoMedia,
        Condition { released: true, .. } => Appliance::RelayReleased,
        Condition { ready: false, .. } => Appliance::Degraded,
        _ => Appliance::Ready,
    }
}

/// What a span's LEDs say.
fn lines_of(span: &SpanGauge) -> Vec<Line> {
    if !span.analog {
        return vec![span_as_one(span)];
    }
    let carrier = carrier_alarm(span);
    span.channels.iter().map(|(_, word)| carrier.unwrap_or_else(|| of_word(word))).collect()
}

/// One line of a span, by its place in it. `None`: it has none there.
pub fn line_at(span: &SpanGauge, position: u16) -> Option<Line> {
    let (_, word) = span.channels.iter().find(|(place, _)| u16::from(*place) == position)?;
    Some(carrier_alarm(span).unwrap_or_else(|| of_word(word)))
}

/// A whole span on one LED.
pub fn span_as_one(span: &SpanGauge) -> Line {
    match alarm(span).filter(|_| span.digital || !span.analog) {
        Some(alarm) => alarm,
        None if !span.channels.is_empty() && span.channels.iter().all(|(_, word)| *word == "gone") => Line::Gone,
        None if !span.analog && !span.up => Line::DChannelDown,
        None => busiest(span),
    }
}

/// The lines of a T1 have its alarm; a port of an analogue card has one of its own.
fn carrier_alarm(span: &SpanGauge) -> Option<Line> {
    alarm(span).filter(|_| span.digital)
}

fn alarm(span: &SpanGauge) -> Option<Line> {
    crate::observe::alarms(span).into_iter().find(|(_, has)| *has).map(|(name, _)| match name {
        "yellow" => Line::YellowAlarm,
        "blue" => Line::BlueAlarm,
        _ => Line::RedAlarm,
    })
}

/// One LED for thirty channels shows what wants most to be seen.
fn busiest(span: &SpanGauge) -> Line {
    let order = [Line::Ringing, Line::Dialling, Line::InCall, Line::Idle];
    let is_there = |line: &Line| span.channels.iter().any(|(_, word)| of_word(word) == *line);
    order.into_iter().find(is_there).unwrap_or(Line::Blocked)
}

/// A channel's word, as the signalling side has it.
fn of_word(word: &str) -> Line {
    match word {
        "idle" | "resting" => Line::Idle,
        "ringing" => Line::Ringing,
        "dialling" => Line::Dialling,
        "in call" | "clearing" => Line::InCall,
        "off hook" => Line::OffHook,
        "examined" => Line::Doctor,
        // An analogue line's alarm is that nothing is plugged in.
        "alarm" => Line::Unplugged,
        "down" | "gone" => Line::Gone,
        _ => Line::Blocked,
    }
}

#[cfg(test)]
mod tests {
    use tipring_card::Alarms;

    use super::*;

    const WELL: Condition = Condition { ready: true, still: false, released: false };

    fn span(up: bool, alarms: u32, words: &[&'static str]) -> SpanGauge {
        let mut span = SpanGauge { name: "dahdi 1".into(), up, ..SpanGauge::default() };
        span.status.alarms = Alarms(alarms);
        span.channels = (1..).zip(words.iter().copied()).collect();
        span
    }

    #[test]
    fn every_word_of_an_analogue_line_has_its_state() {
        let words =
            ["idle", "ringing", "dialling", "in call", "off hook", "examined", "blocked", "alarm", "down", "resting"];
        let shown = [
            Line::Idle,
            Line::Ringing,
            Line::Dialling,
            Line::InCall,
            Line::OffHook,
            Line::Doctor,
            Line::Blocked,
            Line::Unplugged,
            Line::Gone,
            Line::Idle,
        ];
        let analog = SpanGauge { analog: true, ..span(true, 0, &words) };
        let looks = looks(WELL, &[analog]);
        assert_eq!(looks[0], Appliance::Ready.look());
        assert_eq!(looks[1..11], shown.map(Line::look));
        assert_eq!(looks[11], Line::Disabled.look());
    }

    #[test]
    fn a_span_of_isdn_has_one_led_with_its_alarm_its_link_or_what_it_does() {
        let cases = [
            (span(true, Alarms::RED.0 | Alarms::YELLOW.0, &["idle"]), Line::RedAlarm),
            (span(true, Alarms::YELLOW.0, &["idle"]), Line::YellowAlarm),
            (span(true, Alarms::BLUE.0, &["idle"]), Line::BlueAlarm),
            (span(false, 0, &["down", "down"]), Line::DChannelDown),
            (span(false, 0, &["gone", "gone"]), Line::Gone),
            (span(true, 0, &["in call", "ringing", "idle"]), Line::Ringing),
            (span(true, 0, &["idle", "clearing"]), Line::InCall),
            (span(true, 0, &["idle", "idle"]), Line::Idle),
            (span(true, 0, &["blocked"]), Line::Blocked),
        ];
        for (span, line) in cases {
            assert_eq!(looks(WELL, std::slice::from_ref(&span))[1], line.look(), "{span:?}");
        }
    }

    #[test]
    fn the_lines_of_a_t1_show_its_alarm() {
        let of_t1 = SpanGauge { analog: true, digital: true, ..span(false, Alarms::RED.0, &["alarm", "in call"]) };
        assert_eq!(looks(WELL, &[of_t1])[1..3], [Line::RedAlarm.look(); 2]);
        let of_t1 = SpanGauge { analog: true, digital: true, ..span(true, 0, &["idle", "in call"]) };
        assert_eq!(looks(WELL, &[of_t1])[1..3], [Line::Idle.look(), Line::InCall.look()]);
    }

    #[test]
    fn the_boxs_led_tells_the_worst() {
        let of = |ready, still, released| looks(Condition { ready, still, released }, &[])[0];
        assert_eq!(of(true, false, false), Appliance::Ready.look());
        assert_eq!(of(false, false, false), Appliance::Degraded.look());
        assert_eq!(of(true, false, true), Appliance::RelayReleased.look());
        assert_eq!(of(false, true, true), Appliance::NoMedia.look());
    }

    #[test]
    fn more_lines_than_leds_are_shown_as_far_as_there_are_leds() {
        let many = vec![SpanGauge { analog: true, ..span(true, 0, &["idle"; 30]) }; 9];
        assert_eq!(looks(WELL, &many)[MAX_LEDS - 1], Line::Idle.look());
    }
}
