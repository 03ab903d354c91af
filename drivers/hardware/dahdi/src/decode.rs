//! From the kernel's numbers to the shared words: signalling types, laws, events, spans. Pure: no device is touched.

use tipring_card::{
    Alarms, ChannelId, ChannelInfo, Event, Hook, Law, Signalling, SpanErrors, SpanId, SpanInfo, SpanKind, SpanStatus,
};

use crate::raw;

/// A signalling type of the kernel. The names are crossed: a port towards the exchange has *FXS* signalling.
pub(crate) fn signalling(sigtype: u32) -> Signalling {
    match sigtype {
        0x80 => Signalling::Bearer,
        // In software or by the card: both show the frame and its check sum.
        0x380 | 0x8_0080 => Signalling::Hdlc,
        // Loop start; ground start, for which the kernel does all that is different; and kewlstart, which is loop start that
        // tells a drop of the battery.
        0x2001 | 0x2002 | 0x2004 => Signalling::FxsKs,
        0x1008 | 0x1010 | 0x1020 => Signalling::FxoKs,
        0x8000 => Signalling::Cas,
        other => Signalling::Other(other),
    }
}

/// The law of `curlaw`; what the kernel leaves open is the span's custom.
pub(crate) fn law(curlaw: i32, kind: SpanKind) -> Law {
    match (curlaw, kind) {
        (raw::LAW_A, _) => Law::A,
        (raw::LAW_MU, _) => Law::Mu,
        (_, SpanKind::E1) => Law::A,
        _ => Law::Mu,
    }
}

/// The kernel's number for a law.
pub(crate) fn law_number(law: Law) -> i32 {
    match law {
        Law::A => raw::LAW_A,
        Law::Mu => raw::LAW_MU,
    }
}

/// The kernel's number for a hook action.
pub(crate) fn hook_number(hook: Hook) -> i32 {
    match hook {
        Hook::OnHook => 0,
        Hook::OffHook => 1,
        Hook::Flash => 3,
        Hook::Start => 4,
        Hook::Ring => 5,
        Hook::RingOff => 6,
    }
}

/// An event's code; 0 is none.
pub(crate) fn event(code: i32) -> Option<Event> {
    Some(match code {
        0 => return None,
        1 => Event::OnHook,
        2 => Event::RingOffHook,
        3 => Event::WinkFlash,
        4 => Event::Alarm,
        5 => Event::AlarmCleared,
        6 => Event::HdlcAbort,
        7 => Event::HdlcOverrun,
        8 => Event::HdlcBadFcs,
        9 => Event::DialComplete,
        10 => Event::RingerOn,
        11 => Event::RingerOff,
        12 => Event::HookComplete,
        13 => Event::BitsChanged,
        17 => Event::Polarity,
        18 => Event::RingBegin,
        20 => Event::Removed,
        // A pulse digit is its character beside a bit of its own.
        code if code >> 16 == 1 => match u8::try_from(code & 0xFFFF) {
            Ok(digit @ b'0'..=b'9') => Event::Pulse(digit),
            _ => Event::Other(code as u32),
        },
        other => Event::Other(other as u32),
    })
}

/// A channel as the kernel tells it. None for one that is not configured or has numbers out of range.
pub(crate) fn channel(params: &raw::Params, kind: SpanKind) -> Option<ChannelInfo> {
    if params.sigtype == 0 {
        return None;
    }
    Some(ChannelInfo {
        id: ChannelId(u16::try_from(params.channo).ok()?),
        span: SpanId(u16::try_from(params.spanno).ok()?),
        timeslot: u8::try_from(params.chanpos).ok().filter(|&slot| slot > 0)?,
        signalling: signalling(params.sigtype),
        law: law(params.curlaw, kind),
    })
}

/// A span as the kernel tells it: its name and what it is made for.
pub(crate) fn span(id: SpanId, info: &raw::SpanInfo) -> SpanInfo {
    let name = text(&info.name);
    let description = text(&info.desc);
    let name = if description.is_empty() { name } else { format!("{name} ({description})") };
    SpanInfo { id, kind: kind(info), name }
}

