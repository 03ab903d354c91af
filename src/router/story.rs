//! What a call does from its first request to its end: ask, carry the document out, ask again.

use tipring_card::Cause;
use tipring_resources::{CallStatus, Direction};

use crate::effects::TraceKind;
use crate::fault::Fault;
use crate::fetch::{Ask, Page, Wanted};
use crate::leg::{Leg, Stop};
use crate::limits::{HELP_RINGS_S, LAST_TONE, MAX_DOCUMENTS, MAX_QUICK_DOCUMENTS, MAX_RESCUES, QUICK};
use crate::outgoing;
use crate::sound::{Heard, Noise};
use crate::verbs::{self, Flow};
use crate::world::Input;
use tipring_instructions::Say;
use tipring_switch::Tone;

/// The whole of a call. Returns when the line is clear.
pub(crate) async fn run(leg: Leg) {
    let mut begun = beginning(&leg).await;
    loop {
        // The call ends somewhere in there; what is to be done about it was done at that moment.
        let stop = match begun {
            Ok(wanted) => tell(&leg, wanted).await.err(),
            Err(stop) => Some(stop),
        };
        if stop != Some(Stop::Redirected) {
            break;
        }
        begun = leg.take_redirect();
    }
    leg.line_is_clear().await;
}

/// What is carried out first: of a call that came in its number's application, of one that we make what is to be done
/// after its answer.
async fn beginning(leg: &Leg) -> Result<Wanted, Stop> {
    let (call, number) = leg.call()?;
    if leg.is_over() {
        return Err(Stop::Over);
    }
    if call.direction != Direction::Inbound {
        return outgoing::call_out(leg).await;
    }
    if leg.world().sessions.get(&leg.task).is_some_and(|session| session.calls_help) {
        leg.trace(TraceKind::Verb, "a number for help, dialled on a telephone of the box: nobody is asked");
        let dial = format!("<Dial timeout=\"{HELP_RINGS_S}\">{}</Dial>", call.to);
        return Ok(Wanted::Document(format!("<Response>{dial}</Response>")));
    }
    let voice = leg.world().directory.account(call.account).map(|account| account.voice.clone()).unwrap_or_default();
    let own = number.as_ref().map(|number| (number.voice_url.trim(), number.voice_method));
    let (url, method) = own.filter(|(url, _)| !url.is_empty()).unwrap_or((voice.url.trim(), voice.method));
    if url.is_empty() {
        let words = leg.world().config.unconfigured.clone();
        leg.fault(Fault::warning(10003, "", "the number has no application: the built-in message answers"));
        return Err(leg.last_words(words).await);
    }
    Ok(Wanted::Ask(Ask { url: url.to_owned(), method, extra: Vec::new(), inline: false }))
}

/// Document after document.
async fn tell(leg: &Leg, mut wanted: Wanted) -> Result<(), Stop> {
    if let Wanted::Proof(code) = &wanted {
        return Err(leg.prove(code).await);
    }
    let (mut documents, mut quick, mut rescues) = (0, 0, 0);
    loop {
        documents += 1;
        if documents > MAX_DOCUMENTS || quick > MAX_QUICK_DOCUMENTS || rescues > MAX_RESCUES {
            leg.world().counters.documents_exceeded += 1;
            let text = format!("{quick} documents in a row did nothing but lead to the next, {documents} in all");
            leg.fault(Fault::error(11215, wanted.url(), text));
            return Err(leg.apologise().await);
        }
        let page = match leg.obtain(wanted).await? {
            Ok(page) => page,
            Err(_) => return Err(leg.apologise().await),
        };
        let began = leg.now();
        wanted = match leg.carry_out(&page).await? {
            Some(next) => Wanted::Ask(next),
            None => {
                leg.trace(TraceKind::Verb, "end of the document");
                return Err(leg.finish().await);
            }
        };
        if leg.now() - began >= QUICK {
            (quick, rescues) = (0, 0);
        } else {
            quick += 1;
            rescues += u32::from(page.rescued);
        }
    }
}

impl Leg {
    /// The verbs of a document, one after the other; `Some`: what is asked next.
    async fn carry_out(&self, page: &Page) -> Result<Option<Ask>, Stop> {
        self.world().counters.documents += 1;
        for placed in &page.document.verbs {
            {
                let mut world = self.world();
                world.counters.verbs += 1;
            }
            self.trace(TraceKind::Verb, format!("{} ({})", placed.verb, placed.place));
            match verbs::carry_out(self, page, &placed.verb).await? {
                Flow::Next => {}
                Flow::Leave => {
                    let text = format!("{}: <Leave> stands in no document of a queue: passed over", placed.place);
                    self.fault(Fault::warning(12200, &page.url, text));
                }
                Flow::Ask(ask) => return Ok(Some(ask)),
            }
        }
        Ok(None)
    }

    /// The last resort: tells the caller, and ends the call.
    async fn apologise(&self) -> Stop {
        self.world().counters.apologies += 1;
        let words = self.world().config.apology.clone();
        self.last_words(words).await
    }

    /// Answers if need be, speaks, ends the call; without a voice a cause says it.
    async fn last_words(&self, text: String) -> Stop {
        if let Err(over) = self.answer().await {
            return over;
        }
        let noise = Noise::of_say(&Say { text, rounds: 1, ..Say::default() }, self);
        match self.hear(&noise).await {
            Err(over) => over,
            Ok(Heard::Whole) => self.finish().await,
            Ok(Heard::Failed) => self.last_tone().await,
        }
    }

    /// There is not even a voice: the country's congestion tone, which needs nothing but the switch, and a cause.
    async fn last_tone(&self) -> Stop {
        let tone = Tone::Congestion(self.world().config.zone);
        self.trace(TraceKind::Media, "no voice: the caller hears congestion tone");
        match self.begin_sound(&Noise::Tones(vec![tone])) {
            Err(stop) => return stop,
            Ok(None) => {}
            Ok(Some(mut playing)) => {
                let until = self.now() + LAST_TONE;
                while self.now() < until {
                    let input = match self.next(until).await {
                        Err(stop) => return stop,
                        Ok(input) => input,
                    };
                    if !matches!(input, Input::Timeout) && self.sound_input(&mut playing, &input).is_some() {
                        break;
                    }
                }
                self.stop_sound(&playing);
            }
        }
        self.end(Some(CallStatus::Completed), Cause::TEMPORARY_FAILURE)
    }
}
