//! Sound that is no key: a synthetic speaker (a buzz through three wandering formants, with fricatives and pauses) and
//! synthetic music (chords with harmonics). Seeded. Also taken by the benches beside other detectors.

use crate::world::Dice;
use tipring_dsp::level::peak_at;

/// A synthetic speaker: pulses of a wandering pitch through three resonators.
pub struct Speaker {
    dice: Dice,
    pitch: f32,
    phase: f32,
    formants: [(f32, f32); 3],
    state: [[f32; 2]; 3],
    left: u32,
    kind: u32,
    loudness: f32,
    level: f32,
}

impl Speaker {
    pub fn new(seed: u64) -> Speaker {
        let formants = [(0.0, 0.0); 3];
        Speaker {
            dice: Dice::new(seed),
            pitch: 120.0,
            phase: 0.0,
            formants,
            state: [[0.0; 2]; 3],
            left: 0,
            kind: 0,
            loudness: 0.0,
            level: 1.0,
        }
    }

    /// The next sample, at about -10 dBm0 when it speaks.
    pub fn sample(&mut self) -> i16 {
        if self.left == 0 {
            self.sound();
        }
        self.left -= 1;
        self.phase += self.pitch / 8000.0;
        let pulse = self.phase >= 1.0;
        if pulse {
            self.phase -= 1.0;
            self.pitch *= self.dice.between(0.985, 1.015);
        }
        let source = match self.kind {
            0 => 0.0,
            1 => self.dice.gauss() * 0.3,
            _ => f32::from(u8::from(pulse)) * 4.0 + self.dice.gauss() * 0.02,
        };
        let mut sum = 0.0;
        for (n, ((hz, width), state)) in self.formants.iter().zip(&mut self.state).enumerate() {
            let radius = (-core::f32::consts::PI * width / 8000.0).exp();
            let turn = 2.0 * radius * (core::f32::consts::TAU * hz / 8000.0).cos();
            let next = source * (1.0 - radius) + turn * state[0] - radius * radius * state[1];
            *state = [next, state[0]];
            sum += next / (1.0 + n as f32 * 0.7);
        }
        // A slow level control keeps all voices equally loud.
        let target = peak_at(-10.0) * 0.7;
        self.level += (sum.abs() - self.level) * 0.001;
        let gain = if self.level > 1e-6 { target * 0.6 / self.level } else { 0.0 };
        (sum * gain * self.loudness).clamp(-32000.0, 32000.0) as i16
    }

    fn sound(&mut self) {
        self.kind = [0, 1, 2, 2, 2, 2, 2, 2][(self.dice.next() % 8) as usize];
        self.left = self.dice.between(400.0, 2400.0) as u32;
        self.pitch = self.dice.between(80.0, 300.0);
        self.loudness = if self.kind == 0 { 0.0 } else { self.dice.between(0.3, 1.5) };
        self.formants = [
            (self.dice.between(250.0, 900.0), self.dice.between(40.0, 120.0)),
            (self.dice.between(900.0, 2300.0), self.dice.between(50.0, 150.0)),
            (self.dice.between(2200.0, 3200.0), self.dice.between(80.0, 200.0)),
        ];
    }
}

/// Chords of one to four notes of the tempered scale, 110 Hz to 1760 Hz, with harmonics, 100 to 600 ms each.
pub struct Chords {
    dice: Dice,
    notes: Vec<(f32, f32, f32)>,
    left: u32,
}

impl Chords {
    pub fn new(seed: u64) -> Chords {
        Chords { dice: Dice::new(seed), notes: Vec::new(), left: 0 }
    }

    /// The next sample.
    pub fn sample(&mut self) -> i16 {
        if self.left == 0 {
            self.chord();
        }
        self.left -= 1;
        let mut sum = 0.0;
        for (hz, phase, loud) in &mut self.notes {
            *phase = (*phase + *hz / 8000.0).fract();
            sum += *loud * (core::f32::consts::TAU * *phase).sin();
        }
        (sum * 4000.0).clamp(-32000.0, 32000.0) as i16
    }

    fn chord(&mut self) {
        self.left = self.dice.between(800.0, 4800.0) as u32;
        self.notes.clear();
        for _ in 0..1 + self.dice.next() % 4 {
            let hz = 110.0 * 2f32.powf((self.dice.next() % 49) as f32 / 12.0);
            let rich = self.dice.between(0.15, 0.7);
            let mut loud = self.dice.between(0.5, 1.0);
            for harmonic in 1..6 {
                if hz * (harmonic as f32) < 3600.0 {
                    self.notes.push((hz * harmonic as f32, 0.0, loud));
                }
                loud *= rich;
            }
        }
    }
}
