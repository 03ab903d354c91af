"""lab.channels: processor time of tipring for 100 channel-seconds, thirty calls playing with detection, beside a bare loop
that reads and writes the same channels. Both in turn, several times, in one guest; medians are compared."""

import os
import time
from pathlib import Path

from rig import BEARERS, FAR, PREFILL, Far, median, row, run, spans, tell

GOAL = 3.0
CALLS = len(BEARERS)
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
# A prompt is mostly sound; its pauses are not counted as such.
SOUND_PART = 0.4
OCTETS_A_SECOND = 8000


def cpu_s(pid):
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def threads_ms(pid):
    """The same by the name of the thread, as far as they live."""
    sums = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            name = (task / "comm").read_text(encoding="utf-8").strip()
            sums[name] = sums.get(name, 0) + int((task / "schedstat").read_text(encoding="utf-8").split()[0]) / 1e6
        except OSError:
            continue
    return sums


def bare(rig, way, speaks):
    """The loop: ms for 100 channel-seconds."""
    far = Far([c + FAR for c in BEARERS], speaks)
    try:
        figures = run("bearers", "loop", spans(BEARERS), rig.seconds, PREFILL, way)[-1]
    finally:
        far.kill()
    tell("bare", speaks=speaks, **{key: value for key, value in figures.items() if key not in ("ev", "ms")})
    return figures["per_100_ms"]


def calls(rig, speaks):
    """Thirty calls up and playing: ms for 100 channel-seconds. Each call ends by a key that its Gather hears."""
    since, asked = rig.peer.mark(), rig.app.count("/done")
    placed = [rig.peer.place("200", f"20255503{slot:02}", slot) for slot in BEARERS]
    for call in placed:
        call.event("connect", 60)
    far = Far([c + FAR for c in BEARERS], speaks)
    try:
        # All play, and what the start of thirty calls costs is over.
        end = time.monotonic() + 60
        while far.heard()[0] == 0:
            if time.monotonic() > end:
                raise AssertionError("not all of thirty calls play")
            time.sleep(1)
        time.sleep(3)
        far.heard()
        before, by_thread, begin = cpu_s(rig.pid()), threads_ms(rig.pid()), time.monotonic()
        time.sleep(rig.seconds)
        spent, seconds = cpu_s(rig.pid()) - before, time.monotonic() - begin
        after = threads_ms(rig.pid())
        least, most = far.heard()
        figure = spent * 1000 * 100 / (CALLS * seconds)
        per_100 = {name: round((ms - by_thread.get(name, 0)) * 100 / (CALLS * seconds), 2) for name, ms in after.items()}
        tell("tipring", speaks=speaks, seconds=round(seconds, 3), cpu_ms=round(spent * 1000), per_100_ms=round(figure, 2),
             threads=dict(sorted(per_100.items(), key=lambda item: -item[1])[:8]), heard_least=least, heard_most=most)
        if least < SOUND_PART * OCTETS_A_SECOND * seconds:
            raise AssertionError(f"a call heard only {least} octets of its prompt in {seconds:.1f} s")
        far.say("silence")
        time.sleep(0.5)
        far.say("key")
        for call in placed:
            call.event("ended", 30)
    finally:
        far.kill()
    ended = rig.app.count("/done") - asked
    if ended != CALLS:
        raise AssertionError(f"{ended} of {CALLS} Gathers heard their key")
    tell("ended", calls=ended, lost=rig.peer.count("error", since))
    return figure


def measure(rig):
    """Callers who speak are the row; silent ones and the loop on a timer stand beside it."""
    figures = {}
    for _ in range(rig.rounds):
        for speaks in (True, False):
            for way in ("poll", "timer"):
                figures.setdefault((way, speaks), []).append(bare(rig, way, speaks))
            figures.setdefault(("tipring", speaks), []).append(calls(rig, speaks))
    middle = {key: median(values) for key, values in figures.items()}
    for (name, speaks), values in figures.items():
        tell("channels", what=name, speaks=speaks, median=round(middle[name, speaks], 2), all=[round(v, 2) for v in values])
    for speaks in (True, False):
        for way in ("poll", "timer"):
            tell("ratio", speaks=speaks, beside=way, ratio=round(middle["tipring", speaks] / middle[way, speaks], 2))
    ours, theirs = middle["tipring", True], middle["poll", True]
    silent = middle["tipring", False] / middle["poll", False]
    row("lab.channels", round(ours, 1), "ms CPU/100 channel-seconds", GOAL, "ratio_at_most", peer="bare loop",
        peer_measured=round(theirs, 1), ratio=round(ours / theirs, 2),
        note=f"callers who speak all the time; silent callers: {silent:.2f} times; a loop that waits for DAHDI's timer "
        f"and not for the channels: {middle['timer', True]:.1f} ms")
