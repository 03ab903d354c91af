"""Calls that the API makes, on both kinds of line: answered, and every way in which they are not. And calls that come
in on an analogue line."""

import time

from cases import check, cleared, listened, spoken
from legs import ANSWERED, TRIES, Placed, broken_off, call_in, dialled, heard_on, hung_up, voice
from setups import OWN

# Who rings on the analogue lines.
CALLER, CALLER_NAME = "2025550177", "ANNA BELL"


def isdn_out(lab):
    """Out to libpri: nobody is asked before the answer; then the document runs and is heard; ended by the API with
    cause 16; callbacks in order."""
    since = lab.peer.mark()
    call = Placed(lab, "+12025550141", "isdn")
    check(call.made["status"] == "queued", f"made as {call.made['status']}")
    far = lab.peer.rung(since, "12025550141")
    check(far.frm == OWN.removeprefix("+"), f"shows {far.frm}")
    far.say("alert")
    call.told("ringing")
    check(not lab.app.of("/menu", CallSid=call.sid), "the application was asked before the answer")
    far.say("answer")
    asked = call.asked("/menu")
    check(asked["CallStatus"] == "in-progress" and asked["Direction"] == "outbound-api", f"asked with {asked}")
    spoken(lab)
    call.end()
    cause = cleared(far)
    figures = listened(lab, far.heard())
    record = call.over("completed", 16, statuses=ANSWERED)
    check((cause, record["supervision"]) == (16, "connect"), f"cause {cause}, supervision {record['supervision']}")
    return f"{figures}; cause 16, {len(ANSWERED)} callbacks in order"


# Cause with which libpri clears, whether it rang, and what becomes of the call.
CLEARED = [(17, True, "busy"), (21, False, "busy"), (34, False, "failed"), (42, True, "failed"), (1, False, "failed")]
RINGS_S = 4


def isdn_out_fails(lab):
    """Busy, rejected, two kinds of congestion, no such number; not answered in time; cancelled by the API: all at once."""
    since, calls = lab.peer.mark(), []
    for cause, rings, status in CLEARED:
        calls.append((Placed(lab, f"+120255502{cause:02}", "isdn"), cause, rings, status))
    late = Placed(lab, "+12025550298", "isdn", Timeout=RINGS_S)
    gone = Placed(lab, "+12025550299", "isdn")
    waiting = {}
    for call, number in ((late, "12025550298"), (gone, "12025550299")):
        waiting[number] = lab.peer.rung(since, number)
        waiting[number].say("alert")
    for call, cause, rings, status in calls:
        far = lab.peer.rung(since, f"120255502{cause:02}")
        if rings:
            far.say("alert")
            call.told("ringing")
        far.say("hangup", cause)
        steps = ["initiated", *(["ringing"] if rings else []), status]
        call.over(status, cause, statuses=steps)
        far.event("ended")
    gone.told("ringing")
    gone.end("canceled")
    far = waiting["12025550299"]
    causes = [cleared(far)]
    gone.over("canceled", statuses=["initiated", "ringing", "canceled"])
    far = waiting["12025550298"]
    causes.append(cleared(far))
    late.over("no-answer", statuses=["initiated", "ringing", "no-answer"])
    return f"causes {[cause for cause, _, _ in CLEARED]} each as sent; cancelled and late: {causes}"


def line_out(lab):
    """Out on an analogue line: dial tone, the digits, ringing, the answer by the voice that is heard; the document runs
    and is heard; ended by the API, the line is on hook."""
    exchange = lab.exchanges[1]
    begin = exchange.size()
    call, since, dialled_so = dialled(lab, exchange, "12025550142", "line")
    exchange.event("answering", since)
    check(not lab.app.of("/menu", CallSid=call.sid), "the application was asked while it rang")
    voice(exchange, 1.5)
    call.asked("/menu")
    spoken(lab)
    call.end()
    why = exchange.event("ended", since)["why"]
    check(why == "subscriber", f"ended by the {why}")
    record = call.over("completed", 16, statuses=ANSWERED)
    check(record["supervision"] == "guessed-voice", f"supervision {record['supervision']}")
    check(record["line"] == "dahdi 3/1", f"line {record['line']}")
    return f"dialled {dialled_so}; {heard_on(lab, exchange, begin)}; {record['supervision']}"


