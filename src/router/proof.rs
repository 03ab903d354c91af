//! The proof that a number may be shown (row C21): the box calls it and asks for a code that only the asker of the API has
//! been told. Whoever keys it has shown that the number reaches him. Anything else (no answer, a wrong code three times,
//! a hang-up) proves nothing; the callback is told so once.

use tipring_card::Micros;
use tipring_instructions::{Document, Say, Verb, parse};
use tipring_resources::{CallerId, Method, Record, SidKind};

use crate::effects::{DirectoryChange, RequestId, TraceKind};
use crate::errand::Errand;
use crate::fault::Fault;
use crate::fetch::Page;
use crate::leg::{Leg, Stop};
use crate::limits::WRITE_LIMIT;
use crate::params::{Params, of_call, param};
use crate::requests::{Instructions, NewCall, Verification};
use crate::sound::Noise;
use crate::verbs::{self, Flow};
use crate::world::{TaskId, World};

/// Tries that somebody has.
const TRIES: usize = 3;
/// How long it rings.
const RING_S: u32 = 60;
/// How long the call may last: three tries with their words.
const LIMIT_S: u32 = 120;
/// What is asked for the code.
const ASKS: &str = "<Response><Gather numDigits='6' timeout='10'>\
                    <Say>Please enter your six digit verification code.</Say></Gather></Response>";

impl World {
    /// The API wants a number to be proved.
    pub(crate) fn verify_caller_id(&mut self, id: RequestId, wanted: Verification) {
        let call = NewCall {
            account: wanted.account,
            to: wanted.phone_number.clone(),
            from: String::new(),
            group: String::new(),
            instructions: Instructions::Proof { code: wanted.code.clone() },
            fallback_url: String::new(),
            fallback_method: Method::Post,
            callback: None,
            timeout_s: RING_S,
            time_limit_s: LIMIT_S,
            send_digits: wanted.extension.clone(),
            record: None,
            machine: None,
        };
        match self.place(call) {
            Ok((call, task, write)) => {
                if let Some(session) = self.sessions.get_mut(&task) {
                    if let Some(outward) = &mut session.outward {
                        outward.delay = Micros::from_s(u64::from(wanted.call_delay_s));
                    }
                    session.proof = Some(Box::new(wanted));
                }
                self.reply_after(id, call, write);
            }
            Err(no) => {
                self.counters.refused_outgoing += 1;
                self.refuse_for(id, no);
            }
        }
    }

    /// The call is over and has proved nothing.
    pub(crate) fn proof_failed(&mut self, task: TaskId) {
        let proof = self.sessions.get_mut(&task).and_then(|session| session.proof.take());
        if let Some(proof) = proof {
            self.tell_proof(task, &proof, &[param("VerificationStatus", "failed")]);
        }
    }

    /// The caller id that a proof makes: a number that was proved before keeps its SID.
    fn caller_id_of(&mut self, proof: &Verification) -> CallerId {
        let now = self.stamp();
        let number = self.config.plan.normal(&proof.phone_number);
        let same = |known: &&CallerId| self.config.plan.normal(&known.phone_number) == number;
        let known = self.directory.caller_ids_of(proof.account).find(same).cloned();
        match known {
            Some(known) => CallerId { friendly_name: proof.friendly_name.clone(), updated: now, ..known },
            None => CallerId {
                sid: self.sid(SidKind::Number),
                account: proof.account,
                phone_number: proof.phone_number.clone(),
                friendly_name: proof.friendly_name.clone(),
                created: now,
                updated: now,
            },
        }
    }

    fn tell_proof(&mut self, task: TaskId, proof: &Verification, told: &[(String, String)]) {
        let Some(call) = self.sessions.get(&task).map(|session| session.call.clone()) else { return };
        if proof.callback.is_empty() {
            return;
        }
        let params: Params = of_call(&call, &self.config, told);
        let (url, method) = (proof.callback.clone(), proof.method);
        self.begin(call.sid, Errand::Callback { call: Box::new(call), url, method, params, write: None });
    }
}

impl Leg {
    /// Asks for the code, says whether it was right, ends the call.
    pub(crate) async fn prove(&self, code: &str) -> Stop {
        let right = match self.ask_for_code(code).await {
            Ok(right) => right,
            Err(stop) => return stop,
        };
        self.trace(TraceKind::Verb, if right { "the number is proved" } else { "the number is not proved" });
        let words = match right {
            false => "The code is wrong. Goodbye.".to_owned(),
            true if self.proved().await => "Thank you. Your number is verified.".to_owned(),
            true => self.world().config.apology.clone(),
        };
        let noise = Noise::of_say(&Say { text: words, rounds: 1, ..Say::default() }, self);
        match self.hear(&noise).await {
            Ok(_) => self.finish().await,
            Err(stop) => stop,
        }
    }

    /// The account may show the number from now on, once that is kept; only then anybody is told. `false`: it could not
    /// be kept, and nothing is proved.
    async fn proved(&self) -> bool {
        let (proof, caller_id, write) = {
            let mut world = self.world();
            // A hang-up from now on changes nothing.
            let proof = world.sessions.get_mut(&self.task).and_then(|session| session.proof.take());
            let Some(proof) = proof else { return false };
            let caller_id = world.caller_id_of(&proof);
            let write = world.write(Record::CallerId(caller_id.clone()));
            world.routes.await_write(write, self.task);
            (proof, caller_id, write)
        };
        if let Err(why) = self.committed(write, WRITE_LIMIT).await {
            self.fault(Fault::error(12400, "", format!("the caller id could not be kept: {why}")));
            self.world().tell_proof(self.task, &proof, &[param("VerificationStatus", "failed")]);
            return false;
        }
        let told = [param("VerificationStatus", "success"), param("OutgoingCallerIdSid", caller_id.sid)];
        let mut world = self.world();
        world.directory.change(DirectoryChange::CallerId(caller_id));
        world.tell_proof(self.task, &proof, &told);
        true
    }

    async fn ask_for_code(&self, code: &str) -> Result<bool, Stop> {
        let document = parse(ASKS.as_bytes(), None).unwrap_or_default();
        let page = Page { url: String::new(), document: Document::default(), rescued: false };
        for _ in 0..TRIES {
            for placed in &document.verbs {
                let Verb::Gather(_) = &placed.verb else { continue };
                if let Flow::Ask(ask) = Box::pin(verbs::carry_out(self, &page, &placed.verb)).await?
                    && ask.extra.iter().any(|(name, keyed)| name == "Digits" && keyed == code)
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
