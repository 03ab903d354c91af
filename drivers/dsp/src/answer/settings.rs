//! What is expected of a verdict, and within which times.

/// What the verdict waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Expected {
    /// `Enable`: a machine is told as soon as it is certain.
    #[default]
    Start,
    /// `DetectMessageEnd`: a machine is told when a message can be left.
    MessageEnd,
}

/// Times of a listener. Outside their bounds the nearest bound is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What the verdict waits for.
    pub expected: Expected,
    /// The latest verdict. 3 s to 60 s.
    pub timeout_ms: u32,
    /// Speech longer than this is a machine's. 1 s to 6 s.
    pub speech_threshold_ms: u32,
    /// Silence after speech that ends it. 0.5 s to 5 s.
    pub speech_end_threshold_ms: u32,
    /// Nothing said for so long at the beginning: unknown. 2 s to 10 s.
    pub silence_timeout_ms: u32,
}

impl Settings {
    /// The usual times.
    pub const fn new(expected: Expected) -> Settings {
        Settings {
            expected,
            timeout_ms: 30_000,
            speech_threshold_ms: 2_400,
            speech_end_threshold_ms: 1_200,
            silence_timeout_ms: 5_000,
        }
    }

    pub(super) fn within_bounds(self) -> Settings {
        Settings {
            expected: self.expected,
            timeout_ms: self.timeout_ms.clamp(3_000, 60_000),
            speech_threshold_ms: self.speech_threshold_ms.clamp(1_000, 6_000),
            speech_end_threshold_ms: self.speech_end_threshold_ms.clamp(500, 5_000),
            silence_timeout_ms: self.silence_timeout_ms.clamp(2_000, 10_000),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings::new(Expected::Start)
    }
}
