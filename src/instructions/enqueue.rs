//! `Enqueue`: the caller waits in a queue.

use std::fmt;

use crate::attributes::{Attributes, Number};
use crate::diagnostic::Notes;
use crate::noun::MAX_QUEUE_NAME;
use crate::verb::{Method, text_only};
use crate::xml::{Content, Element};

/// Callers of one queue, as twiml allows.
const MAX_SIZE: u32 = 5_000;

/// Wait in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enqueue {
    /// The queue's name.
    pub name: String,
    /// Asked when the waiting is over; `None`: the next verb.
    pub action: Option<String>,
    /// How.
    pub method: Method,
    /// Heard meanwhile; `None`: the box's own music; empty: silence.
    pub wait_url: Option<String>,
    /// How it is asked.
    pub wait_method: Method,
    /// So many may wait; `None`: as the queue has it.
    pub max_queue_size: Option<u32>,
}

impl fmt::Display for Enqueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Enqueue {:?}", self.name)
    }
}

pub(crate) fn read(element: &Element, notes: &mut Notes<'_>) -> Option<Enqueue> {
    let mut attributes = Attributes::of(element, "Enqueue");
    let action = attributes.given("action");
    let method = attributes.method("method", 14201, notes);
    let wait_url = attributes.text("waitUrl");
    let wait_method = attributes.method("waitUrlMethod", 14206, notes);
    let size = attributes.number("maxQueueSize", Number { code: 14207, range: 1..=MAX_SIZE, default: 0 }, notes);
    attributes.finish(notes);
    for content in &element.content {
        if let Content::Element(task) = content
            && task.name == "Task"
        {
            let text = "<Task> is passed over: there is no task router on this box; name the queue instead".to_owned();
            notes.warn(12200, task.at, text);
        }
    }
    let name = text_only(element, &["Task"], notes);
    let name = if name.is_empty() { "default".to_owned() } else { name };
    if name.chars().count() > MAX_QUEUE_NAME || name.chars().any(char::is_control) {
        let text = format!("<Enqueue>: a name of 1 to {MAX_QUEUE_NAME} characters is expected: passed over");
        notes.warn(14205, element.at, text);
        return None;
    }
    let max_queue_size = (size > 0).then_some(size);
    Some(Enqueue { name, action, method, wait_url, wait_method, max_queue_size })
}
