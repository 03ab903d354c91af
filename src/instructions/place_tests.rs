//! Documents in special places.

use super::*;

const ALL: &str = "<Response><Say>a</Say><Play>b</Play><Pause/><Gather/><Record/><Dial>1</Dial><Redirect>/r</Redirect>\
                   <Reject/><Hangup/><Enqueue>q</Enqueue><Leave/><Sms>x</Sms><Echo/><Pay/></Response>";

#[test]
fn b15_only_some_verbs_may_stand_in_special_documents() {
    for (place, wanted, dial) in [
        (DocumentPlace::RoomWait, "Say Play Pause Redirect", 13238),
        (DocumentPlace::Announce, "Say Play Pause Redirect", 13238),
        (DocumentPlace::QueueWhisper, "Say Play Pause Redirect", 13201),
        (DocumentPlace::QueueWait, "Say Play Pause Gather Redirect Hangup Leave", 12200),
        (DocumentPlace::Whisper, "Say Play Pause Gather Redirect Hangup", 13201),
    ] {
        let whole = sound(ALL);
        let left = whole.verbs.len();
        let limited = whole.limit_to(place);
        let names: Vec<&str> = limited.verbs.iter().map(|placed| placed.verb.name()).collect();
        assert_eq!(names.join(" "), wanted, "{place:?}");
        let about_dial = limited.notes.iter().find(|note| note.text.starts_with("<Dial>")).expect("a complaint");
        assert_eq!((about_dial.code, about_dial.line, about_dial.level), (dial, 1, Level::Warning), "{place:?}");
        let pay = limited.notes.iter().filter(|note| note.text.starts_with("<Pay>")).count();
        assert_eq!((limited.notes.len() - pay, pay), (left - limited.verbs.len() - 1, 1), "{place:?}");
    }
}

#[test]
fn b15_complaints_of_the_place_are_bounded_too() {
    let many = sound(&format!("<Response>{}<x/></Response>", "<Dial>1</Dial>".repeat(500)));
    let limited = many.limit_to(DocumentPlace::Whisper);
    assert_eq!((limited.verbs.len(), limited.notes.len()), (0, MAX_NOTES));
}
