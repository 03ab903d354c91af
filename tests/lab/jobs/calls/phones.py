"""Telephones on ports of the box: `fxo-phone`, a subscriber's end on spandsp that knows nothing of tipring. It dials in
tones, is rung and reads who calls, flashes, and notices that the far end has gone."""

import json
import subprocess
import time

from cases import check
from peer import Child

# Span 3 is the telephones' end of span 4: with one E1 pair in front, channels 63 to 86.
FIRST_CHANNEL = 63
# What dial tone and a prompt have at the telephone.
HEARD_DBM0 = -40.0


class Phone(Child):
    """A telephone on the k-th port."""

    def __init__(self, place, *options):
        command = ["fxo-phone", "--line", str(FIRST_CHANNEL + place - 1), *options]
        super().__init__(command, "stdout", stderr=subprocess.DEVNULL)

    def parse(self, line):
        try:
            return json.loads(line)
        except ValueError:
            return {"ev": "?", "text": line}

    def event(self, name, limit_s=20, **wanted):
        """The first event of this name with these values."""
        fits = lambda it: it["ev"] == name and all(it.get(key) == value for key, value in wanted.items())
        return self.wait(fits, 0, limit_s, f"the telephone: {name} {wanted}")

    def said(self, name):
        return [line for line in self.lines if line["ev"] == name]


def asked(lab, since, path, limit_s=20):
    """What the application was asked since then."""
    end = time.monotonic() + limit_s
    while True:
        found = lab.app.of(path)[since:]
        if found:
            return found[-1]
        check(time.monotonic() < end, f"the application was not asked for {path}")
        time.sleep(0.05)


def dials_and_is_answered(lab, place, own, number, *options):
    """A telephone dials, the application answers, it hangs up and the call is completed: what it asked, the call, what it
    said of its sound."""
    since = len(lab.app.of("/telephone"))
    phone = Phone(place, "--dial", number, "--timeout", "40", *options)
    try:
        request = asked(lab, since, "/telephone")
        check(request["From"] == own, f"From is {request['From']}")
        check(request["To"].endswith(number), f"To is {request['To']}")
        call = lab.box.call(request["CallSid"], 30)
        check(call["status"] == "completed", f"it is {call['status']}")
        return request, call, phone.said("media")
    finally:
        phone.kill()


def a_telephone_dials_and_is_answered(lab):
    """Dial tone, seven digits, the application's words; it hangs up and the call is completed."""
    request, call, media = dials_and_is_answered(lab, 1, "21", "5550100", "--hold", "9000")
    return f"To {request['To']}, {call['duration']} s, heard {media[:1]}"


def a_telephone_rings_shows_who_calls_and_hears_the_end(lab):
    """A program's call: caller id by spandsp behind the first ring, answer at the second, our hang-up as a drop."""
    phone = Phone(2, "--answer-rings", "2", "--hold", "60000", "--timeout", "60")
    try:
        phone.event("ready")
        time.sleep(2.5)
        form = {"To": "22", "From": "+12025550100", "Trunk": "phones", "Url": f"http://127.0.0.1:{lab.app.port}/hello"}
        sid = lab.box.post("Calls", form)["sid"]
        phone.event("identity", 30)
        phone.event("exchange_hung_up", 40)
        shown = [line["text"] for line in phone.said("identity")]
        check(any("2025550100" in text for text in shown), f"shown: {shown}")
        call = lab.box.call(sid, 20)
        check(call["status"] == "completed", f"it is {call['status']}")
        check(call["answer_supervision"] == "connect", f"answered by {call['answer_supervision']}")
        return f"shown {shown}, the drop was seen"
    finally:
        phone.kill()


def a_flash_ends_no_call(lab):
    """The telephone flashes in the middle of a call: it is in the timeline, and the call goes on."""
    since, mark = len(lab.app.of("/telephone")), lab.box.mark()
    phone = Phone(1, "--dial", "5550101", "--flash-after", "10000", "--hold", "16000", "--timeout", "50")
    try:
        request = asked(lab, since, "/telephone")
        lab.box.log("the hook was flashed", mark, 35)
        call = lab.box.call(request["CallSid"], 30)
        check(call["status"] == "completed", f"it is {call['status']}")
        return f"{call['duration']} s"
    finally:
        phone.kill()


def a_telephone_dials_in_pulses(lab):
    """The digits of a dial are counted by the card."""
    since = len(lab.app.of("/telephone"))
    phone = Phone(1, "--dial", "411", "--pulse", "--hold", "20000", "--timeout", "40")
    try:
        request = asked(lab, since, "/telephone", 25)
        check(request["To"].endswith("411"), f"To is {request['To']}")
        return f"To {request['To']}"
    finally:
        phone.kill()


# The pauses at its beginning make dial tone so much weaker in its first second.
STUTTERS_DB = 1.2


def dial_tone_dbm0(lab):
    """The first second of dial tone, as the telephone hears it."""
    return dials_and_is_answered(lab, 1, "21", "5550100", "--hold", "8000")[2][0]["level_dbm0"]


def messages_wait_after_a_crash_too(lab):
    """Dial tone stutters from when messages wait until none waits, and a kill of the box between changes nothing."""
    lab.box.post("Lines/dahdi%204%2F1", {"MessagesWaiting": "true"})
    time.sleep(3)
    before = dial_tone_dbm0(lab)
    lab.box.kill()
    lab.start_box()
    lab.box.ready()
    lab.up()
    time.sleep(3)
    after = dial_tone_dbm0(lab)
    lab.box.post("Lines/dahdi%204%2F1", {"MessagesWaiting": "false"})
    time.sleep(3)
    none = dial_tone_dbm0(lab)
    figures = f"dial tone {before} dBm0 with messages, {after} after a crash, {none} without"
    check(min(none - before, none - after) > STUTTERS_DB, figures)
    return figures


ALL = [
    ("phones", "a_telephone_dials_and_is_answered", a_telephone_dials_and_is_answered),
    ("phones", "a_telephone_rings_shows_who_calls", a_telephone_rings_shows_who_calls_and_hears_the_end),
    ("phones", "a_flash_ends_no_call", a_flash_ends_no_call),
    ("phones", "a_telephone_dials_in_pulses", a_telephone_dials_in_pulses),
    ("phones", "messages_wait_after_a_crash_too", messages_wait_after_a_crash_too),
]
