"""Two calls that meet on one channel or line, and kill -9 under calls of both kinds."""

import time

from box import FINAL
from cases import T316_S, asked, check, cleared, listened, spoken
from legs import Placed
from outgoing import SETTLED_S
from peer import Far

# The timeslot of group `slot`, and one for a call beside.
SLOT, BESIDE, MEETINGS = 5, 20, 3
# Callers who meet our calls.
MEETING = "2025551"


def slot_is_free(lab, n):
    """Both ends can use the timeslot."""
    far = lab.peer.place("103", f"{MEETING}8{n:02}", SLOT)
    far.event("connect")
    far.say("hangup", 16)
    far.event("ended")
    since = lab.peer.mark()
    call = Placed(lab, f"+1202555170{n}", "slot")
    far = lab.peer.rung(since, f"1202555170{n}")
    check(far.setup["timeslot"] == SLOT, f"SETUP on timeslot {far.setup['timeslot']}")
    call.end()
    cleared(far)


def meeting(lab, number, caller):
    """libpri rings on the timeslot for which our SETUP is on its way to it. For that it is stopped until our frames lie
    there: a DISCONNECT of another call, and the SETUP. It takes one frame, then the command to ring, then the other."""
    beside = lab.peer.place("103", f"{caller[:-1]}9", BESIDE)
    sid = asked(lab, beside, "/long")["CallSid"]
    beside.event("connect")
    since, mark = lab.peer.mark(), lab.box.mark()
    lab.peer.stop(True)
    try:
        lab.box.post(f"Calls/{sid}", {"Status": "completed"})
        lab.box.log("ended by the API", mark)
        ours = Placed(lab, f"+{number}", "slot")
        lab.box.log(f"out to +{number}", mark)
        time.sleep(0.05)
        lab.peer.say("call", "103", caller, SLOT)
    finally:
        lab.peer.stop(False)
    theirs = Far(lab.peer, since, lab.peer.event("placing", since)["call"], caller)
    far = lab.peer.rung(since, number)
    beside.event("ended")
    return ours, far, theirs, lab.peer.count("collision", since)


def isdn_glare(lab):
    """libpri rings on a timeslot while our SETUP for it is on its way, several times: its call is answered there, ours goes
    to the timeslot that it names, and is heard there; both end in order, and the timeslot can be used."""
    slots, figures = [], []
    for n in range(MEETINGS):
        number = f"1202555160{n}"
        ours, far, theirs, met = meeting(lab, number, f"{MEETING}7{n}0")
        check(met, "the calls did not meet")
        theirs.event("connect", timeslot=SLOT)
        far.say("alert")
        far.say("answer")
        bearer = far.event("bearer")["timeslot"]
        check(bearer != SLOT, "two calls on one timeslot")
        ours.asked("/menu")
        if n == 0:
            spoken(lab)
        # Who is first to go must not matter to the other.
        ends = [lambda: theirs.say("hangup", 16), ours.end]
        for end in ends[:: 1 if n % 2 else -1]:
            end()
        check(cleared(far) == 16, "another cause")
        theirs.event("ended")
        ours.over("completed", 16)
        if n == 0:
            figures.append(listened(lab, far.heard()))
        slots.append(bearer)
    slot_is_free(lab, 1)
    return f"met {MEETINGS} times, ours on timeslots {slots}; {figures[0]}"


def line_glare(lab):
    """The exchange rings before, after and at the very moment of our seizure: the caller is answered or, if we were first,
    gets busy tone; our call goes out on the other line, or on this one; no line is left off hook."""
    fates = [line_meeting(lab, "before", 0)[0], line_meeting(lab, "after", 1)[0]]
    check(fates == ["answered", "busy"], f"rung before and after: {fates}")
    figures, delay_s = [], FIRST_S
    while "met" not in fates:
        check(len(fates) < 2 + LINE_TRIES, f"never met: {figures}")
        fate, apart_s = line_meeting(lab, "meeting", len(fates), delay_s)
        fates.append(fate)
        figures.append(f"rung {apart_s * 1000:+.0f} ms from the seizure: {fate}")
        # Halfway, because the next request takes another time again.
        delay_s = max(0.0, delay_s + (AIM_S - apart_s) / 2)
    return "; ".join(figures)


# So often is it tried to ring at the moment of our seizure.
LINE_TRIES = 16
# From the log of a request to its seizure as the exchange sees it, and how long before that it should ring: the seizure is
# on its way to the exchange for some 10 ms.
FIRST_S, AIM_S = 0.015, -0.006
# The lines rest after a call.
GUARD_S = 2.5


