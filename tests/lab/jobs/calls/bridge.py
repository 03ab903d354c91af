"""A caller on an analogue line connected to an ISDN leg."""

from app import CONNECTED
from cases import check, cleared
from legs import call_in, carries, tones
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


ALL = [
    ("lines", "bridged_line_hangs_up", lambda lab: bridged(lab, CALLER, False)),
    ("lines", "bridged_far_end_hangs_up", lambda lab: bridged(lab, "2025550178", True)),
]
