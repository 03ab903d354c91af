"""Who has answered: a person's recorded greeting with its beep, one without, and a person."""

import time
import wave
from pathlib import Path

from cases import check, cleared
from legs import Placed
from sound import ALAW, encoder

# By the names of the recordings, and pauses in seconds between them.
ANSWERED = {
    "machine_end_beep": [0.5, "vm-theperson", "digits/2", "digits/5", "vm-isunavail", 0.3, "vm-intro", 0.4, "beep"],
    "machine_end_silence": [0.8, "vm-nobodyavail", 0.3, "please-try-call-later"],
    "human": [0.4, "hello"],
}
# The verdict's limit, counted from the answer.
LIMIT_S = 30


def sound(folder, parts):
    """Octets of a greeting."""
    encode, octets = encoder(ALAW), b""
    for part in parts:
        if isinstance(part, float):
            octets += b"\xd5" * int(8000 * part)
            continue
        with wave.open(str(next(Path(folder).rglob(f"{part}.wav")))) as file:
            check(file.getparams()[:3] == (1, 2, 8000), f"{part}: {file.getparams()}")
            octets += encode(memoryview(file.readframes(file.getnframes())).cast("h"))
    return octets


def recorded(lab):
    """Three calls out at once, each answered by another: the document's request says by whom, and it comes behind the
    greeting's beep, behind its end, or at once."""
    lab.app.pages["/answered"], since = '<Pause length="20"/>', lab.peer.mark()
    calls = {}
    for n, (who, parts) in enumerate(ANSWERED.items()):
        file = f"{lab.folder}/greeting.{who}"
        octets = sound(lab.sounds, parts)
        Path(file).write_bytes(octets)
        number = f"+120255504{n:02}"
        placed = Placed(lab, number, "isdn", "answered", MachineDetection="DetectMessageEnd")
        far = lab.peer.rung(since, number.removeprefix("+"))
        far.say("alert")
        far.say("answer")
        far.event("bearer")
        far.say("play", file)
        calls[who] = placed, far, len(octets) / 8000, time.monotonic()
    figures = []
    for who, (placed, far, long_s, begun) in calls.items():
        asked = placed.asked("/answered", LIMIT_S)
        check(asked["AnsweredBy"] == who, f"{who}: AnsweredBy {asked['AnsweredBy']}")
        took = int(asked["MachineDetectionDuration"]) / 1000
        # A greeting is waited for to its end; a person is not kept waiting.
        check(took >= long_s - 0.3 if who != "human" else took <= 4.0, f"{who}: after {took:.1f} s of {long_s:.1f} s")
        check(lab.box.get(f"Calls/{placed.sid}")["answered_by"] == who, f"{who}: the record has another")
        figures.append(f"{who} after {took:.1f} s (greeting {long_s:.1f} s)")
    for placed, far, _, _ in calls.values():
        placed.end()
        check(cleared(far) == 16, "not cleared with 16")
    return "; ".join(figures)


ALL = [("control", "recorded_greeting", recorded)]