def line_meeting(lab, when, n, delay_s=0.0):
    """One call of ours on the pair of lines, and a caller on the first: what became of the caller, and by how much he was
    later than the seizure."""
    pair, number, caller = [lab.exchanges[6], lab.exchanges[7]], f"120255518{n:02}", f"{MEETING}9{n:02}"
    since, mark, known = [exchange.mark() for exchange in pair], lab.box.mark(), lab.app.count("/long")
    ring = lambda: (time.sleep(delay_s), pair[0].say("ring", caller))
    if when == "before":
        ring()
        time.sleep(0.8)
    elif when == "meeting":
        lab.box.when(f"to be called: +{number}", ring)
    call = Placed(lab, f"+{number}", "pair")
    lab.box.log(f"out to +{number}", mark)
    if when == "after":
        pair[0].event("seized", since[0])
        ring()
    seen = pair[0].wait(lambda e: e.get("ev") in ("busy", "answered"), since[0], 20, f"line 6, rung {when}")
    fate, rung = seen["ev"], pair[0].wait(lambda e: e.get("ev") in ("busy", "ringing"), since[0], 1, "a ring")
    if fate == "busy":
        seized, place = pair[0].event("seized", since[0]), 0
    else:
        seized, place = pair[1].event("seized", since[1], 20), 1
        if seen["at"] - rung["at"] < MET_S:
            fate = "met"
        theirs = lab.app.nth("/long", known, 20)
        time.sleep(SEIZED_S if fate == "met" else SETTLED_S)
        check(pair[0].count("ended", since[0]) == 0, "the caller was let down")
        pair[0].say("hangup")
        pair[0].event("ended", since[0], why="exchange")
        record = lab.box.call(theirs["CallSid"])
        check((theirs["LineName"], record["status"]) == ("dahdi 3/6", "completed"), f"the caller's call: {record}")
    call.end("canceled")
    call.over("canceled")
    pair[place].event("ended", since[place], why="subscriber")
    time.sleep(GUARD_S)
    return fate, rung["at"] - seized["at"]


# An answer sooner than this is our seizure: a ring lasts for two seconds, and it is answered after it.
MET_S = 1.0
# The driver's seizure lasts for two seconds; a battery drop within it is not told.
SEIZED_S = 2.5


KILLS, LATEST_S = 2, 9.0


def lines_killed(lab):
    """kill -9 under two ISDN calls and two on analogue lines, in and out each, at seeded moments: every line is on hook,
    every timeslot idle, every call has a final status, and all of them can be used again."""
    took, sids = [], []
    for n in range(KILLS):
        moment = lab.random.uniform(LATEST_S * n / KILLS, LATEST_S * (n + 1) / KILLS)
        lines, there = [lab.exchanges[1], lab.exchanges[6]], lab.peer.mark()
        since = [exchange.mark() for exchange in lines]
        begun = time.monotonic()
        far = lab.peer.place("103", f"{MEETING}60{n}", 20 + n)
        lines[1].say("ring", f"{MEETING}61{n}")
        out = Placed(lab, f"+1{MEETING}62{n}", "isdn", "long")
        sids += [out.sid, Placed(lab, f"+1{MEETING}63{n}", "line", "long").sid]
        called = lab.peer.rung(there, f"1{MEETING}62{n}")
        called.say("answer")
        time.sleep(max(0, begun + moment - time.monotonic()))
        mark = lab.peer.mark()
        lab.box.kill()
        off_hook = []
        for exchange, begin in zip(lines, since):
            if exchange.count("seized", begin) + exchange.count("answered", begin):
                off_hook.append(exchange.place)
                exchange.event("ended", begin, why="subscriber")
            elif exchange.count("ringing", begin):
                exchange.say("stop")
                exchange.event("ended", begin)
        idle = [exchange.mark() for exchange in lab.exchanges.values()]
        lab.start_box()
        lab.box.log("D channel up", 0, 60)
        up = time.monotonic()
        for call in (far, called):
            call.event("ended", T316_S)
        for slot in (1, 31):
            lab.peer.event("restart", mark, T316_S, timeslot=slot)
        took.append(f"{moment:.1f} s: lines {off_hook} on hook, idle after {time.monotonic() - up:.1f} s")
        for exchange, begin in zip(lab.exchanges.values(), idle):
            check(not exchange.count("seized", begin), f"line {exchange.place} was seized by a start")
        used_again(lab, n)
    sids += lab.app.sids()
    alive = [sid for sid in sids if lab.box.call(sid)["status"] not in FINAL]
    check(not alive, f"without a final status: {alive}")
    return f"killed at {'; '.join(took)}; {len(set(sids))} calls final"


def used_again(lab, n):
    """A call in and one out on each kind of line."""
    since = [lab.exchanges[1].mark(), lab.exchanges[6].mark()]
    there = lab.peer.mark()
    far = lab.peer.place("103", f"{MEETING}64{n}", 20 + n)
    lab.exchanges[6].say("ring", f"{MEETING}65{n}")
    out, line = Placed(lab, f"+1{MEETING}66{n}", "isdn", "long"), Placed(lab, f"+1{MEETING}67{n}", "line", "long")
    far.event("connect")
    lab.peer.rung(there, f"1{MEETING}66{n}").say("answer")
    out.asked("/long")
    lab.exchanges[1].event("dialed", since[0], 25)
    lab.exchanges[6].event("answered", since[1], 25)
    time.sleep(SETTLED_S)
    lab.exchanges[6].say("hangup")
    for call in (out, line):
        call.end()
        call.over("completed" if call is out else "canceled", limit_s=10)
    far.say("hangup", 16)
    far.event("ended")
    for exchange, begin in zip((lab.exchanges[1], lab.exchanges[6]), since):
        exchange.event("ended", begin)


ALL = [
    ("lines", "isdn_glare", isdn_glare),
    ("lines", "line_glare", line_glare),
    ("lines", "lines_killed", lines_killed),
]
