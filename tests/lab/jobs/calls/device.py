"""A sound device as a line of the box. The device is one end of a cable of snd-aloop, whose clock is shifted; the other
end is a room: aplay says a tone into it, arecord keeps what it hears. They know nothing of tipring."""

import array
import audioop
import math
import os
import re
import subprocess
import time
import urllib.request
import wave

from cases import check, ring
from sound import dbm0_of_rms, level_at, tone_in

# The room's end of the cable, and which shifts belong to it: of a cable's clock in parts in 100,000.
ROOM = "hw:Loopback,1,0"
SHIFTS = {0: 100_020, 1: 99_980}
# The clocks find each other in so long, and then both speak for so long; half an hour where that is asked for.
SETTLED_S, TONES_S = 15, 1800 if os.environ.get("TIPRING_SOAK") else 40
ROOM_HZ, FAR_HZ, TONE_DBM0 = 620, 1004, -13.0
# Twentieths of a second, each beginning in the middle of the one before, are looked at for gaps: one of 10 ms lies wholly in
# one of them and takes 1 dB from it. A repeated or a lost piece of an elastic buffer, joined without a gap, is none. The tone
# of one window in so many is measured too: it is this one, and not the other.
WINDOW, STEP, GAP, GAP_DB, EACH = 400, 200, 80, 0.9, 80
OTHER_DBM0 = -35.0


def shift_clocks():
    for device, value in SHIFTS.items():
        control = f"iface=PCM,name='PCM Rate Shift 100000',device={device},subdevice=0"
        subprocess.run(["amixer", "-q", "-c", "Loopback", "cset", control, str(value)], check=True)


