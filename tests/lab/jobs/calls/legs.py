"""What the cases of two kinds of line share: calls made by the API, callers on an analogue line, sound at both ends."""

import time

from cases import LIKE, NEAR_DB, NEAR_HZ, SLIP_S, TONE_DBM0, check
from setups import OWN
from sound import ALAW, ULAW, find_prompt, level_at, tone_in

EVENTS = ["initiated", "ringing", "answered", "completed"]
ANSWERED = ["initiated", "ringing", "in-progress", "completed"]
# What is left of our own tone in what comes back: there is no hybrid here, so nothing.
ECHO_DBM0 = -45.0
# Two ends that speak at once, each its own tone, for so long; of which this much must be without a gap.
TONES_S, WHOLE_S = 2.5, 0.5


class Placed:
    """A call made by the API on a group of lines."""

    def __init__(self, lab, to, trunk, page="menu", **more):
        base = f"http://127.0.0.1:{lab.app.port}"
        form = {"To": to, "From": OWN, "Trunk": trunk, "Url": f"{base}/{page}", "StatusCallback": f"{base}/status"}
        self.lab = lab
        self.made = lab.box.post("Calls", {**form, "StatusCallbackEvent": EVENTS, **more})
        self.sid = self.made["sid"]

    def asked(self, path, limit_s=20, **params):
        return self.lab.app.asked_for(path, limit_s, CallSid=self.sid, **params)

    def told(self, status, limit_s=20):
        """The callback of a status."""
        return self.asked("/status", limit_s, CallStatus=status)

    def end(self, status="completed"):
        return self.lab.box.post(f"Calls/{self.sid}", {"Status": status})

    def over(self, status, cause=None, limit_s=15, statuses=None):
        """The record once the call is over; its callbacks said the same, in order."""
        call = self.lab.box.call(self.sid, limit_s)
        text = f"{call['status']}, cause {call['cause']}"
        check(call["status"] == status, f"{text} instead of {status}")
        check(cause is None or call["cause"] == cause, f"{text} instead of cause {cause}")
        last = self.told(status)
        said = last.get("HangupCause")
        check(said == str(call["cause"]), f"callback: cause {said}, record {text}")
        told = self.lab.app.of("/status", CallSid=self.sid)
        order = [int(t["SequenceNumber"]) for t in told]
        check(order == list(range(len(told))), f"callbacks came as {order}")
        heard = [t["CallStatus"] for t in told]
        check(statuses is None or heard == statuses, f"callbacks {heard}")
        return call


# A caller's number that comes with a gap is none, and digits that may have one are not sent out: on a machine that is
# late, each is tried so often.
TRIES = 5
BROKEN = "ended: broken off while dialling"
# The driver debounces an answered line for 600 ms and does not tell a battery drop within that time.
SETTLED_S = 1.0


def broken_off(lab, exchange, mark):
    """Whether dialling on a line was broken off since then, because the machine was late."""
    with lab.box.news:
        return any(f"dahdi 3/{exchange.place}: {BROKEN}" in line for line in lab.box.lines[mark:])


def dialled(lab, exchange, number, trunk, page="menu", **more):
    """A call on an analogue line whose digits are out, as the exchange heard them, and where what it said begins."""
    heard = []
    while heard[-1:] != [number]:
        check(len(heard) < TRIES, f"dialled {heard} instead of {number}")
        since, mark = exchange.mark(), lab.box.mark()
        call = Placed(lab, f"+{number}", trunk, page, **more)
        end = time.monotonic() + 40
        while not (exchange.count("dialed", since) or broken_off(lab, exchange, mark)):
            check(time.monotonic() < end, f"{number} was not dialled")
            time.sleep(0.05)
        heard.append(exchange.event("dialed", since)["number"] if exchange.count("dialed", since) else "broken off")
        if heard[-1] != number:
            lab.box.call(call.sid)
            if heard[-1] != "broken off":
                call.end()
            exchange.event("ended", since)
    return call, since, heard


def call_in(lab, exchange, path, number, name):
    """The exchange rings with number and name until the application is asked for a caller whom it knows: what it was
    asked, where what the exchange said and heard of it begins, and how often it rang."""
    for tries in range(1, TRIES + 1):
        since, begin, known = exchange.mark(), exchange.size(), lab.app.count(path)
        exchange.say("ring", number, name)
        asked = lab.app.nth(path, known, 25)
        if asked["From"]:
            return asked, since, begin, tries
        hung_up(exchange, since)
        time.sleep(GUARD_S)
    raise AssertionError(f"no number in {TRIES} calls")


# The lines rest after a call.
GUARD_S = 2.5


def hung_up(exchange, since):
    """The exchange hangs up a call that was answered since then, and sees us on hook."""
    exchange.event("answered", since)
    time.sleep(SETTLED_S)
    exchange.say("hangup")
    why = exchange.event("ended", since)["why"]
    check(why == "exchange", f"ended by the {why}")


def heard_on(lab, exchange, begin):
    """The prompt is in what an exchange heard since then."""
    like, _, slipped = find_prompt(lab.prompt_mu, exchange.heard(begin), ULAW)
    figures = f"prompt {like:.3f} alike on the line"
    if slipped:
        figures += f", slipped {slipped * 1000:.0f} ms"
    check(like >= LIKE and abs(slipped) <= SLIP_S, figures)
    return figures


def voice(exchange, seconds):
    """Something that is no tone of the network: what a person would say at the far end."""
    end, n = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        exchange.say("tone", *((310, 730), (540, 1180), (270, 1960), (660, 1490))[n % 4])
        n += 1
        time.sleep(0.12)
    exchange.say("silence")


def tones(lab, exchange, far):
    """Both ends of a bridge speak at once, a tone of their own each; what each of them heard, in samples."""
    begin = exchange.size()
    exchange.say("tone", 1004)
    far.say("tone", 620)
    time.sleep(TONES_S)
    exchange.say("silence")
    far.say("silence")
    time.sleep(0.3)
    at_line = [ULAW[octet] for octet in exchange.heard(begin)]
    return at_line, lambda: [ALAW[octet] for octet in far.heard()]


def carries(samples, hertz, other):
    """A tone came through as it was sent, and nothing of the other."""
    level, found, length = tone_in(samples)
    figures = f"{level:.1f} dBm0 {found:.1f} Hz for {length:.1f} s"
    check(length >= WHOLE_S, f"{hertz} Hz: {figures}")
    check(abs(found / hertz - 1) <= NEAR_HZ, f"{hertz} Hz: {figures}")
    check(abs(level - TONE_DBM0) <= NEAR_DB, f"{hertz} Hz: {figures}")
    echo = level_at(samples, other)
    check(echo <= ECHO_DBM0, f"{other} Hz comes back with {echo:.1f} dBm0")
    return figures
