"""Measures sound: G.711 octets against a prompt, and a tone in a recording. Plain Python, because the guest has no
packages; the one costly thing, finding where a prompt begins, is done on octets, which the line does not change."""

import math
import struct
from operator import mul

RATE = 8000
# A sine of full scale is +3.14 dBm0 (G.711); its effective value in 16 bits.
FULL_RMS = 32767 / math.sqrt(2)


def _alaw(octet):
    octet ^= 0x55
    exponent, mantissa = (octet >> 4) & 7, octet & 15
    value = (mantissa << 4) + 8 if exponent == 0 else ((mantissa << 4) + 0x108) << (exponent - 1)
    return value if octet & 0x80 else -value


def _ulaw(octet):
    octet = ~octet & 0xFF
    value = (((octet & 15) << 3) + 0x84 << ((octet >> 4) & 7)) - 0x84
    return -value if octet & 0x80 else value


ALAW = [_alaw(octet) for octet in range(256)]
ULAW = [_ulaw(octet) for octet in range(256)]


def encoder(law):
    """From 16 bits to octets: the nearest of what the law can say."""
    nearest, order = bytearray(65536), sorted(range(256), key=lambda octet: law[octet])
    at = 0
    for value in range(-32768, 32768):
        while at < 255 and abs(law[order[at + 1]] - value) <= abs(law[order[at]] - value):
            at += 1
        nearest[value + 32768] = order[at]
    return lambda samples: bytes(nearest[sample + 32768] for sample in samples)


def dbm0(samples):
    """Level; -99 for digital silence."""
    if not samples:
        return -99.0
    return dbm0_of_rms(math.sqrt(sum(s * s for s in samples) / len(samples)))


def dbm0_of_rms(rms):
    """Level of an effective value in 16 bits."""
    return 20 * math.log10(rms / FULL_RMS) + 3.14 if rms >= 1 else -99.0


# Octets that must be equal to say "here": 5 ms, of speech loud and varied enough to stand once in a prompt.
ANCHOR = 40
VARIED = 12
# A gap of the emulated clock moves the rest of a prompt by at most this much at a time.
JUMP = RATE // 2
# What the far end lost, because it was stopped for longer than its buffers of 160 ms, pulls the rest forward.
LOST = RATE // 2


def find_prompt(wanted, heard, law=ALAW):
    """Where a prompt stands in what was heard, and how like it is: (correlation, start, slipped), the latter two in
    seconds. The prompt may be moved by gaps and lost blocks in between (slipped), as a late emulated machine makes them;
    what is missing or other lowers the correlation, and silence has none at all."""
    lag, found, silence = None, [], b"\xd5" if law is ALAW else b"\xff"
    starts = range(0, len(wanted) - ANCHOR, ANCHOR)
    for at in starts:
        piece, here = wanted[at : at + ANCHOR], -1
        if len(set(piece)) >= VARIED:
            begin = 0 if lag is None else max(0, at + lag - LOST)
            here = heard.find(piece, begin, len(heard) if lag is None else at + lag + JUMP)
        if here >= 0:
            lag = here - at
        found.append(lag if here >= 0 else None)
    if lag is None:
        return 0.0, 0.0, 0.0
    first, xy, xx, yy = next(lag for lag in found if lag is not None), 0, 0, 0
    before = first
    for n, at in enumerate(starts):
        # A piece that is nowhere, because it is quiet or a gap went through it, is where its neighbours are.
        after = next((lag for lag in found[n:] if lag is not None), before)
        x, choices = [law[octet] for octet in wanted[at : at + ANCHOR]], []
        for lag in {before, after}:
            y = [law[octet] for octet in heard[max(0, at + lag) : at + lag + ANCHOR].ljust(ANCHOR, silence)]
            choices.append((sum(map(mul, x, y)), sum(map(mul, y, y))))
        best = max(choices)
        xy, xx, yy = xy + best[0], xx + sum(map(mul, x, x)), yy + best[1]
        before = found[n] if found[n] is not None else before
    return xy / math.sqrt(xx * yy) if xx and yy else 0.0, first / RATE, (before - first) / RATE


