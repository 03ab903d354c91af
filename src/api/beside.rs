//! What is begun beside a living call: streams, forks to recorders, live transcriptions. All of it is the router's.

use tipring_resources::Sid;

use crate::fault::Fault;
use crate::path::Beside;
use crate::serve::{Answer, Asking};
use crate::{calls, live};

/// Begins one, or (with its SID or name) ends it.
pub(crate) async fn write(asking: &Asking, kind: Beside, call: Sid, name: Option<&str>) -> Result<Answer, Fault> {
    let call = calls::find(asking, call).await?;
    if call.status.is_final() {
        return Err(calls::ended(&call));
    }
    live::beside(asking, kind, call.sid, name).await
}
