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
        Verb::Enqueue(_) | Verb::Leave => {
            vec![(12200, format!("<{}> is not available on this box yet: passed over", verb.name()))]
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
    if number.url.is_some() {
        let text =
            "<Number url>: a document for the called party is not available on this box yet; it is connected at once";
        missing.push((12200, text.to_owned()));
    }
    missing
}
