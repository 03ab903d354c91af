"""Callers that each speak a tone of their own, and who hears whom."""

import time
from pathlib import Path

from cases import NEAR_DB, TONE_DBM0, check
from peer import WRITTEN_S
from sound import ALAW, typical

# Whole numbers of them are in a window of 50 ms, so that none of them is found in another.
TONES = (620, 1000, 1400, 860)
# What is left of a tone that is not heard.
SILENT_DBM0 = -45.0
# How long it is listened.
LISTEN_S = 2.0


class Talker:
    """One far end on the ISDN span with its tone."""

    def __init__(self, lab, far, hertz):
        self.lab, self.far, self.hertz = lab, far, hertz
        far.say("tone", hertz)

    def begin(self):
        self.at = self.far.size()

    def samples(self):
        """What came since the beginning."""
        octets = Path(f"{self.far.peer.record}.{self.far.number}").read_bytes()[self.at :]
        return [ALAW[octet] for octet in octets]

    def hangs_up(self):
        self.far.say("hangup", 16)
        self.far.event("ended")


def call(lab, number, frm, hertz):
    """A caller from the ISDN span who is answered, and what the application was asked first."""
    far = lab.peer.place(number, frm)
    # An Enqueue or a Dial answers late or not at all before it connects; the question comes first.
    end = time.monotonic() + 20
    while not (asked := [p for p in lab.app.of(f"/{number}") if p.get("From", "").endswith(frm)]):
        check(time.monotonic() < end, f"nobody asked what to do with {number}")
        time.sleep(0.02)
    far.event("connect")
    talker = Talker(lab, far, hertz)
    talker.sid = asked[-1]["CallSid"]
    return talker


def hearing(*talkers):
    """What each hears of every tone while all speak, in dBm0: a row for each of them."""
    time.sleep(0.6)
    for talker in talkers:
        talker.begin()
    time.sleep(LISTEN_S + WRITTEN_S)
    rows = []
    for talker in talkers:
        samples = talker.samples()
        check(len(samples) >= LISTEN_S * 4000, f"only {len(samples)} samples came in {LISTEN_S} s")
        rows.append([typical(samples, other.hertz) for other in talkers])
    return rows


def hears(rows, wanted, what):
    """`wanted` has a line for each, `x` where that one is heard and `-` where not."""
    for who, (row, line) in enumerate(zip(rows, wanted)):
        for other, (level, mark) in enumerate(zip(row, line)):
            good = abs(level - TONE_DBM0) <= NEAR_DB if mark == "x" else level <= SILENT_DBM0
            shown = "; ".join(" ".join(f"{level:.0f}" for level in row) for row in rows)
            check(good, f"{what}: {who} hears {level:.1f} dBm0 of {other} where {mark} was wanted ({shown})")
    return "; ".join(" ".join(f"{level:.0f}" for level in row) for row in rows)