/// Digital spans have line codings to choose from; a span of software tells its kind by its timeslots only.
pub(crate) fn kind(info: &raw::SpanInfo) -> SpanKind {
    let (kind, channels, codings) = (text(&info.spantype), info.numchans, info.linecompat);
    match kind.as_str() {
        "E1" => SpanKind::E1,
        "T1" | "J1" => SpanKind::T1,
        "FXO" | "FXS" | "Analog" => SpanKind::Analog,
        _ if codings == 0 => SpanKind::Analog,
        _ if channels > 24 => SpanKind::E1,
        _ => SpanKind::T1,
    }
}

/// Alarms and the sum of the line's error counters.
pub(crate) fn status(info: &raw::SpanInfo) -> SpanStatus {
    let counters = [info.bpvcount, info.crc4count, info.fascount, info.fecount, info.cvcount];
    // A driver that does not count shows -1, which is all ones here.
    let errors = counters.into_iter().filter(|&c| c != u32::MAX).fold(0, u32::saturating_add);
    let kept = |counter: u32| if counter == u32::MAX { 0 } else { counter };
    let kinds = SpanErrors {
        bpv: kept(info.bpvcount),
        crc4: kept(info.crc4count),
        ebit: kept(info.ebitcount),
        fas: kept(info.fascount),
        framing: kept(info.fecount),
        code: kept(info.cvcount),
        bit: kept(info.becount),
        seconds: kept(info.errsec),
        irq_miss: u32::try_from(info.irqmisses).unwrap_or(0),
    };
    SpanStatus { alarms: Alarms(info.alarms), errors, kinds }
}

/// The text of a field that ends in a zero or at its end.
pub(crate) fn text(field: &[u8]) -> String {
    let end = field.iter().position(|&octet| octet == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signalling_names_are_crossed() {
        for (line, telephone) in [(0x2001, 0x1008), (0x2002, 0x1010), (0x2004, 0x1020)] {
            assert_eq!((signalling(line), signalling(telephone)), (Signalling::FxsKs, Signalling::FxoKs));
        }
        assert_eq!(signalling(0x80), Signalling::Bearer);
        assert_eq!(signalling(0x380), Signalling::Hdlc);
        assert_eq!(signalling(0x40), Signalling::Other(0x40));
    }

    #[test]
    fn an_unknown_event_keeps_its_code() {
        assert_eq!(event(0), None);
        assert_eq!(event(18), Some(Event::RingBegin));
        assert_eq!(event(1 << 17 | 0x35), Some(Event::Other(1 << 17 | 0x35)));
    }

    #[test]
    fn a_span_of_software_is_told_by_its_timeslots() {
        let mut info = raw::SpanInfo::zero();
        info.spantype = *b"Dynami";
        (info.linecompat, info.numchans) = (0x1FF0, 31);
        assert_eq!(kind(&info), SpanKind::E1);
        info.numchans = 24;
        assert_eq!(kind(&info), SpanKind::T1);
        info.linecompat = 0;
        assert_eq!(kind(&info), SpanKind::Analog);
    }

    #[test]
    fn a_counter_that_is_not_kept_counts_nothing() {
        let mut info = raw::SpanInfo::zero();
        (info.bpvcount, info.crc4count, info.alarms) = (u32::MAX, 7, 8);
        info.irqmisses = -1;
        let kinds = SpanErrors { crc4: 7, ..SpanErrors::default() };
        assert_eq!(status(&info), SpanStatus { alarms: Alarms::RED, errors: 7, kinds });
        info.irqmisses = 3;
        assert_eq!(status(&info).kinds.irq_miss, 3);
    }

    #[test]
    fn a_channel_without_signalling_is_not_offered() {
        let mut params = raw::Params::zero();
        (params.channo, params.spanno, params.chanpos, params.curlaw) = (17, 1, 17, raw::LAW_A);
        assert_eq!(channel(&params, SpanKind::E1), None);
        params.sigtype = 0x80;
        let info = channel(&params, SpanKind::E1).expect("configured");
        assert_eq!((info.id, info.timeslot, info.law), (ChannelId(17), 17, Law::A));
        params.channo = -1;
        assert_eq!(channel(&params, SpanKind::E1), None);
    }

    #[test]
    fn a_field_without_end_is_read_to_its_end() {
        assert_eq!(text(b"ab\0cd"), "ab");
        assert_eq!(text(b"abcd"), "abcd");
    }
}
