//! Call events: what an application was asked during a call, and what it answered.

use serde_json::{Map, Value, json};
use tipring_resources::{CallEvent, Sid};
use tipring_store::{Anchor, Column, KeptEvent, Where};

use crate::dates::rfc2822;
use crate::fault::Fault;
use crate::form::Form;
use crate::serve::{Answer, Asking};
use crate::{calls, paging};

pub(crate) fn shown(event: &CallEvent) -> Value {
    json!({
        "request": {
            "method": event.method.as_str(),
            "url": event.url,
            "parameters": parameters(&event.request_variables),
        },
        "response": {
            "response_code": event.status,
            "error_code": event.error_code,
            "request_duration": event.duration_ms,
            "headers": event.response_headers,
            "response_body": event.response_body,
            "date_created": rfc2822(event.at),
        },
    })
}

/// A form as an object. A text that is no form, because it was cut, stays whole under its own name.
fn parameters(variables: &str) -> Value {
    let mut form = Form::default();
    if form.read(variables.as_bytes()).is_err() {
        return json!({ "cut": variables });
    }
    let mut object = Map::new();
    for (name, value) in form.without(&[]) {
        object.entry(name).or_insert_with(|| Value::from(value));
    }
    Value::Object(object)
}

pub(crate) async fn list(asking: &Asking, call: Sid) -> Result<Answer, Fault> {
    let asked = paging::asked(&asking.form)?;
    calls::find(asking, call).await?;
    let which = Where::of(asking.account.sid).equal(Column::Call, call);
    let listing = asking.state.store.list(which, asked.page).await?;
    let anchor = |one: &KeptEvent| Anchor { created: one.event.at, sid: one.sid };
    let show = |one: &KeptEvent| shown(&one.event);
    Ok(paging::envelope(&asking.path.link, &asking.form, asked, "events", &listing, anchor, show))
}
