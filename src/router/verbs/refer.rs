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
    let told = vec![param("ReferCallStatus", "failed")];
    page.ask_action(refer.action.as_deref(), refer.method, told).map_or(Flow::Next, Flow::Ask)
}
