//! What documents may say and the router does not carry out yet: a notification tells it, so that nothing is passed over
//! in silence.

use tipring_instructions::{Target, Verb};

use crate::fault::Fault;
use crate::fetch::Page;
use crate::leg::Leg;

pub(super) fn tell(leg: &Leg, page: &Page, verb: &Verb) {
    for (code, text) in missing(verb) {
        leg.failed(Fault::warning(code, &page.url, text));
    }
}

fn missing(verb: &Verb) -> Vec<(u32, String)> {
    match verb {
        Verb::Refer(_)
        | Verb::Sms(_)
        | Verb::Message(_)
        | Verb::Connect(_)
        | Verb::Start(_)
        | Verb::Stop(_)
        | Verb::Echo => vec![(12200, format!("<{}> is not available on this box yet: passed over", verb.name()))],
        Verb::Gather(gather) if gather.speech => {
            let rest = if gather.keys { "only keys count" } else { "no input will be found" };
            vec![(13326, format!("<Gather input>: speech is not available on this box yet, {rest}"))]
        }
        Verb::Record(record) if record.transcribe => {
            vec![(13618, "<Record transcribe>: no recognizer is configured; the call goes on without".to_owned())]
        }
        Verb::Dial(dial) => dial.targets.iter().flat_map(of_target).collect(),
        _ => Vec::new(),
    }
}

fn of_target(target: &Target) -> Vec<(u32, String)> {
    let Target::Number(number) = target else {
        return Vec::new();
    };
    let mut missing = Vec::new();
    if number.machine_detection.is_some() {
        let text = "<Number machineDetection>: answering machines are not recognized on this box yet; whoever answers is \
                    connected";
        missing.push((13211, text.to_owned()));
    }
    missing
}
