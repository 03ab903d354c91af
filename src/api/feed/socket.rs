//! The same over a WebSocket (RFC 6455): a text message for each event. What the client says is not heard.

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;

use super::ring::Taken;
use super::{Listener, STANDSTILL};

pub(super) fn answer(listener: Listener, upgrade: WebSocketUpgrade) -> Response {
    upgrade.max_message_size(HEARD_MAX).max_frame_size(HEARD_MAX).on_upgrade(move |socket| tell(listener, socket))
}

async fn tell(mut listener: Listener, mut socket: WebSocket) {
    let (code, reason) = until_the_end(&mut listener, &mut socket).await;
    let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    let end = async {
        let _ = socket.send(close).await;
        // A close is over when both sides have said it; reading it brings our answer on its way, too.
        while let Some(Ok(_)) = socket.recv().await {}
    };
    let _ = tokio::time::timeout(STANDSTILL, end).await;
}

/// Tells until there is a reason to stop.
async fn until_the_end(listener: &mut Listener, socket: &mut WebSocket) -> (u16, &'static str) {
    let begin = if listener.reader.is_reset { "reset" } else { "open" };
    let hello = format!("{{\"id\":\"{}\",\"type\":\"{begin}\"}}", listener.reader.id());
    if !said(socket, Message::Text(hello.into())).await {
        return (close_code::AWAY, "");
    }
    let mut every = tokio::time::interval(listener.pulse());
    every.tick().await;
    let mut alive = true;
    loop {
        match listener.reader.take() {
            Taken::Behind => return (close_code::POLICY, "too slow: come back with LastEventId"),
            Taken::Some(happenings) if happenings.is_empty() => {
                tokio::select! {
                    () = listener.reader.news() => {}
                    heard = socket.recv() => match heard {
                        Some(Ok(Message::Close(_))) | None | Some(Err(_)) => return (close_code::NORMAL, ""),
                        Some(Ok(_)) => alive = true,
                    },
                    _ = every.tick() => {
                        if !std::mem::replace(&mut alive, false) {
                            return (close_code::AWAY, "no sign of life");
                        }
                        if !listener.may_listen().await {
                            return (close_code::POLICY, "the credentials hold no more");
                        }
                        if !said(socket, Message::Ping(bytes::Bytes::new())).await {
                            return (close_code::AWAY, "");
                        }
                    }
                }
            }
            Taken::Some(happenings) => {
                for one in happenings {
                    if !said(socket, Message::Text(one.text.as_str().into())).await {
                        return (close_code::AWAY, "");
                    }
                }
            }
        }
    }
}

async fn said(socket: &mut WebSocket, message: Message) -> bool {
    matches!(tokio::time::timeout(STANDSTILL, socket.send(message)).await, Ok(Ok(())))
}

/// Octets of a message of the client at most.
const HEARD_MAX: usize = 4096;
