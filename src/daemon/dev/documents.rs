//! The sample application: static documents, as any web server could hold them.

use super::{DIALLED, WELCOME};
use crate::daemon::app::Document;

/// The documents of the sample application.
pub fn documents() -> Vec<Document> {
    let document = |path: &str, digits: Option<&str>, body: String| Document {
        path: path.into(),
        when: digits.map(|digits| ("Digits".to_string(), digits.to_string())).into_iter().collect(),
        body,
        ..Document::default()
    };
    let menu = format!(
        "<Response>\n  <Gather numDigits=\"1\" timeout=\"5\" action=\"/pressed\">\n    <Say>{WELCOME}</Say>\n  \
         </Gather>\n  <Say>We heard no key.</Say>\n  <Redirect>/menu</Redirect>\n</Response>\n"
    );
    let hours = "<Response><Say>We are open from nine to five.</Say><Redirect>/menu</Redirect></Response>";
    let message = "<Response>\n  <Say>Please speak after the tone, then press hash.</Say>\n  \
                   <Record action=\"/thanks\" maxLength=\"60\" finishOnKey=\"#\"/>\n  \
                   <Say>We heard nothing.</Say>\n</Response>\n";
    let connect = format!(
        "<Response>\n  <Say>One moment, please.</Say>\n  <Dial timeout=\"30\" action=\"/connected\">\n    \
         <Number trunk=\"analog\">{DIALLED}</Number>\n  </Dial>\n</Response>\n"
    );
    let connected = "<Response><Say>The other party has hung up. Goodbye.</Say></Response>";
    let not_connected = "<Response><Say>Nobody could be reached. Goodbye.</Say></Response>";
    let done = |path: &str, status: &str, body: &str| Document {
        path: path.into(),
        when: [("DialCallStatus".to_string(), status.to_string())].into(),
        body: body.into(),
        ..Document::default()
    };
    let thanks = "<Response><Say>Thank you. Goodbye.</Say><Hangup/></Response>";
    vec![
        document("/menu", None, menu),
        document("/pressed", Some("1"), hours.into()),
        document("/pressed", Some("2"), message.into()),
        document("/pressed", None, "<Response><Redirect>/menu</Redirect></Response>".into()),
        document("/thanks", None, thanks.into()),
        document("/connect", None, connect),
        done("/connected", "completed", connected),
        document("/connected", None, not_connected.into()),
    ]
}
