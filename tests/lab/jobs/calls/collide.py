"""Two calls that meet on one channel or line, and kill -9 under calls of both kinds."""

import time

from box import FINAL
from cases import T316_S, asked, check, cleared, listened, spoken
from legs import GUARD_S, SETTLED_S, Placed, dialled
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
    """libpri rings on a timeslot while our SETUP for it is on its way, several times: its call is answered there, ours
    goes to the timeslot that it names, and is heard there; both end in order, and the timeslot can be used."""
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
    """The exchange rings before, after and during our seizure: the caller is answered or, if we were first, gets busy
    tone; our call goes out on the other line, or on this one; no line is left off hook."""
    before, after = line_rung(lab, "before", 0), line_rung(lab, "after", 1)
    met = line_meeting(lab, 2)
    return f"rung before: {before}; after: {after}; {met}"


# The driver's seizure lasts for two seconds; a battery drop within it is not told.
SEIZED_S = 2.5


def line_rung(lab, when, n):
    """One call of ours on the pair of lines, and a caller on the first: what became of both."""
    pair = [lab.exchanges[6], lab.exchanges[7]]
    number, caller = f"120255518{n:02}", f"{MEETING}9{n:02}"
    since, known = [exchange.mark() for exchange in pair], lab.app.count("/long")
    if when == "before":
        pair[0].say("ring", caller)
        time.sleep(0.8)
    call, place = Placed(lab, f"+{number}", "pair"), ("after", "before").index(when)
    pair[place].event("seized", since[place], 20)
    if when == "after":
        pair[0].say("ring", caller)
    call.end("canceled")
    call.over("canceled")
    fate = pair[0].wait(lambda e: e.get("ev") in ("busy", "answered"), since[0], 20, f"line 6, rung {when}")["ev"]
    check(fate == ("busy", "answered")[place], f"rung {when}: {fate}")
    if fate == "answered":
        caller_leaves(lab, since[0], known)
    pair[place].event("ended", since[place], why="subscriber")
    time.sleep(GUARD_S)
    return f"{fate}, ours on line {6 + place}"


def caller_leaves(lab, since, known):
    """The caller on line 6 is with the application, and only then hangs up."""
    exchange, theirs = lab.exchanges[6], lab.app.nth("/long", known, 20)
    time.sleep(SEIZED_S)
    check(exchange.count("ended", since) == 0, "the caller was let down")
    exchange.say("hangup")
    exchange.event("ended", since, why="exchange")
    record = lab.box.call(theirs["CallSid"])
    check((theirs["LineName"], record["status"]) == ("dahdi 3/6", "completed"), f"the caller's call: {record}")


def line_meeting(lab, n):
    """A ring within two seconds of an on-hook is not told by the driver. A call that waits for the line seizes it after
    these two seconds: in the midst of the ring, which that answers."""
    exchange, numbers = lab.exchanges[6], [f"120255518{n:02}", f"120255519{n:02}"]
    since, known = exchange.mark(), lab.app.count("/long")
    first = Placed(lab, f"+{numbers[0]}", "six")
    exchange.event("seized", since, 20)
    first.end("canceled")
    ours = Placed(lab, f"+{numbers[1]}", "six")
    check(ours.made["status"] == "queued", f"made as {ours.made['status']}")
    exchange.event("ended", since, why="subscriber")
    since = exchange.mark()
    exchange.say("ring", f"{MEETING}99{n}")
    rung = exchange.event("answered", since, 20)["rings"]
    check(rung == 0, f"answered after {rung} rings: the seizure came too late")
    caller_leaves(lab, since, known)
    # The line is free again, and ours has waited for it.
    exchange.event("seized", since, 30)
    ours.end("canceled")
    ours.over("canceled")
    exchange.event("ended", since, why="subscriber")
    return "met: the caller was answered, ours went out on line 6 afterwards"


KILLS, LATEST_S = 2, 9.0


def lines_killed(lab):
    """kill -9 under two ISDN calls and two on analogue lines, in and out each, at seeded moments: every line is on
    hook, every timeslot idle, every call has a final status, and all of them can be used again."""
    took, sids, asked_before = [], [], lab.app.mark()
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
    sids += lab.app.sids(asked_before)
    alive = [sid for sid in sids if lab.box.call(sid)["status"] not in FINAL]
    check(not alive, f"without a final status: {alive}")
    return f"killed at {'; '.join(took)}; {len(set(sids))} calls final"


def used_again(lab, n):
    """A call in and one out on each kind of line."""
    since = [lab.exchanges[1].mark(), lab.exchanges[6].mark()]
    there = lab.peer.mark()
    far = lab.peer.place("103", f"{MEETING}64{n}", 20 + n)
    lab.exchanges[6].say("ring", f"{MEETING}65{n}")
    out = Placed(lab, f"+1{MEETING}66{n}", "isdn", "long")
    far.event("connect")
    lab.peer.rung(there, f"1{MEETING}66{n}").say("answer")
    out.asked("/long")
    line, since[0], _ = dialled(lab, lab.exchanges[1], f"1{MEETING}67{n}", "line", "long")
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
