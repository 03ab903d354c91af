"""A sound device as a line of the box. The device is one end of a cable of snd-aloop, whose clock is shifted; the other
end is a room: aplay says a tone into it, arecord keeps what it hears. They know nothing of tipring."""

import array
import math
import subprocess
import time
import wave

from cases import check, ring
from sound import ALAW, level_at, tone_in

# The room's end of the cable, and which shifts belong to it: of a cable's clock in parts in 100,000.
ROOM = "hw:Loopback,1,0"
SHIFTS = {0: 100_020, 1: 99_980}
# The clocks find each other in so long, and then both speak for so long.
SETTLED_S, TONES_S = 15, 40
ROOM_HZ, FAR_HZ = 620, 1004
# Quarters of a second, so that a tone that is off by the clocks' difference is still one; of so many there may be a gap of the
# emulated machine, which is late by tenths of seconds itself.
WINDOW, GAPS = 2000, 0.3
LOUD_DBM0, OTHER_DBM0 = -25.0, -35.0


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

    def samples(self):
        with wave.open(self.heard) as file:
            return array.array("h", file.readframes(file.getnframes())).tolist()

    def end(self):
        for child in self.children:
            child.terminate()
            child.wait()


def seconds_of(samples, hertz, other):
    """How many seconds there are, and in how many of them this tone was loud and the other one was not."""
    windows = [samples[at : at + WINDOW] for at in range(0, len(samples) - WINDOW + 1, WINDOW)]
    good = [w for w in windows if level_at(w, hertz) > LOUD_DBM0 and level_at(w, other) < OTHER_DBM0]
    return len(windows) * WINDOW / 8000, len(good) * WINDOW / 8000


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
    at_far, in_room = [ALAW[octet] for octet in far.heard()], room.samples()
    of_far, good_far = seconds_of(at_far[SETTLED_S * 8000 :], ROOM_HZ, FAR_HZ)
    # The room was there before the call: what it heard ends with it.
    of_room, good_room = seconds_of(in_room[(SETTLED_S + 5) * 8000 :], FAR_HZ, ROOM_HZ)
    level, hertz, _ = tone_in(at_far[SETTLED_S * 8000 :])
    figures = f"{good_far} of {of_far} s of the room at the far end ({level:.1f} dBm0, {hertz:.1f} Hz)"
    figures += f", {good_room} of {of_room} s of the far end in the room"
    level, hertz, _ = tone_in(in_room[(SETTLED_S + 5) * 8000 :])
    figures += f" ({level:.1f} dBm0, {hertz:.1f} Hz)"
    check(good_far >= (1 - GAPS) * TONES_S and good_room >= (1 - GAPS) * (TONES_S - 10), figures)
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
