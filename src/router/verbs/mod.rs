//! The verbs: each reads like what it does. A verb returns where the call goes on; it fails only because the call is
//! over or has got another document from the API.

mod connect;
mod dial;
mod enqueue;
mod gather;
mod message;
mod pause;
mod record;
mod refer;
mod reject;
mod speak;
mod start;

use tipring_instructions::Verb;

use crate::errand::Errand;
use crate::fetch::{Ask, Page};
use crate::leg::{Leg, Stop};

/// Where a call goes on after a verb.
pub(crate) enum Flow {
    /// With the next verb.
    Next,
    /// With another document.
    Ask(Ask),
    /// Behind the verb in which this document is heard.
    Leave,
}

impl Leg {
    /// Where a call goes on behind a verb: its action is asked, or the next verb follows. Whoever has hung up: the
    /// application hears of it all the same, but what it answers has no call any more.
    fn ask_or_notice(&self, ask: Option<Ask>) -> Result<Flow, Stop> {
        let over = self.is_over();
        match ask {
            Some(ask) if over => {
                self.notice(ask)?;
                Err(Stop::Over)
            }
            Some(ask) => Ok(Flow::Ask(ask)),
            None if over => Err(Stop::Over),
            None => Ok(Flow::Next),
        }
    }

    /// Asks beside the call; nobody carries the answer out.
    fn notice(&self, ask: Ask) -> Result<(), Stop> {
        let call = self.call()?.0;
        self.world().begin(call.sid, Errand::Notice { call: Box::new(call), ask });
        Ok(())
    }
}

pub(crate) async fn carry_out(leg: &Leg, page: &Page, verb: &Verb) -> Result<Flow, Stop> {
    match verb {
        Verb::Say(say) => speak::say(leg, say).await,
        Verb::Play(play) => speak::play(leg, page, play).await,
        Verb::Gather(gather) => gather::run(leg, page, gather).await,
        Verb::Record(record) => record::run(leg, page, record).await,
        Verb::Pause(pause) => pause::run(leg, *pause).await,
        Verb::Redirect(redirect) => Ok(Flow::Ask(page.ask(Some(&redirect.url), redirect.method, Vec::new()))),
        Verb::Reject(reject) => Err(reject::run(leg, *reject)),
        Verb::Hangup => Err(leg.finish().await),
        Verb::Dial(dial) => dial::run(leg, page, dial).await,
        Verb::Enqueue(enqueue) => enqueue::run(leg, page, enqueue).await,
        Verb::Leave => Ok(Flow::Leave),
        Verb::Refer(refer) => Ok(refer::run(leg, page, refer)),
        Verb::Sms(sms) | Verb::Message(sms) => message::run(leg, page, sms).await,
        Verb::Connect(connect) => connect::run(leg, page, connect).await,
        Verb::Start(start) => start::run(leg, page, start).await,
        Verb::Stop(stop) => start::stop(leg, page, stop),
        Verb::Echo => connect::echo(leg).await,
        Verb::Unsupported { .. } => Ok(Flow::Next),
    }
}
