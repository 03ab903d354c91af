//! What is begun beside a living call: streams, forks to recorders, live transcriptions. All of it is the router's.

use tipring_resources::Sid;

use crate::calls;
use crate::fault::Fault;
use crate::path::Beside;
use crate::serve::{Answer, Asking};

/// Begins one, or (with its SID or name) ends it.
pub(crate) async fn write(asking: &Asking, kind: Beside, call: Sid, name: Option<&str>) -> Result<Answer, Fault> {
    let call = calls::find(asking, call).await?;
    if call.status.is_final() {
        return Err(calls::ended(&call));
    }
    let (what, verb) = match (kind, name) {
        (Beside::Streams, None) => ("a stream", "beginning"),
        (Beside::Streams, Some(_)) => ("a stream", "ending"),
        (Beside::Siprec, _) => ("a fork to a recorder", "beginning or ending"),
        (Beside::Transcriptions, _) => ("a live transcription", "beginning or ending"),
    };
    Err(Fault::unavailable(format!("{verb} {what} is not available yet")))
}
