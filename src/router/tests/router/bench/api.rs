//! What the API asks of the router, and its answers.

use super::*;

impl Bench {
    /// The API's request for a call to Bob.
    pub fn order(instructions: Instructions) -> NewCall {
        NewCall {
            account: account().sid,
            to: BOB.into(),
            from: SHOWN.into(),
            group: String::new(),
            instructions,
            fallback_url: String::new(),
            fallback_method: Method::Post,
            callback: None,
            timeout_s: 60,
            time_limit_s: 14_400,
            send_digits: String::new(),
            record: None,
            machine: None,
        }
    }

    /// A call whose document is asked for at [`APP`].
    pub fn order_url() -> NewCall {
        Bench::order(Instructions::Url { url: APP.into(), method: Method::Post })
    }

    pub fn request_of_api(&mut self, request: Request) -> RequestId {
        self.requests_made += 1;
        let id = RequestId(self.requests_made);
        self.event(Event::Request { id, request });
        id
    }

    /// The API makes a call.
    pub fn creates(&mut self, new: NewCall) -> RequestId {
        self.request_of_api(Request::CreateCall(Box::new(new)))
    }

    /// The API gives a call something else to do.
    pub fn redirects(&mut self, call: Sid, instructions: Instructions) -> RequestId {
        let change = CallChange {
            account: account().sid,
            call,
            instructions: Some(instructions),
            fallback: None,
            callback: None,
            time_limit_s: None,
        };
        self.request_of_api(Request::ChangeCall(Box::new(change)))
    }

    /// The answer to a request of the API.
    pub fn reply(&self, id: RequestId) -> Option<&Reply> {
        self.log.iter().find_map(|(_, effect)| match effect {
            Effect::Reply { id: answered, reply } if *answered == id => Some(reply),
            _ => None,
        })
    }

    pub fn asks_to_end(&mut self, call: Sid, only_unanswered: bool) {
        let request = Request::EndCall { account: account().sid, call, only_unanswered };
        self.event(Event::Request { id: RequestId(1), request });
    }
}
