//! Voices of the box: places of the switch without a channel. A room has one for its beeps and its recording, an
//! announcement has one while it lasts.

use std::ops::Range;

use tipring_card::Law;
use tipring_switch::{Command as SwitchCommand, Port};

use crate::effects::Effect;
use crate::world::World;

/// The places, and how often each was used.
#[derive(Default)]
pub(crate) struct Sources {
    free: Vec<u16>,
    first: u16,
    used: Vec<u32>,
}

impl Sources {
    pub(crate) fn new(places: Range<u16>) -> Self {
        Sources { used: vec![0; places.len()], first: places.start, free: places.rev().collect() }
    }

    /// The next use of a free place.
    fn take(&mut self) -> Option<Port> {
        let index = self.free.pop()?;
        let used = self.used.get_mut(usize::from(index - self.first))?;
        *used = used.wrapping_add(1);
        Some(Port { index, generation: *used })
    }
}

impl World {
    /// A voice of the box; `None`: all are in use, which is counted.
    pub(crate) fn begin_source(&mut self, law: Law) -> Option<Port> {
        let Some(port) = self.sources.take() else {
            self.counters.voices_missing += 1;
            return None;
        };
        self.emit(Effect::Switch(SwitchCommand::AttachSource { port, law }));
        Some(port)
    }

    /// A voice is not needed any more: what it says is cut, its taps end.
    pub(crate) fn end_source(&mut self, port: Port) {
        self.emit(Effect::Switch(SwitchCommand::Detach { port }));
        self.sources.free.push(port.index);
    }
}