class Room:
    """A tone into the device's microphone, and what its loudspeaker says."""

    def __init__(self, folder, seconds):
        form = ["-q", "-D", ROOM, "-f", "S16_LE", "-r", "8000", "-c", "1", "-d", str(seconds)]
        self.heard = f"{folder}/room.wav"
        self.tone(f"{folder}/tone.wav", seconds)
        self.children = [
            subprocess.Popen(["aplay", *form, f"{folder}/tone.wav"]),
            subprocess.Popen(["arecord", *form, self.heard]),
        ]

    def tone(self, path, seconds):
        peak = 32767 * 10 ** ((-13 - 3.14) / 20)
        cycle = [round(peak * math.sin(2 * math.pi * ROOM_HZ * n / 8000)) for n in range(8000)]
        with wave.open(path, "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(array.array("h", cycle * seconds).tobytes())

    def octets(self):
        """What was heard, in 16 bits."""
        with wave.open(self.heard) as file:
            return file.readframes(file.getnframes())

    def end(self):
        for child in self.children:
            child.terminate()
            child.wait()


def counted():
    """What the driver counted of its devices, as the metrics show it: only what is not nothing."""
    text = urllib.request.urlopen("http://127.0.0.1:9740/metrics/bounds", timeout=20).read().decode()
    found = [re.findall(r'"(\w+)"', one)[-1] + one[one.rindex(" ") :] for one in text.splitlines() if '"sound"' in one]
    check(found, "no counters of sound devices")
    return [one for one in found if not one.endswith(" 0")]


def samples_of(octets):
    return array.array("h", octets).tolist()


def whole(octets, hertz, other, longest_s):
    """Seconds that were looked at, windows with a gap, level and frequency of a tone in 16 bits."""
    octets = octets[: 16_000 * longest_s]
    windows = [octets[at : at + 2 * WINDOW] for at in range(0, len(octets) - 2 * WINDOW + 1, 2 * STEP)]
    gaps = [n for n, it in enumerate(windows) if abs(dbm0_of_rms(audioop.rms(it, 2)) - TONE_DBM0) > GAP_DB]
    for it in windows[::EACH]:
        of = samples_of(it)
        tone, rest = level_at(of, hertz), level_at(of, other)
        check(abs(tone - TONE_DBM0) < 1.5 and rest < OTHER_DBM0, f"{tone:.1f} dBm0 of {hertz} Hz, {rest:.1f} of {other} Hz")
    level, hertz, _ = tone_in(samples_of(octets[:160_000]))
    at = [round(n * STEP / 8000, 2) for n in gaps]
    return len(octets) / 16_000, at, f"{level:.1f} dBm0, {hertz:.1f} Hz"


def sees_gaps(octets, hertz, other):
    """Whether silence of 10 ms is found wherever it is put, so that none found says something."""
    for at in range(8000, 8000 + WINDOW, 50):
        holed = octets[: 2 * at] + bytes(2 * GAP) + octets[2 * (at + GAP) :]
        if not whole(holed, hertz, other, 3)[1]:
            return False
    return True


def a_call_is_answered_by_a_device_and_both_hear_each_other(lab):
    """libpri calls, the application dials the device, which answers by itself; tones both ways, with the clocks apart."""
    shift_clocks()
    room = Room(lab.folder, SETTLED_S + TONES_S + 30)
    far = ring(lab, "106", "2025550171")
    try:
        far.event("bearer")
        far.say("tone", FAR_HZ)
        time.sleep(SETTLED_S + TONES_S)
        state = lab.box.get("Lines/sound%20hall")
        check(state["status"] == "in call", f"the line is {state['status']}")
        far.say("hangup", 16)
        far.event("ended")
    finally:
        room.end()
    at_far, in_room = audioop.alaw2lin(far.heard(), 2), room.octets()
    figures, bad = [], []
    # The room was there before the call: what it heard begins and ends with it.
    for where, octets, hertz, other, settled_s in (
        ("at the far end", at_far, ROOM_HZ, FAR_HZ, SETTLED_S),
        ("in the room", in_room, FAR_HZ, ROOM_HZ, SETTLED_S + 5),
    ):
        seconds, gaps, tone = whole(octets[settled_s * 16_000 :], hertz, other, TONES_S - 5)
        check(sees_gaps(octets[settled_s * 16_000 :][:48_000], hertz, other), f"{where}: a gap of 10 ms is not seen")
        figures.append(f"{seconds:.0f} s {where}, {len(gaps)} gaps ({tone})")
        bad += [f"{where}: {seconds} s"] if seconds < TONES_S - 6 else []
        bad += [f"{where}: gaps at {gaps[:20]}"] if gaps else []
    figures = "; ".join([*figures, f"counted: {counted()}"])
    check(not bad, f"{bad}; {figures}")
    end = time.monotonic() + 10
    while lab.box.get("Lines/sound%20hall")["status"] != "idle":
        check(time.monotonic() < end, "the device did not hang up by itself")
        time.sleep(0.2)
    return figures


def a_device_calls_its_hotline_and_hangs_up(lab):
    """The API lifts it: its hotline's application answers; when the application hangs up, so does the device."""
    since = len(lab.app.of("/hello"))
    lab.box.post("Lines/sound%20hall", {"Hook": "off"})
    end = time.monotonic() + 20
    while len(lab.app.of("/hello")) == since:
        check(time.monotonic() < end, "the hotline's application was not asked")
        time.sleep(0.1)
    asked = lab.app.of("/hello")[-1]
    call = lab.box.call(asked["CallSid"], 40)
    check(call["status"] == "completed", f"it is {call['status']}")
    check(asked["From"] == "31", f"From is {asked['From']}")
    while lab.box.get("Lines/sound%20hall")["status"] != "idle":
        check(time.monotonic() < end + 40, "the device did not hang up by itself")
        time.sleep(0.2)
    return f"From {asked['From']} To {asked['To']}"


ALL = [
    ("sound", "a_call_is_answered_by_a_device", a_call_is_answered_by_a_device_and_both_hear_each_other),
    ("sound", "a_device_calls_its_hotline", a_device_calls_its_hotline_and_hangs_up),
]
