//! The calls that the API's client makes: over the PRI, where somebody answers at once; over the analogue lines, where
//! they wait as long as callers hold both; and such as connect those who answer with somebody else. So many of each are
//! kept going; who has talked long enough, or waited, is ended through the API.

use std::time::{Duration, Instant};

use tipring_resources::Sid;

use crate::application::{Application, SHOWN, Shared};

/// What is kept going.
const KINDS: [Kind; 4] = [
    Kind {
        to: "dahdi/isdn/+12025550190",
        at_once: 2,
        lasts: Duration::from_millis(2_500),
        end: "completed",
        dials: false,
    },
    Kind {
        to: "dahdi/isdn/+12025550191",
        at_once: 1,
        lasts: Duration::from_millis(5_000),
        end: "completed",
        dials: true,
    },
    Kind {
        to: "dahdi/analog/+12025550192",
        at_once: 1,
        lasts: Duration::from_secs(60),
        end: "completed",
        dials: false,
    },
    Kind {
        to: "dahdi/analog/+12025550193",
        at_once: 1,
        lasts: Duration::from_millis(1_500),
        end: "canceled",
        dials: false,
    },
];

#[derive(Debug)]
struct Kind {
    to: &'static str,
    at_once: usize,
    lasts: Duration,
    /// The status that ends it.
    end: &'static str,
    /// It connects who answers with somebody else.
    dials: bool,
}

/// A call to be made.
pub struct Order {
    kind: usize,
    /// As it is posted.
    pub form: String,
}

/// A call that was made.
pub struct Made {
    pub sid: Sid,
    pub order: Order,
}

/// The calls of one life.
pub struct Orders {
    forms: Vec<String>,
    live: Vec<(Made, Instant)>,
}

impl Orders {
    /// None yet.
    pub fn new(application: &Application) -> Orders {
        let form = |kind: &Kind| {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.append_pair("To", kind.to).append_pair("From", SHOWN);
            form.append_pair("StatusCallback", &application.url("told"));
            for event in ["initiated", "ringing", "answered", "completed"] {
                form.append_pair("StatusCallbackEvent", event);
            }
            if kind.dials {
                form.append_pair("Twiml", &application.shared().dial());
            } else {
                form.append_pair("Url", &application.url("out")).append_pair("Record", "true");
                form.append_pair("RecordingStatusCallback", &application.url("recorded"));
            }
            form.finish()
        };
        Orders { forms: KINDS.iter().map(form).collect(), live: Vec::new() }
    }

    /// What is to be made now.
    pub fn due(&mut self, shared: &Shared) -> Vec<Order> {
        self.live.retain(|(made, _)| !shared.has_ended(made.sid));
        let mut due = Vec::new();
        for (kind, (of, form)) in KINDS.iter().zip(&self.forms).enumerate() {
            let live = self.live.iter().filter(|(made, _)| made.order.kind == kind).count();
            due.extend((live..of.at_once).map(|_| Order { kind, form: form.clone() }));
        }
        due
    }

    /// A call was made.
    pub fn made(&mut self, made: Made) {
        self.live.push((made, Instant::now()));
    }

    /// Whose time is over, and the status that ends each.
    pub fn to_end(&self, shared: &Shared) -> Vec<(Sid, &'static str)> {
        let over = self.live.iter().filter(|(made, since)| since.elapsed() > KINDS[made.order.kind].lasts);
        let live = over.filter(|(made, _)| !shared.has_ended(made.sid));
        live.map(|(made, _)| (made.sid, KINDS[made.order.kind].end)).collect()
    }
}
