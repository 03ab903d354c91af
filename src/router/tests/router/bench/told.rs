//! What the router did, as tests ask for it.

use super::*;

impl Bench {
    /// URLs of the documents asked for, in order.
    pub fn asked(&self) -> Vec<&str> {
        let documents = self.requests.iter().filter(|(_, request)| request.purpose == Purpose::Document);
        documents.map(|(_, request)| request.url.as_str()).collect()
    }

    pub fn callbacks(&self) -> Vec<&HttpRequest> {
        let notices = self.requests.iter().filter(|(_, request)| request.purpose == Purpose::Callback);
        notices.map(|(_, request)| request).collect()
    }

    /// The nth request.
    #[track_caller]
    pub fn request(&self, n: usize) -> &HttpRequest {
        &self.requests[n].1
    }

    /// Everything heard, in order.
    pub fn words(&self) -> Vec<&str> {
        self.heard.iter().map(|heard| heard.what.as_str()).collect()
    }

    pub fn call_records(&self) -> Vec<&Call> {
        self.log
            .iter()
            .filter_map(|(_, effect)| match effect {
                Effect::Write { record, .. } => match record.as_ref() {
                    Record::Call(call) => Some(call),
                    _ => None,
                },
                _ => None,
            })
            .collect()
    }

    /// The one final record.
    #[track_caller]
    pub fn last_call(&self) -> &Call {
        let last = self.call_records().into_iter().next_back().expect("no call was written");
        assert!(last.status.is_final(), "the call is not over: {last:?}");
        last
    }

    /// The last record of the newest call to a number.
    #[track_caller]
    pub fn call_to(&self, number: &str) -> Call {
        let calls = self.call_records();
        let call = calls.iter().rev().find(|call| call.to == number).expect("nobody called there");
        (*call).clone()
    }

    pub fn recordings(&self) -> Vec<&Recording> {
        self.log
            .iter()
            .filter_map(|(_, effect)| match effect {
                Effect::Write { record, .. } => match record.as_ref() {
                    Record::Recording(recording) => Some(recording),
                    _ => None,
                },
                _ => None,
            })
            .collect()
    }

    pub fn notifications(&self) -> Vec<&Notification> {
        self.log
            .iter()
            .filter_map(|(_, effect)| match effect {
                Effect::Write { record, .. } => match record.as_ref() {
                    Record::Notification(notification) => Some(notification),
                    _ => None,
                },
                _ => None,
            })
            .collect()
    }

    pub fn codes(&self) -> Vec<u32> {
        self.notifications().iter().map(|notification| notification.code.0).collect()
    }

    /// Causes with which lines were cleared.
    pub fn cleared(&self) -> Vec<u8> {
        self.log
            .iter()
            .filter_map(|(_, effect)| match effect {
                Effect::Line(LineCommand::Clear { cause, .. }) => Some(cause.0),
                _ => None,
            })
            .collect()
    }

    pub fn was_answered(&self) -> bool {
        self.log.iter().any(|(_, effect)| matches!(effect, Effect::Line(LineCommand::Answer { .. })))
    }

    pub fn replies(&self) -> Vec<&Reply> {
        self.log
            .iter()
            .filter_map(|(_, effect)| match effect {
                Effect::Reply { reply, .. } => Some(reply),
                _ => None,
            })
            .collect()
    }

    /// The timeline.
    pub fn lines(&self) -> Vec<String> {
        self.log
            .iter()
            .filter_map(|(at, effect)| match effect {
                Effect::Trace(trace) => {
                    assert_eq!(trace.at, *at);
                    Some(format!("{:>6} {} {}", at.as_ms(), TraceKind::as_str(trace.kind), trace.text))
                }
                _ => None,
            })
            .collect()
    }

    #[track_caller]
    pub fn ended(&self, status: CallStatus, cause: u8) {
        let last = self.last_call();
        assert_eq!((last.status, last.cause), (status, Some(cause)), "{:#?}", self.lines());
    }

    /// The effects as one text, to be compared octet by octet.
    pub fn transcript(&self) -> String {
        self.log.iter().map(|(at, effect)| format!("{} {effect:?}\n", at.0)).collect()
    }

    /// Whether nothing listens, streams or records any more.
    #[track_caller]
    pub fn nothing_is_left(&self) {
        assert!(self.taps.is_empty(), "{} taps stay", self.taps.len());
        assert!(self.playing.is_empty(), "something plays on: {:?}", self.playing);
        assert!(self.connected.is_empty(), "{:?} stays connected", self.connected);
        self.beside.nothing_is_left();
        assert_eq!((self.router.busy(), self.router.deadline()), (0, None));
    }

    /// Records of one kind.
    pub fn records<'a, T>(&'a self, of: impl Fn(&'a Record) -> Option<&'a T>) -> Vec<&'a T> {
        let records = self.log.iter().filter_map(|(_, effect)| match effect {
            Effect::Write { record, .. } => of(record),
            _ => None,
        });
        records.collect()
    }

    /// Requests to this URL, in order.
    pub fn asked_of(&self, url: &str) -> Vec<&HttpRequest> {
        self.requests.iter().map(|(_, request)| request).filter(|request| request.url == url).collect()
    }

    /// How often something was to be done.
    pub fn count(&self, what: impl Fn(&Effect) -> bool) -> usize {
        self.log.iter().filter(|(_, effect)| what(effect)).count()
    }

    /// The recording that a tap goes into.
    pub fn has_open_recording(&self) -> bool {
        self.taps.values().any(|tapped| tapped.sid.is_some())
    }
}
