"""A caller on an analogue line connected to an ISDN leg, and to another analogue line."""

import time

from app import CONNECTED
from cases import check, cleared
from legs import call_in, carries, tones, voice
from outgoing import CALLER, CALLER_NAME, shows


def connected(lab, caller):
    """A caller on line 8 is connected: the exchange's mark, the first leg's record so far, the far end."""
    exchange = lab.exchanges[8]
    there = lab.peer.mark()
    asked, since, _, _ = call_in(lab, exchange, "/connect", caller, CALLER_NAME)
    shows(asked, caller, CALLER_NAME)
    # A caller whose number got lost was connected, too, and is gone.
    far = lab.peer.rung(there, CONNECTED.removeprefix("+"), calling=f"1{caller}")
    far.say("alert")
    far.say("answer")
    far.event("bearer")
    return exchange, since, asked["CallSid"], far


def bridged(lab, caller, far_first):
    """Sound both ways at once, each tone as it was sent and no echo; one side hangs up, both legs are free."""
    exchange, since, sid, far = connected(lab, caller)
    at_line, at_far = tones(lab, exchange, far)
    if far_first:
        far.say("hangup", 16)
        far.event("ended")
        action = lab.app.asked_for("/dialled", CallSid=sid)
        check(action["DialCallStatus"] == "completed", f"DialCallStatus {action['DialCallStatus']}")
        why = exchange.event("ended", since)["why"]
        check(why == "subscriber", f"the line ended by the {why}")
        cause = 16
    else:
        exchange.say("hangup")
        exchange.event("ended", since)
        cause = cleared(far)
    figures = f"at the line {carries(at_line, 620, 1004)}, at libpri {carries(at_far(), 1004, 620)}"
    try:
        carries(at_line, 640, 1004)
        raise RuntimeError("another tone passes for the far end's")
    except AssertionError:
        pass
    first = lab.box.call(sid)
    legs = lab.box.rows("SELECT sid FROM calls WHERE parent = ?", sid)
    check(len(legs) == 1, f"{len(legs)} legs of the caller")
    second = lab.box.call(legs[0][0])
    statuses = (first["status"], second["status"])
    check(statuses == ("completed", "completed"), f"statuses {statuses}")
    check((cause, second["supervision"]) == (16, "connect"), f"cause {cause}, supervision {second['supervision']}")
    return figures


# The busy tone of the United States: beats, and how many of them the box gets.
BUSY_HZ, BEAT_S, BEATS = (480, 620), 0.5, 8
# From the answer of a called party who says nothing to the moment at which that is taken for one.
ANSWERED_S = 25


def across_lines(lab, caller):
    """Line to line: the called exchange says by busy tone alone that its party has gone. The ear of that line hears it
    through the bridge, and both lines are put down."""
    one, other = lab.exchanges[9], lab.exchanges[1]
    there = other.mark()
    asked, since, _, _ = call_in(lab, one, "/across", caller, CALLER_NAME)
    other.event("dialed", there, 40)
    other.event("answering", there, 20)
    end = time.monotonic() + ANSWERED_S
    query = "SELECT sid, supervision FROM calls WHERE parent = ? ORDER BY created DESC"
    while not (legs := [row for row in lab.box.rows(query, asked["CallSid"]) if row[1]]):
        check(time.monotonic() < end, "the called party's answer is not noticed")
        voice(other, 1.0)
    time.sleep(1)
    begun = time.monotonic()
    for _ in range(BEATS):
        if other.count("ended", there):
            break
        other.say("tone", *BUSY_HZ)
        time.sleep(BEAT_S)
        other.say("silence")
        time.sleep(BEAT_S)
    why = other.event("ended", there)["why"]
    took_s = time.monotonic() - begun
    check(why == "subscriber", f"the called line ended by the {why}")
    why = one.event("ended", since)["why"]
    check(why == "subscriber", f"the caller's line ended by the {why}")
    evidence = lab.box.rows("SELECT hangup_evidence FROM calls WHERE sid = ?", legs[0][0])[0][0]
    check(evidence == "busy-tone", f"told by {evidence}")
    return f"answered by {legs[0][1]}, busy tone noticed and both lines down within {took_s:.1f} s"


ALL = [
    ("lines", "bridged_line_hangs_up", lambda lab: bridged(lab, CALLER, False)),
    ("lines", "bridged_far_end_hangs_up", lambda lab: bridged(lab, "2025550178", True)),
    ("across", "line_to_line_keeps_its_ear", lambda lab: across_lines(lab, "2025550179")),
]