# Line, group, status, and whether ringing is told.
UNANSWERED = [(2, "busy", "busy", False), (3, "congested", "failed", False), (4, "silent", "no-answer", True)]
DEAD = (5, "dead", "failed", False)


def line_out_fails(lab):
    """Busy tone, congestion tone, nobody answers, no dial tone, all at once; every line is on hook afterwards."""
    figures, calls = [], [fails_on(lab, *case) for case in (*UNANSWERED, DEAD)]
    for (place, trunk, status, ringing), (call, since, mark) in zip((*UNANSWERED, DEAD), calls):
        exchange, tries = lab.exchanges[place], 1
        while (record := lab.box.call(call.sid, 40))["cause"] == 41 and broken_off(lab, exchange, mark):
            check(tries < TRIES, f"{trunk}: broken off {tries} times")
            exchange.event("ended", since)
            call, since, mark = fails_on(lab, place, trunk, status, ringing)
            tries += 1
        call.over(status, statuses=["initiated", *(["ringing"] if ringing else []), status])
        ended = exchange.event("ended", since)
        check(ended["why"] == "subscriber", f"{trunk}: ended by the {ended['why']}")
        check(bool(ended["dialed"]) == (trunk != "dead"), f"{trunk}: dialled {ended['dialed']!r}")
        figures.append(f"{trunk}: {status}, cause {record['cause']}")
    return "; ".join(figures)


def fails_on(lab, place, trunk, status, ringing):
    """A call that is to fail."""
    marks = lab.exchanges[place].mark(), lab.box.mark()
    return Placed(lab, f"+1202555015{place}", trunk, **({"Timeout": 14} if ringing else {})), *marks


def shows(asked, number, name):
    """The application knows who calls."""
    found = (asked["From"], asked.get("CallerName"))
    check(found[0].endswith(number) and found[1] == name, f"From and CallerName {found} instead of {number}, {name}")


def line_in(lab):
    """The exchange rings with number and name: the application knows them, its prompt is heard, keys are gathered; the
    exchange drops the battery: completed. Then it rings without a number, and ends that call by busy tone."""
    exchange = lab.exchanges[1]
    asked, since, begin, tries = call_in(lab, exchange, "/caller", CALLER, CALLER_NAME)
    sid = asked["CallSid"]
    shows(asked, CALLER, CALLER_NAME)
    try:
        shows(asked, "2025550178", CALLER_NAME)
        raise RuntimeError("another number passes for the caller's")
    except AssertionError:
        pass
    rung = exchange.event("answered", since)["rings"]
    spoken(lab)
    exchange.say("dtmf", "472")
    digits = lab.app.asked_for("/said", CallSid=sid)["Digits"]
    check(digits == "472", f"Digits {digits}")
    heard = heard_on(lab, exchange, begin)
    hung_up(exchange, since)
    record = lab.box.call(sid)
    check((record["status"], record["cause"]) == ("completed", 16), f"record: {record}")
    since, known = exchange.mark(), lab.app.count("/caller")
    exchange.say("ring")
    unknown = lab.app.nth("/caller", known, 25)
    check(unknown.get("CallerName") is None and not unknown["From"], f"From {unknown['From']}")
    exchange.event("answered", since)
    cycles = busy_tone(exchange, since)
    why = exchange.event("ended", since)["why"]
    check(why == "subscriber", f"busy tone: ended by the {why}")
    check(lab.box.call(unknown["CallSid"])["status"] == "completed", "not completed")
    figures = f"{heard}; number and name in call {tries}, answered after {rung} rings"
    return f"{figures}; without a number, and gone by {cycles} times busy tone"


# Four cycles are enough; here each beat comes from a late machine.
CYCLES = 12


def busy_tone(exchange, since):
    """The caller has gone, and the exchange says so by tone alone; how often it did so until the line was on hook."""
    for cycle in range(CYCLES):
        exchange.say("tone", 480, 620)
        time.sleep(0.5)
        exchange.say("silence")
        time.sleep(0.5)
        if exchange.count("ended", since):
            return cycle + 1
    return CYCLES


ALL = [
    ("lines", "isdn_out", isdn_out),
    ("lines", "isdn_out_fails", isdn_out_fails),
    ("lines", "line_in", line_in),
    ("lines", "line_out", line_out),
    ("lines", "line_out_fails", line_out_fails),
]
