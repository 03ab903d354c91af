//! Documents inside a verb: what somebody hears who waits, what a called party hears before it is connected, what is
//! announced. They are asked for and carried out as all others are, with only the verbs that may stand there; without
//! fallback, for nothing but the sound of waiting depends on them. Whatever the leg waits for calls it away in the
//! middle of any of them ([`Stop::CalledAway`]).

use tipring_card::Micros;
use tipring_instructions::DocumentPlace;
use tipring_resources::Method;

use crate::effects::MediaSource;
use crate::fault::Fault;
use crate::fetch::{Ask, Page};
use crate::leg::{Leg, Stop};
use crate::limits::{QUICK, WAIT_AGAIN, WAIT_AGAIN_FAILED};
use crate::params::Params;
use crate::sound::{Heard, Noise};
use crate::verbs::{self, Flow};
use crate::world::{Input, TaskId, World};

/// What is heard meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Background {
    /// The box's own music.
    #[default]
    Music,
    Silence,
    /// A document or a sound; asked again whenever it has run out.
    Document {
        url: String,
        method: Method,
    },
}

impl Background {
    /// As an attribute says it: nothing is music, empty is silence.
    pub(crate) fn of(url: Option<String>, method: Method) -> Background {
        match url {
            None => Background::Music,
            Some(url) if url.trim().is_empty() => Background::Silence,
            Some(url) => Background::Document { url, method },
        }
    }
}

/// How a document in a special place ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    /// All of it was carried out; the last of its documents was there at this moment.
    Whole { began: Micros },
    /// By Leave.
    Left,
    /// It could not be had; a notification is written.
    Failed,
}

/// What each request for a nested document tells beside what all tell.
pub(crate) type Tells<'a> = &'a (dyn Fn(&mut World) -> Params + Sync);

impl World {
    /// What a leg waits for has come, or it is wanted elsewhere: the document that it hears is cut.
    pub(crate) fn call_away(&mut self, task: TaskId) {
        if let Some(session) = self.sessions.get_mut(&task).filter(|session| !session.over) {
            session.called_away = true;
            self.deliver(task, Input::Room);
        }
    }
}

impl Leg {
    /// The leg is called away at this moment, whatever it hears then.
    pub(crate) fn away_at(&self, at: Micros) {
        if let Some(session) = self.world().sessions.get_mut(&self.task) {
            session.away_at = at;
        }
    }

    /// Takes note of being called away, by somebody or by the clock: what the leg had under way is taken back.
    pub(crate) fn heed(&self) {
        let mut world = self.world();
        if let Some(session) = world.sessions.get_mut(&self.task) {
            session.called_away = false;
        }
        world.take_back(self.task, true);
    }

    /// Hears it until it is called away, or a document of it says Leave.
    pub(crate) async fn hear_background(
        &self,
        background: &Background,
        place: DocumentPlace,
        tells: Tells<'_>,
    ) -> Result<(), Stop> {
        match background {
            Background::Silence => loop {
                self.idle(Micros::FOREVER).await?;
            },
            Background::Music => loop {
                let began = self.now();
                match self.hear(&Noise::Media(MediaSource::Music)).await? {
                    Heard::Failed => self.idle(self.now() + WAIT_AGAIN_FAILED).await?,
                    Heard::Whole => self.idle(began + WAIT_AGAIN).await?,
                }
            },
            Background::Document { url, method } => loop {
                match self.run_nested(url, *method, place, tells).await? {
                    Ran::Left => return Ok(()),
                    Ran::Failed => self.idle(self.now() + WAIT_AGAIN_FAILED).await?,
                    // However long its server took to answer: it was heard for no longer than this.
                    Ran::Whole { began } => self.idle(began + WAIT_AGAIN).await?,
                }
            },
        }
    }

    /// Nothing but time passes.
    pub(crate) async fn idle(&self, until: Micros) -> Result<(), Stop> {
        while self.now() < until {
            if let Input::Key(_) = self.next(until).await? {
                self.world().counters.keys_unheard += 1;
            }
        }
        Ok(())
    }

    /// Carries a document out in a special place, and those that it leads to.
    pub(crate) async fn run_nested(
        &self,
        url: &str,
        method: Method,
        place: DocumentPlace,
        tells: Tells<'_>,
    ) -> Result<Ran, Stop> {
        let mut ask = Ask { url: url.to_owned(), method, extra: Vec::new(), inline: false };
        let (mut quick, mut short) = (0, 0);
        loop {
            let told = tells(&mut self.world());
            ask.extra.extend(told);
            let Ok(page) = self.try_one(&ask).await? else {
                return Ok(Ran::Failed);
            };
            // The time of a slow server is none in which something was heard.
            let began = self.now();
            match self.carry_out_nested(page, place).await? {
                Flow::Next => return Ok(Ran::Whole { began }),
                Flow::Leave => return Ok(Ran::Left),
                Flow::Ask(next) => ask = next,
            }
            let lasted = self.now() - began;
            quick = if lasted < QUICK { quick + 1 } else { 0 };
            short = if lasted < WAIT_AGAIN { short + 1 } else { 0 };
            if quick > MAX_QUICK_NESTED {
                self.world().counters.documents_exceeded += 1;
                let text = format!("{quick} documents in a row did nothing but lead to the next");
                self.fault(Fault::error(11215, &ask.url, text));
                return Ok(Ran::Failed);
            }
            if short > MAX_SHORT_NESTED {
                // Its server is not asked more often than that of a document which is asked again.
                self.idle(began + WAIT_AGAIN).await?;
            }
        }
    }

    async fn carry_out_nested(&self, page: Page, place: DocumentPlace) -> Result<Flow, Stop> {
        let before = page.document.notes.len();
        let page = Page { document: page.document.limit_to(place), ..page };
        for note in page.document.notes.iter().skip(before) {
            self.fault(Fault::of_document(note, &page.url));
        }
        self.world().counters.documents += 1;
        for placed in &page.document.verbs {
            self.world().counters.verbs += 1;
            // A verb may hold a document that holds verbs: the size of the future must end somewhere.
            match Box::pin(verbs::carry_out(self, &page, &placed.verb)).await? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }
}

/// Documents in a row that did nothing a listener could notice.
const MAX_QUICK_NESTED: u32 = 20;
/// Documents in a row that lasted less than a second, before time is let pass between them.
const MAX_SHORT_NESTED: u32 = 3;
