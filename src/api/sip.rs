//! SIP: this box has none of it yet. Lists are empty, and what would make something says so.

use serde_json::Value;
use tipring_resources::{Account, Stamp};
use tipring_store::{Anchor, Listing};

use crate::fault::Fault;
use crate::paging;
use crate::serve::{Answer, Asking};

/// None.
pub(crate) fn list(asking: &Asking, member: &str) -> Result<Answer, Fault> {
    let asked = paging::asked(&asking.form)?;
    let listing = Listing { items: Vec::<Account>::new(), older: false, newer: false };
    let anchor = |account: &Account| Anchor { created: Stamp(0), sid: account.sid };
    Ok(paging::envelope(&asking.path.link, &asking.form, asked, member, &listing, anchor, |_| Value::Null))
}

/// Refused, with the code of SIP that is not there.
pub(crate) fn create(_asking: &Asking) -> Result<Answer, Fault> {
    Err(Fault::plain(21229))
}
