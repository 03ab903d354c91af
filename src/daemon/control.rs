//! The face towards the box's own operator: HTTP on a Unix socket in the runtime directory, for its user and root alone.
//! Here are the socket and what asks at it; what is answered is put together by whoever serves it. Not the API.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixStream};

use super::serve::{StartError, failed};

/// Its name in the runtime directory.
pub const SOCKET: &str = "control.sock";
/// An answer is shorter: a box has at most some hundred lines and two thousand calls.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// Takes the socket; what a dead process has left is replaced. The state directory's lock has settled whose it is.
pub fn bind(runtime_dir: &Path) -> Result<UnixListener, StartError> {
    let path = runtime_dir.join(SOCKET);
    let taken = (|| {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    })();
    taken.map_err(|error: io::Error| failed(&path.display().to_string())(&error))
}

/// Where a command of this box finds the socket: a service manager says it to the commands that it runs itself.
pub fn socket_of(runtime_dir: &Path) -> PathBuf {
    match std::env::var_os("RUNTIME_DIRECTORY") {
        Some(dir) if !dir.is_empty() => Path::new(&dir).join(SOCKET),
        _ => runtime_dir.join(SOCKET),
    }
}

/// Asks the running service. The status, and the text of the answer.
pub async fn ask(socket: &Path, method: &str, target: &str, limit: Duration) -> Result<(u16, String), StartError> {
    let failed = |exit: u8, why: &dyn std::fmt::Display| StartError {
        exit,
        text: format!("{}: {why}; is tipring running, and are you root or its user?", socket.display()),
    };
    let away = |why: &dyn std::fmt::Display| failed(69, why);
    let shut = |why: io::Error| failed(if why.kind() == io::ErrorKind::PermissionDenied { 77 } else { 69 }, &why);
    let asked = async {
        let stream = UnixStream::connect(socket).await.map_err(shut)?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| away(&error))?;
        tokio::spawn(async move {
            // It ends with the answer.
            let _ = connection.await;
        });
        let request = hyper::Request::builder().method(method).uri(target).header("host", "localhost");
        let request = request.body(Empty::<bytes::Bytes>::new()).map_err(|error| away(&error))?;
        let (head, body) = sender.send_request(request).await.map_err(|error| away(&error))?.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| away(&error))?;
        Ok((head.status.as_u16(), String::from_utf8_lossy(&body.to_bytes()).into_owned()))
    };
    tokio::time::timeout(limit, asked).await.map_err(|_| away(&format!("no answer within {} s", limit.as_secs())))?
}
