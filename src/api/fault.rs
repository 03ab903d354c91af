//! The one error shape: `{"code", "message", "more_info", "status"}`. What the client may know goes into the message;
//! what only the operator may know is logged.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tipring_resources::Code;
use tipring_store::StoreError;

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) status: StatusCode,
    pub(crate) code: Code,
    pub(crate) message: String,
    /// For 405: the methods that are allowed.
    pub(crate) allow: Option<&'static str>,
    /// In how many seconds the same may be asked again, if that is known.
    pub(crate) again_s: Option<u64>,
}

impl Fault {
    fn new(status: StatusCode, code: u32, message: impl Into<String>) -> Self {
        Fault { status, code: Code(code), message: message.into(), allow: None, again_s: None }
    }

    /// A bad request with this code, told in the code's own words.
    pub(crate) fn plain(code: u32) -> Self {
        let code = Code(code);
        Fault::new(StatusCode::BAD_REQUEST, code.0, format!("{}: {}", code.meaning(), code.remedy()))
    }

    /// A bad request with this code, and what exactly is wrong.
    pub(crate) fn bad(code: u32, message: impl Into<String>) -> Self {
        Fault::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// A parameter that cannot be understood.
    pub(crate) fn parameter(name: &str, wanted: &str) -> Self {
        Fault::bad(20002, format!("the parameter {name} is invalid: {wanted} is expected"))
    }

    pub(crate) fn unauthorized() -> Self {
        Fault::new(
            StatusCode::UNAUTHORIZED,
            20003,
            "the credentials are missing or wrong: use the account's SID and token, or a key's SID and secret",
        )
    }

    pub(crate) fn suspended() -> Self {
        Fault::new(StatusCode::FORBIDDEN, 20005, "the account is not active")
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Fault::new(StatusCode::FORBIDDEN, 20403, message)
    }

    /// The same for what never was, what is another account's and what is gone.
    pub(crate) fn not_found() -> Self {
        Fault::new(StatusCode::NOT_FOUND, 20404, "there is no such resource: check the SID and the account")
    }

    pub(crate) fn not_found_because(message: impl Into<String>) -> Self {
        Fault::new(StatusCode::NOT_FOUND, 20404, message)
    }

    pub(crate) fn method(allow: &'static str) -> Self {
        let message = format!("the method is not allowed here: use {allow}");
        Fault { allow: Some(allow), ..Fault::new(StatusCode::METHOD_NOT_ALLOWED, 20004, message) }
    }

    pub(crate) fn conflict(code: u32, message: impl Into<String>) -> Self {
        Fault::new(StatusCode::CONFLICT, code, message)
    }

    pub(crate) fn too_large(what: &str, limit: usize) -> Self {
        Fault::new(StatusCode::PAYLOAD_TOO_LARGE, 20413, format!("{what} is larger than {limit}: send less"))
    }

    pub(crate) fn media_type(found: &str) -> Self {
        Fault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            20415,
            format!("the body is {found:?}: send application/x-www-form-urlencoded"),
        )
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Fault::new(StatusCode::SERVICE_UNAVAILABLE, 20503, message)
    }

    pub(crate) fn internal() -> Self {
        Fault::new(StatusCode::INTERNAL_SERVER_ERROR, 20500, "the box itself failed: its log says why")
    }

    /// As it is shown. `base` is where the box is reached.
    pub(crate) fn body(&self, base: &str) -> Value {
        json!({
            "code": self.code.0,
            "message": self.message,
            "more_info": more_info(base, self.code),
            "status": self.status.as_u16(),
        })
    }
}

/// The page that explains a code.
pub(crate) fn more_info(base: &str, code: Code) -> String {
    format!("{base}/errors/{}", code.0)
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NumberInUse(_) => Fault::plain(21422),
            StoreError::Busy(_) | StoreError::Closed | StoreError::Unreachable(_) => {
                tracing::error!(%error, "the store could not do it");
                Fault::unavailable("the store cannot do it at the moment: try again later")
            }
            error => {
                tracing::error!(%error, "the store failed");
                Fault::internal()
            }
        }
    }
}
