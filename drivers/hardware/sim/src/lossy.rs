//! What becomes of the sound on one analogue line: loss either way, an echo, noise. Sample by sample, so that it does not
//! depend on how time is cut into steps; a line without any of it is never asked and keeps every octet.

use std::collections::VecDeque;

use tipring_card::Law;
use tipring_dsp::{gain_of_db, level::power_at};

use crate::{dial::companding, seed::Seed};

/// Longest delay of an echo: that of a call over a satellite, there and back.
pub const MAX_ECHO_MS: u16 = 1_000;
/// Samples of a millisecond.
const SAMPLES_A_MS: usize = 8;

/// How one line of an office differs from a good one. The default does not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LineFault {
    /// Which line: from 1, in the order of [`crate::Office::lines`].
    pub line: u8,
    /// All that the exchange sends to the box is weaker by so many decibels: tones, caller id and speech alike.
    pub loss_db: f32,
    /// What the box sends to the exchange is weaker by so many decibels.
    pub send_loss_db: f32,
    /// What the box sends comes back to it.
    pub echo: Option<Echo>,
    /// Level of white noise in the direction of the box, without end; below -60 dBm0 the steps of G.711 are louder.
    pub noise_dbm0: Option<f32>,
}

/// An echo of what the box sends.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Echo {
    /// It is weaker than what was sent by so many decibels; the line's other losses do not count.
    pub loss_db: f32,
    /// It comes so much later, at most [`MAX_ECHO_MS`]; the buffers of the card are not in it.
    pub delay_ms: u16,
}

/// A line's fault at work.
pub(crate) struct Lossy {
    to_box: f32,
    to_exchange: f32,
    /// Factor of the echo, and what was sent and has not come back yet.
    echo: Option<(f32, VecDeque<i16>)>,
    /// Factor of the noise, and where it comes from.
    noise: Option<(f32, Seed)>,
}

impl Lossy {
    /// None: the fault is none.
    pub fn new(fault: &LineFault, seed: &Seed) -> Option<Lossy> {
        if *fault == (LineFault { line: fault.line, ..LineFault::default() }) {
            return None;
        }
        let echo = fault.echo.map(|echo| {
            let delay = usize::from(echo.delay_ms.min(MAX_ECHO_MS)) * SAMPLES_A_MS;
            (gain_of_db(-echo.loss_db), VecDeque::from(vec![0; delay]))
        });
        let noise = fault.noise_dbm0.map(|dbm0| (power_at(dbm0).sqrt() * SPREAD_TO_ONE, seed.clone()));
        let (to_box, to_exchange) = (gain_of_db(-fault.loss_db), gain_of_db(-fault.send_loss_db));
        Some(Lossy { to_box, to_exchange, echo, noise })
    }

    /// What the box sends, at most a block; silence when the line carries nothing.
    pub fn box_sends(&mut self, octets: &mut [u8], law: Law) {
        let (coding, gain) = (companding(law), self.to_exchange);
        for octet in octets {
            let sample = coding.decode(*octet);
            if let Some((_, sent)) = &mut self.echo {
                sent.push_back(sample);
            }
            if gain != 1.0 {
                *octet = coding.encode(rounded(f32::from(sample) * gain));
            }
        }
    }

    /// What comes to the box, as many octets as it has just sent in the same stretch of time. A line that carries nothing stays silent, while its
    /// echo goes by.
    pub fn box_hears(&mut self, octets: &mut [u8], law: Law, carries: bool) {
        let coding = companding(law);
        for octet in octets {
            let mut sample = f32::from(coding.decode(*octet)) * self.to_box;
            if let Some((gain, sent)) = &mut self.echo {
                sample += f32::from(sent.pop_front().unwrap_or(0)) * *gain;
            }
            if let Some((gain, seed)) = &mut self.noise {
                sample += one(seed) * *gain;
            }
            if carries {
                *octet = coding.encode(rounded(sample));
            }
        }
    }
}

