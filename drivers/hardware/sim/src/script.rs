//! What a telephone does in a call, step by step: plain values, also read from TOML or JSON with the feature `script`.
//! Nothing happens here; [`crate::Phone`] acts.

use tipring_card::Cause;

/// Most steps of one script: a call that needs more is several calls.
pub const MAX_STEPS: usize = 1_000;

/// One step. A step with a limit that runs out is noted and passed over, but a call that is not answered ends there.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "script", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "script", serde(rename_all = "snake_case", deny_unknown_fields))]
pub enum Step {
    /// Is silent for a while.
    #[cfg_attr(feature = "script", serde(alias = "silence"))]
    Wait {
        /// How long.
        ms: u32,
    },
    /// Waits until the other side answers, else hangs up.
    AwaitAnswer {
        /// At most this long.
        #[cfg_attr(feature = "script", serde(default = "answer_limit_ms"))]
        limit_ms: u32,
    },
    /// Waits until there is sound.
    AwaitSound {
        /// At most this long.
        #[cfg_attr(feature = "script", serde(default = "sound_limit_ms"))]
        limit_ms: u32,
    },
    /// Waits until there was sound (since the last keys, tone or speech of ours, or the last such step) and then none
    /// for `ms`.
    AwaitQuiet {
        /// This much quiet is the end of what was said.
        #[cfg_attr(feature = "script", serde(default = "quiet_ms"))]
        ms: u32,
        /// At most this long in all.
        #[cfg_attr(feature = "script", serde(default = "sound_limit_ms"))]
        limit_ms: u32,
    },
    /// Presses keys: DTMF as sound; `W` is a pause of 500 ms.
    Press {
        /// `0`–`9`, `*`, `#`, `A`–`D`, `W`.
        keys: String,
        /// How long each sounds.
        #[cfg_attr(feature = "script", serde(default = "key_ms"))]
        tone_ms: u16,
        /// Silence after each.
        #[cfg_attr(feature = "script", serde(default = "key_ms"))]
        gap_ms: u16,
        /// Level of the higher tone; the lower one is 2 dB less.
        #[cfg_attr(feature = "script", serde(default = "key_dbm0"))]
        level_dbm0: f32,
    },
    /// Whistles.
    Tone {
        /// Frequency.
        hz: f32,
        /// How long.
        ms: u32,
        /// How loud.
        #[cfg_attr(feature = "script", serde(default = "tone_dbm0"))]
        level_dbm0: f32,
    },
    /// Says something.
    #[cfg_attr(feature = "script", serde(skip))]
    Say {
        /// G.711 octets in the law of the line.
        octets: Vec<u8>,
    },
    /// Says what is in a file; [`resolve`] makes a [`Step::Say`] of it first.
    SayFile {
        /// Its name, as the script has it.
        file: String,
    },
    /// Hangs up; whatever follows is not done.
    Hangup {
        /// The Q.850 cause.
        #[cfg_attr(feature = "script", serde(default = "normal_cause"))]
        cause: u8,
    },
    /// Waits until the other side hangs up.
    AwaitHangup {
        /// At most this long.
        #[cfg_attr(feature = "script", serde(default = "answer_limit_ms"))]
        limit_ms: u32,
    },
}

impl Step {
    /// Keys with the usual sound.
    pub fn press(keys: &str) -> Step {
        Step::Press { keys: keys.into(), tone_ms: key_ms(), gap_ms: key_ms(), level_dbm0: key_dbm0() }
    }

    /// Ends the call in the ordinary way.
    pub fn hangup() -> Step {
        Step::Hangup { cause: Cause::NORMAL.0 }
    }

    /// What is wrong with it, in a sentence with a remedy; `None`: nothing.
    pub fn complaint(&self) -> Option<String> {
        match self {
            Step::Press { keys, .. } => {
                let bad =
                    keys.chars().find(|c| !matches!(c, '0'..='9' | '*' | '#' | 'A'..='D' | 'a'..='d' | 'W' | 'w'));
                if keys.len() > crate::dial::MAX_DIAL {
                    return Some(format!("{} keys in one step: press at most {}", keys.len(), crate::dial::MAX_DIAL));
                }
                bad.map(|c| format!("'{c}' is no key: use 0-9, *, #, A-D, or W for a pause"))
            }
            Step::Tone { hz, .. } if !(*hz > 0.0 && *hz < 4_000.0) => {
                Some(format!("a tone of {hz} Hz does not fit a telephone channel: use more than 0 and less than 4000"))
            }
            Step::Hangup { cause } if *cause == 0 || *cause > 127 => {
                Some(format!("{cause} is no Q.850 cause: use 1 to 127, 16 for an ordinary end"))
            }
            _ => None,
        }
    }
}

/// Puts the sound of files into a script: `load` gives G.711 octets in the law of the line.
pub fn resolve<E>(steps: &mut [Step], mut load: impl FnMut(&str) -> Result<Vec<u8>, E>) -> Result<(), E> {
    for step in steps {
        if let Step::SayFile { file } = step {
            *step = Step::Say { octets: load(file)? };
        }
    }
    Ok(())
}

const fn key_ms() -> u16 {
    80
}

const fn key_dbm0() -> f32 {
    -9.0
}

#[cfg(feature = "script")]
mod defaults {
    pub const fn answer_limit_ms() -> u32 {
        60_000
    }

    pub const fn sound_limit_ms() -> u32 {
        30_000
    }

    pub const fn quiet_ms() -> u32 {
        700
    }

    pub const fn tone_dbm0() -> f32 {
        -10.0
    }

    pub const fn normal_cause() -> u8 {
        16
    }
}
#[cfg(feature = "script")]
use defaults::{answer_limit_ms, normal_cause, quiet_ms, sound_limit_ms, tone_dbm0};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_steps_are_named_with_a_remedy() {
        assert_eq!(Step::press("12*#").complaint(), None);
        assert!(Step::press("1x").complaint().is_some_and(|text| text.contains("'x'") && text.contains("use 0-9")));
        assert!(Step::Hangup { cause: 0 }.complaint().is_some());
        assert!(Step::Tone { hz: 5_000.0, ms: 1, level_dbm0: 0.0 }.complaint().is_some());
    }

    #[test]
    fn files_become_speech() {
        let mut steps = [Step::SayFile { file: "a.wav".into() }, Step::hangup()];
        resolve(&mut steps, |file| if file == "a.wav" { Ok(vec![1, 2]) } else { Err(()) }).unwrap();
        assert_eq!(steps[0], Step::Say { octets: vec![1, 2] });
    }

    #[cfg(feature = "script")]
    #[test]
    fn a_script_reads_from_toml() {
        #[derive(serde::Deserialize)]
        struct File {
            steps: Vec<Step>,
        }
        let text = r#"
            steps = [
                { await_answer = {} },
                { await_quiet = { ms = 500 } },
                { press = { keys = "2" } },
                { tone = { hz = 440, ms = 1000 } },
                { silence = { ms = 20 } },
                { hangup = {} },
            ]"#;
        let file: File = toml::from_str(text).unwrap();
        assert_eq!(file.steps[0], Step::AwaitAnswer { limit_ms: 60_000 });
        assert_eq!(file.steps[2], Step::press("2"));
        assert_eq!(file.steps[4], Step::Wait { ms: 20 });
        assert_eq!(file.steps[5], Step::hangup());
        assert!(toml::from_str::<File>("steps = [{ press = { kees = \"2\" } }]").is_err());
    }
}