def read_wav(octets):
    """Samples of a WAVE file in A-law, mu-law or 16 bits, mono, 8 kHz."""
    if octets[:4] != b"RIFF" or octets[8:12] != b"WAVE":
        raise ValueError("not a WAVE file")
    at, form = 12, None
    while at + 8 <= len(octets):
        name, size = octets[at : at + 4], struct.unpack_from("<I", octets, at + 4)[0]
        body = octets[at + 8 : at + 8 + size]
        if name == b"fmt ":
            form, channels, rate = struct.unpack_from("<HHI", body)
            if (channels, rate) != (1, RATE):
                raise ValueError(f"{channels} channels at {rate} Hz")
        if name == b"data":
            if len(body) != size:
                raise ValueError("cut short")
            if form in (6, 7):
                return [(ALAW if form == 6 else ULAW)[octet] for octet in body]
            return list(struct.unpack(f"<{size // 2}h", body))
        at += 8 + size + size % 2
    raise ValueError("no data")


BLOCK = 80
LOUD_DBM0 = -30


def tone_in(samples):
    """The tone that a recording holds: level in dBm0, frequency in Hz, length in seconds from its first to its last
    block. Level and frequency are those of its longest run without a gap, the latter the median of its windows."""
    blocks = [samples[at : at + BLOCK] for at in range(0, len(samples) - BLOCK + 1, BLOCK)]
    loud = [dbm0(block) > LOUD_DBM0 for block in blocks]
    if True not in loud:
        return -99.0, 0.0, 0.0
    first, last = loud.index(True), len(loud) - 1 - loud[::-1].index(True)
    run = best = (0, 0)
    for at, is_loud in enumerate(loud):
        run = (run[0], at + 1) if is_loud and run[1] == at and run[1] > run[0] else (at, at + is_loud)
        best = max(best, run, key=lambda r: r[1] - r[0])
    # The run's own ends may be cut blocks.
    inner = samples[(best[0] + 1) * BLOCK : (best[1] - 1) * BLOCK]
    windows = [hertz(inner[at : at + WINDOW]) for at in range(0, len(inner) - WINDOW + 1, WINDOW)]
    return dbm0(inner), sorted(windows)[len(windows) // 2] if windows else 0.0, (last - first + 1) * BLOCK / RATE


# A block that a late machine lost changes the phase, so one window and not the others.
WINDOW = RATE // 20


def hertz(samples):
    """Frequency of a tone by where it crosses zero upwards."""
    crossings = [
        at + samples[at] / (samples[at] - samples[at + 1])
        for at in range(len(samples) - 1)
        if samples[at] < 0 <= samples[at + 1]
    ]
    return (len(crossings) - 1) * RATE / (crossings[-1] - crossings[0]) if len(crossings) > 1 else 0.0


def typical(samples, hertz):
    """Level in dBm0 of one frequency in the middle one of its windows: gaps are in others."""
    levels = [level_at(samples[at : at + WINDOW], hertz) for at in range(0, len(samples) - WINDOW + 1, WINDOW)]
    return sorted(levels)[len(levels) // 2] if levels else -99.0


def level_at(samples, hertz):
    """Level in dBm0 of one frequency (Goertzel's algorithm), whatever else there is."""
    turn, before, last = 2 * math.cos(2 * math.pi * hertz / RATE), 0.0, 0.0
    for sample in samples:
        before, last = last, sample + turn * last - before
    power = before * before + last * last - turn * before * last
    rms = math.sqrt(max(power, 0)) * math.sqrt(2) / max(len(samples), 1)
    return 20 * math.log10(rms / FULL_RMS) + 3.14 if rms >= 1 else -99.0