/// A sample of noise between -2 and 2, of a power of a third: the sum of four even ones is nearly a normal one.
fn one(seed: &mut Seed) -> f32 {
    let bits = seed.draw();
    let part = |place: u32| f32::from((bits >> (16 * place)) as u16 as i16) / 65_536.0;
    part(0) + part(1) + part(2) + part(3)
}

/// Makes a power of a third one of one.
const SPREAD_TO_ONE: f32 = 1.732_050_8;

fn rounded(sample: f32) -> i16 {
    sample.round() as i16 // saturates, and no number is 0
}

#[cfg(test)]
mod tests {
    use tipring_dsp::{Tone, level::dbm0_of};

    use super::*;

    /// Sends samples from the box and gives what came of them: at the exchange, and back at the box.
    fn run(fault: LineFault, sent: &[i16], cut: usize) -> (Vec<i16>, Vec<i16>) {
        let coding = companding(Law::Mu);
        let mut lossy = Lossy::new(&fault, &Seed::new(1)).expect("there is a fault");
        let (mut there, mut back) = (Vec::new(), Vec::new());
        for piece in sent.chunks(cut) {
            let mut octets = vec![0; piece.len()];
            coding.encode_into(piece, &mut octets);
            lossy.box_sends(&mut octets, Law::Mu);
            there.extend(octets.iter().map(|octet| coding.decode(*octet)));
            octets.fill(Law::Mu.silence());
            lossy.box_hears(&mut octets, Law::Mu, true);
            back.extend(octets.iter().map(|octet| coding.decode(*octet)));
        }
        (there, back)
    }

    #[test]
    fn a_line_without_a_fault_is_none() {
        assert!(Lossy::new(&LineFault { line: 3, ..LineFault::default() }, &Seed::new(1)).is_none());
    }

    #[test]
    fn noise_has_its_level_and_is_the_same_however_time_is_cut() {
        for dbm0 in [-50.0, -30.0, -10.0] {
            let fault = LineFault { noise_dbm0: Some(dbm0), ..LineFault::default() };
            let (_, noise) = run(fault, &[0; 16_000], 80);
            assert!((dbm0_of(&noise) - dbm0).abs() < 0.3, "{dbm0}: {}", dbm0_of(&noise));
            assert_eq!(noise, run(fault, &[0; 16_000], 8).1);
        }
    }

    #[test]
    fn an_echo_comes_back_after_its_delay_to_the_sample_and_with_its_loss() {
        for delay_ms in [0, 3, 25] {
            let echo = Some(Echo { loss_db: 12.0, delay_ms });
            let mut sent = vec![0; 8_000];
            Tone::new(1_000.0, -6.0).fill(&mut sent[4_000..]);
            let (there, back) = run(LineFault { echo, send_loss_db: 20.0, ..LineFault::default() }, &sent, 24);
            let begins = back.iter().position(|sample| sample.abs() > 200).expect("an echo");
            let first = sent.iter().position(|sample| sample.abs() > 1_000).expect("sound");
            assert!(begins.abs_diff(first + usize::from(delay_ms) * 8) <= 1, "{delay_ms} ms: {begins} {first}");
            assert!((dbm0_of(&back[5_000..]) + 18.0).abs() < 0.2, "{}", dbm0_of(&back[5_000..]));
            assert!((dbm0_of(&there[5_000..]) + 26.0).abs() < 0.2, "{}", dbm0_of(&there[5_000..]));
        }
    }

    #[test]
    fn figures_without_sense_are_no_panic() {
        let wild = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1e9];
        for figure in wild {
            let echo = Some(Echo { loss_db: figure, delay_ms: u16::MAX });
            let fault = LineFault { line: 1, loss_db: figure, send_loss_db: figure, echo, noise_dbm0: Some(figure) };
            run(fault, &[1_000; 20_000], 80);
        }
    }
}
