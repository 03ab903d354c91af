//! Several callers at once: each with a number and an application of his own, and who hears whom.

use super::*;
use tipring_resources::{Conference, Participant};

impl Bench {
    /// A box where each of these numbers has a document of its own, in this order from 101 on.
    pub fn with_each(documents: &[&str]) -> Bench {
        let mut bench = Bench::bare(1);
        for (n, document) in documents.iter().enumerate() {
            let phone = (101 + n).to_string();
            let url = format!("http://app.test/{phone}");
            bench.knows(Number { voice_url: url.clone(), ..number(&phone) });
            bench.app(&url, &[xml(document)]);
        }
        bench
    }

    /// The exchange rings for the number from 101 on; the call is answered if its document wants it.
    pub fn calls(&mut self, n: usize) -> (Port, Sid) {
        let lease = self.rings_for(&(101 + n).to_string());
        self.wait_ms(100);
        let came_in = |call: &&Call| call.direction == tipring_resources::Direction::Inbound;
        let call = self.router.live_calls().filter(came_in).max_by_key(|call| call.created.0).expect("a live call").sid;
        (lease, call)
    }

    /// Whether what `talker` says is heard by `listener`.
    pub fn hears(&self, listener: Port, talker: Port) -> bool {
        let seats = (self.seats.get(&listener), self.seats.get(&talker));
        let seated = matches!(seats, (Some((a, true, _)), Some((b, _, true))) if a == b && listener != talker);
        seated || self.connected.contains(&(listener, talker))
    }

    /// Who hears whom, as rows of listeners.
    pub fn rows(&self, ports: &[Port]) -> Vec<Vec<bool>> {
        ports.iter().map(|listener| ports.iter().map(|talker| self.hears(*listener, *talker)).collect()).collect()
    }

    /// What a port hears just now.
    pub fn playing_to(&self, port: Port) -> Option<&str> {
        self.playing.values().find(|(_, _, at)| *at == port).map(|(what, _, _)| what.as_str())
    }

    fn every_record<'a, T>(&'a self, of: impl Fn(&'a Record) -> Option<T> + 'a) -> Vec<T> {
        let written = self.log.iter().filter_map(|(_, effect)| match effect {
            Effect::Write { record, .. } => Some(record.as_ref()),
            _ => None,
        });
        written.filter_map(of).collect()
    }

    /// Every record of rooms, in order.
    pub fn rooms(&self) -> Vec<&Conference> {
        self.every_record(|record| match record {
            Record::Conference(room) => Some(room),
            _ => None,
        })
    }

    /// The last record of the only room.
    #[track_caller]
    pub fn room(&self) -> &Conference {
        let rooms = self.rooms();
        let last = rooms.last().expect("no room");
        assert!(rooms.iter().all(|room| room.sid == last.sid), "more than one room");
        last
    }

    /// The last record of a participant, and whether it has left.
    #[track_caller]
    pub fn participant(&self, of: Sid) -> (Participant, bool) {
        let mut last = None;
        for record in self.every_record(Some) {
            match record {
                Record::Participant(participant) if participant.call == of => last = Some((participant.clone(), false)),
                Record::ParticipantGone { call, .. } if *call == of => {
                    last = last.map(|(participant, _)| (participant, true));
                }
                _ => {}
            }
        }
        last.expect("no such participant")
    }

    /// Who waits in queues by the records: calls in the order in which they came.
    pub fn waiting(&self) -> Vec<Sid> {
        let mut waiting: Vec<(i64, Sid)> = Vec::new();
        for record in self.every_record(Some) {
            match record {
                Record::Member(member) => waiting.push((member.enqueued.0, member.call)),
                Record::MemberGone { call, .. } => waiting.retain(|(_, other)| other != call),
                _ => {}
            }
        }
        waiting.sort_by_key(|(at, _)| *at);
        waiting.into_iter().map(|(_, call)| call).collect()
    }

    /// What callbacks at a URL were told, by one of their parameters.
    pub fn told(&self, url: &str, name: &str) -> Vec<String> {
        let of_url = self.callbacks().into_iter().filter(|request| request.url == url);
        of_url.filter_map(|request| value(request, name).map(str::to_owned)).collect()
    }

    /// Everything is over and nothing is left of it.
    #[track_caller]
    pub fn nothing_left(&mut self) {
        self.run_out();
        assert_eq!(self.router.live_calls().count(), 0, "{:#?}", self.lines());
        assert!(self.connected.is_empty(), "{:?}", self.connected);
        assert!(self.seats.keys().all(|port| port.index < 100), "a voice sits somewhere");
        assert!(self.voices.is_empty(), "a voice is left");
        assert!(!self.has_open_recording());
        assert_eq!(self.router.deadline(), None);
        assert_eq!(self.router.busy(), 0);
    }
}
