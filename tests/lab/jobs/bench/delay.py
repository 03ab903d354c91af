"""lab.delay: how long sound takes one way through a recorded connection of two PRI channels, from wire to wire. Tones
begin on both far ends at known samples; the sample at which they come out at the other far end is compared with that of a
direct wire of the same span. Each connection is one sample of how the phases of its channels and the clock lie."""

import time

from app import CONNECTED
from rig import FAR, PREFILL, last, median, row, run, tell

GOAL_MS = 25.0
EDGES = 8
# Timeslots for the callers, and one that no call has: its two ends are the direct wire.
CALLER, WIRE = 5, 9


def connected(rig, n):
    """A caller is connected, on these channels."""
    since = rig.peer.mark()
    caller = rig.peer.place("201", f"20255504{n:02}", CALLER)
    caller.event("connect", 30)
    other = rig.peer.rung(since, CONNECTED.removeprefix("+"), 30)
    other.event("answering")
    slot = other.setup["timeslot"]
    rig.box.log("begins", rig.mark, 15)
    return caller, other, slot


def measure(rig):
    """Both ways of every connection; the median counts."""
    ways, steps, foreign = {"a_to_b_ms": [], "b_to_a_ms": []}, 0, 0
    for n in range(rig.connections):
        rig.mark = rig.box.mark()
        caller, other, slot = connected(rig, n)
        time.sleep(0.5)
        lines = run("bearers", "delay", CALLER + FAR, slot + FAR, WIRE + FAR, WIRE, EDGES, n + 1)
        summary = lines[-1]
        for way, values in ways.items():
            found = [line[way] for line in lines if line["ev"] == "edge"]
            steps += sum(a != b for a, b in zip(found, found[1:]))
            values.extend(found)
            tell("connection", n=n, way=way, delays_ms=found)
        wire = {line["wire"] for line in lines if line["ev"] == "edge"}
        tell("steps", wire_samples=sorted(wire), **{k: v for k, v in summary.items() if k not in ("ev", "ms")})
        foreign += summary["foreign_a"] + summary["foreign_b"]
        caller.say("hangup", 16)
        other.event("ended")
        caller.event("ended")
    found = sorted(ways["a_to_b_ms"] + ways["b_to_a_ms"])
    tell("delay", edges=len(found), connections=rig.connections, prefill=PREFILL, median_ms=median(found), p95_ms=last(found, 0.95),
         least_ms=found[0], most_ms=found[-1], changes_within_a_connection=steps, octets_of_silence_put_in=foreign)
    row("lab.delay", round(median(found), 2), "ms", GOAL_MS, "at_most",
        note=f"{len(found)} edges over {rig.connections} connections, prefill {PREFILL}, 95 %: {last(found, 0.95):.1f} ms, "
        f"{found[0]:.1f} to {found[-1]:.1f} ms; {steps} changes within a connection, "
        f"{foreign / 8:.0f} ms of silence put in")
