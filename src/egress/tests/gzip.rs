//! Just enough gzip to make answers by hand (RFC 1951, RFC 1952).

/// A correct gzip file of stored blocks.
pub fn stored(data: &[u8]) -> Vec<u8> {
    let mut file = HEAD.to_vec();
    let length = u16::try_from(data.len()).expect("one block");
    file.push(1);
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(&(!length).to_le_bytes());
    file.extend_from_slice(data);
    file.extend_from_slice(&crc32(data).to_le_bytes());
    file.extend_from_slice(&u32::from(length).to_le_bytes());
    file
}

/// A file of a few kilobytes that unpacks to `runs` × 258 zero bytes.
pub fn bomb(runs: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    // A last block with fixed codes: BFINAL, BTYPE = 01 with its low bit first.
    bits.extend([true, true, false]);
    let code =
        |bits: &mut Vec<bool>, value: u32, length: u32| bits.extend((0..length).rev().map(|it| value >> it & 1 == 1));
    // Literal 0 is 0x30 in 8 bits.
    code(&mut bits, 0x30, 8);
    for _ in 0..runs {
        // Length 258 is symbol 285, 8 bits; distance 1 is symbol 0, 5 bits.
        code(&mut bits, 0b1100_0101, 8);
        code(&mut bits, 0, 5);
    }
    code(&mut bits, 0, 7);
    let mut file = HEAD.to_vec();
    file.extend(
        bits.chunks(8).map(|it| it.iter().enumerate().fold(0_u8, |byte, (at, &bit)| byte | u8::from(bit) << at)),
    );
    file.extend_from_slice(&[0; 8]);
    file
}

const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

fn crc32(data: &[u8]) -> u32 {
    let step = |crc: u32| {
        if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 }
    };
    !data.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)))
}
