//! Dial a queue: whoever waits there longest is connected with the one who dials; if nobody waits, he waits for the next.

use tipring_card::Micros;
use tipring_instructions::QueueNoun;

use super::Dialling;
use super::outcome::Outcome;
use crate::bridge::ChildState;
use crate::fault::Fault;
use crate::fetch::method_of;
use crate::leg::Stop;
use crate::queues::call_of;
use crate::world::{Input, TaskId};

impl Dialling<'_> {
    pub(super) async fn serve(&mut self, noun: &QueueNoun) -> Result<Outcome, Stop> {
        self.leg.answer().await?;
        let account = self.leg.call()?.0.account;
        let Some(sid) = self.leg.world().queues.find(account, &noun.name) else {
            let text = format!("{}: there is no queue \"{}\"; callers make it with <Enqueue>", noun.place, noun.name);
            self.leg.failed(Fault::warning(14219, &self.page.url, text));
            return Ok(Outcome::without_call("failed"));
        };
        let whisper = noun.url.as_deref().map(|url| (self.page.resolve(url), method_of(noun.method)));
        let until = self.leg.now() + Micros::from_s(u64::from(self.dial.timeout_s));
        loop {
            if self.starred {
                return Ok(Outcome::without_call("canceled"));
            }
            if !self.leg.world().agent_waits(self.leg.task, sid, whisper.clone()) {
                let text = format!("{}: the queue \"{}\" was deleted meanwhile", noun.place, noun.name);
                self.leg.failed(Fault::warning(14219, &self.page.url, text));
                return Ok(Outcome::without_call("failed"));
            }
            let Some(caller) = self.offered(until).await? else {
                return Ok(Outcome::without_call(if self.starred { "canceled" } else { "no-answer" }));
            };
            // He hears the agent's document first, or hangs up in it.
            while matches!(self.state(caller), ChildState::Screening) {
                self.next(Micros::FOREVER).await?;
            }
            if !self.state(caller).is_gone() {
                return self.talk(caller).await;
            }
        }
    }

    /// The caller that the queue has for this agent; `None`: none came in time, or the agent has pressed the star.
    async fn offered(&mut self, until: Micros) -> Result<Option<TaskId>, Stop> {
        while !self.starred {
            let offered = {
                let mut world = self.leg.world();
                let caller = world.sessions.get_mut(&self.leg.task).and_then(|session| session.offered.take());
                caller.and_then(|caller| Some((caller, call_of(&world, caller)?)))
            };
            if let Some((caller, call)) = offered {
                // The same one may come again.
                self.legs.retain(|(task, _)| *task != caller);
                self.legs.push((caller, call));
                return Ok(Some(caller));
            }
            if let Input::Timeout = self.next(until).await? {
                break;
            }
        }
        Ok(None)
    }
}
