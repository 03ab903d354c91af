//! Refer: only a SIP leg can be sent elsewhere, and the lines of this box have none.

use tipring_instructions::Refer;

use crate::fault::Fault;
use crate::fetch::Page;
use crate::leg::Leg;
use crate::params::param;
use crate::verbs::Flow;

pub(super) fn run(leg: &Leg, page: &Page, refer: &Refer) -> Flow {
    let text = "<Refer>: the call is on a telephone line, only a SIP leg can be referred; use <Dial>";
    leg.failed(Fault::error(13801, &page.url, text));
    match refer.action.as_deref().filter(|action| !action.is_empty()) {
        Some(action) => {
            let told = vec![param("ReferCallStatus", "failed")];
            Flow::Ask(page.ask(Some(action), refer.method, told))
        }
        None => Flow::Next,
    }
}
