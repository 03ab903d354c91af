"""Ground start: a line is seized by grounding a wire, the exchange grounds the other one, and opens it when the far end has
gone. Beside the cases of `outgoing.py`, which are loop start's."""

import time

from cases import check
from legs import call_in, dialled, hung_up, voice
from phones import FIRST_CHANNEL, dials_and_is_answered

CALLER, CALLER_NAME = "2025550177", "ANNA BELL"
# Our last channel is a port for a PBX.
PBX_CHANNEL = 110


def a_line_is_seized_and_let_go_by_the_exchange(lab):
    """Out: the ground seizes it, the digits are dialled, the voice answers; the exchange opens the line: over by the
    battery, at once."""
    exchange = lab.exchanges[1]
    call, since, dialled_so = dialled(lab, exchange, "12025550142", "line")
    exchange.event("answering", since)
    voice(exchange, 1.5)
    call.asked("/menu")
    time.sleep(1)
    begun = time.monotonic()
    exchange.say("hangup")
    record = lab.box.call(call.sid, 10)
    took_s = time.monotonic() - begun
    check((record["status"], record["cause"]) == ("completed", 16), f"record: {record}")
    check(record["hangup_evidence"] == "battery-drop", f"ended by {record['hangup_evidence']}")
    check(took_s < 2, f"noticed after {took_s:.1f} s")
    exchange.event("ended", since)
    return f"dialled {dialled_so}, over by the {record['hangup_evidence']} after {took_s:.1f} s"


def a_call_comes_in_and_its_caller_goes(lab):
    """In: rung with number and name, answered; the exchange opens the line."""
    exchange = lab.exchanges[1]
    request, since, _, tries = call_in(lab, exchange, "/caller", CALLER, CALLER_NAME)
    check(request["From"].endswith(CALLER), f"From {request['From']}")
    hung_up(exchange, since)
    record = lab.box.call(request["CallSid"])
    check((record["status"], record["cause"]) == ("completed", 16), f"record: {record}")
    return f"number and name in call {tries}, over by the {record['hangup_evidence']}"


def a_pbx_seizes_and_dials(lab):
    """Its ground is noticed, ours makes it close the loop; dial tone, digits, the application; it hangs up."""
    place = PBX_CHANNEL - FIRST_CHANNEL + 1
    request, call, _ = dials_and_is_answered(lab, place, "24", "5550102", "--ground", "--hold", "11000")
    return f"To {request['To']}, {call['duration']} s"


ALL = [
    ("ground", "a_line_is_seized_and_let_go", a_line_is_seized_and_let_go_by_the_exchange),
    ("ground", "a_call_comes_in", a_call_comes_in_and_its_caller_goes),
    ("ground", "a_pbx_seizes_and_dials", a_pbx_seizes_and_dials),
]
