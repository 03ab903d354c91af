"""The cases of the calls job, in the order in which they run. Each takes the lab and returns its figures in words; an
AssertionError is a failure."""

import time

from box import FINAL
from sound import find_prompt, read_wav, tone_in

# How like the prompt the bearer's sound must be. Untouched it is 1.00; muted, cut or another text: far below.
LIKE = 0.9
# Seconds from the answer to the prompt's first octet: a rendered prompt, a slow machine.
PROMPT_WITHIN_S = 2.0
# Gaps of the emulated machine within one prompt, in seconds.
SLIP_S = 0.5
# What pri-peer's tones have, and how near a recording must come.
TONE_DBM0, NEAR_DB, NEAR_HZ, NEAR_S = -13.0, 1.5, 0.01, 0.3


def check(good, text):
    if not good:
        raise AssertionError(text)


def ring(lab, to, frm, slot=0):
    """A call that is answered."""
    far = lab.peer.place(to, frm, slot)
    far.event("connect")
    return far


def asked(lab, far, path, limit_s=15, **params):
    """What the application was asked for this call."""
    end = time.monotonic() + limit_s
    while True:
        found = [p for p in lab.app.of(path, **params) if p.get("From", "").endswith(far.frm)]
        if found:
            return found[-1]
        check(time.monotonic() < end, f"the application was not asked for {path} {params} by {far.frm}")
        time.sleep(0.02)


def cleared(far, limit_s=15):
    """The cause with which tipring hung up, once the call is over."""
    cause = far.event("disconnect", limit_s)["cause"]
    far.event("ended")
    return cause


def listened(lab, heard):
    """The prompt is in what was heard."""
    like, start, slipped = find_prompt(lab.prompt, heard)
    figures = f"prompt {like:.3f} alike after {start:.2f} s"
    if slipped:
        figures += f", slipped {slipped * 1000:.0f} ms"
    check(like >= LIKE and start <= PROMPT_WITHIN_S and abs(slipped) <= SLIP_S, figures)
    return figures


def spoken(lab):
    """Waits until the prompt must be over."""
    time.sleep(len(lab.prompt) / 8000 + 0.6)


def prompt_keys_record(lab, frm="2025550100"):
    """The prompt is heard, a key as sound is gathered, a tone is recorded and fetched, cause 16 at both ends."""
    far = ring(lab, "100", frm)
    sid = asked(lab, far, "/menu")["CallSid"]
    spoken(lab)
    mark = lab.box.mark()
    far.say("dtmf", 2)
    check(asked(lab, far, "/key")["Digits"] == "2", "other Digits")
    lab.box.log("begins", mark)
    time.sleep(0.5)
    far.say("tone", 1004)
    begun = time.monotonic()
    time.sleep(3)
    far.say("silence")
    sent = time.monotonic() - begun
    time.sleep(0.5)
    far.say("dtmf", "#")
    done = asked(lab, far, "/done")
    check(done["Digits"] == "#", f"Record ended by {done['Digits']}")
    cause = cleared(far)
    heard = listened(lab, far.heard())
    call = lab.box.call(sid)
    check((cause, call["status"], call["cause"]) == (16, "completed", 16), f"cause {cause}, record {call}")
    recording = done["RecordingUrl"].rsplit("/", 1)[1]
    record = lab.box.get(f"Recordings/{recording}")
    samples = read_wav(lab.box.get(f"Recordings/{recording}", ".wav"))
    level, hertz, length = tone_in(samples)
    figures = f"{heard}; tone {level:.1f} dBm0 {hertz:.1f} Hz {length:.2f} s of {sent:.2f} s"
    check(abs(level - TONE_DBM0) <= NEAR_DB, f"level: {figures}")
    check(abs(hertz / 1004 - 1) <= NEAR_HZ, f"frequency: {figures}")
    check(abs(length - sent) <= NEAR_S, f"length: {figures}")
    check(abs(len(samples) / 8000 - int(record["duration"])) <= 1, f"duration {record['duration']}: {figures}")
    return figures + f"; cause {cause}"


def silence_is_noticed(lab):
    """The same call to an application that forgot its prompt: listening must fail."""
    far = ring(lab, "105", "2025550106")
    asked(lab, far, "/silent")
    spoken(lab)
    # The key only shortens it: a Gather that hears none ends by itself.
    far.say("dtmf", 1)
    cleared(far, 30)
    try:
        figures = listened(lab, far.heard())
    except AssertionError as error:
        return f"failed as it must: {error}"
    raise AssertionError(f"silence passes for a prompt: {figures}")


def far_end_first(lab):
    """They hang up during the prompt with a cause of their own; the call's record has it."""
    far = ring(lab, "100", "2025550101", 9)
    sid = asked(lab, far, "/menu")["CallSid"]
    far.say("hangup", 31)
    answer = far.event("release")["cause"]
    far.event("ended")
    call = lab.box.call(sid)
    check((call["status"], call["cause"]) == ("completed", 31), f"record: {call['status']}, cause {call['cause']}")
    return f"cause 31 in the record, RELEASE with {answer}"


def refusals(lab):
    """Reject is 17 or 21, an unknown number 1; none is answered."""
    causes = []
    for to, status in (("101", "busy"), ("102", "no-answer"), ("999", None)):
        far = lab.peer.place(to, "2025550102")
        ended = far.event("ended")
        check(not ended["answered"], f"{to} was answered")
        # DISCONNECT has the cause, after CALL PROCEEDING; RELEASE COMPLETE without one ends libpri's RELEASE.
        causes.append(ended["cause"] if ended["cause"] > 0 else far.event("disconnect")["cause"])
        if status:
            path = {"101": "/busy", "102": "/reject"}[to]
            call = lab.box.call(asked(lab, far, path)["CallSid"])
            check(call["status"] == status, f"{to}: status {call['status']}")
    check(causes == [17, 21, 1], f"causes {causes}")
    return "causes 17, 21, 1"


def ten_at_once(lab):
    """Ten calls: each hears the prompt, each has its own keys and its own tone in its own recording."""
    fars = [lab.peer.place("104", f"20255502{n:02}") for n in range(10)]
    for far in fars:
        far.event("connect", 30)
    for far in fars:
        asked(lab, far, "/many", 30)
    spoken(lab)
    for n, far in enumerate(fars):
        far.say("dtmf", f"{n}7{9 - n}")
        far.say("tone", 600 + 50 * n)
    worst, late, sids = 1.0, 0.0, []
    for n, far in enumerate(fars):
        got = asked(lab, far, "/tone", 30)
        check(got["Digits"] == f"{n}7{9 - n}", f"call {n}: Digits {got['Digits']}")
        sids.append(got["CallSid"])
    for n, far in enumerate(fars):
        cause = cleared(far, 30)
        check(cause == 16, f"call {n}: cause {cause}")
        like, start, slipped = find_prompt(lab.prompt, far.heard())
        worst, late = min(worst, like), max(late, start)
        check(like >= LIKE, f"call {n}: prompt {like:.3f} alike after {start:.2f} s, slipped {slipped:.3f} s")
        recording = asked(lab, far, "/done")["RecordingUrl"].rsplit("/", 1)[1]
        level, hertz, _ = tone_in(read_wav(lab.box.get(f"Recordings/{recording}", ".wav")))
        wanted = 600 + 50 * n
        near = abs(hertz / wanted - 1) <= NEAR_HZ and abs(level - TONE_DBM0) <= NEAR_DB
        check(near, f"call {n}: {level:.1f} dBm0 {hertz:.1f} Hz instead of {wanted}")
    check(len(set(sids)) == 10, "calls share a SID")
    check(all(lab.box.call(sid)["status"] == "completed" for sid in sids), "a call is not completed")
    return f"prompts at least {worst:.3f} alike, the last after {late:.2f} s; ten tones in ten recordings"


def d_channel_lost_and_back(lab):
    """libpri is stopped until our link is given up (T203, then N200 times T200), and goes on before T309: the call is
    there, sound flows both ways, and it ends in order."""
    far = ring(lab, "103", "2025550103", 12)
    sid = asked(lab, far, "/long")["CallSid"]
    time.sleep(1)
    far.level()
    time.sleep(1)
    before = far.level()
    mark, begun = lab.box.mark(), time.monotonic()
    lab.peer.stop(True)
    try:
        lab.box.log("D channel down", mark, 40)
    finally:
        lab.peer.stop(False)
    lost = time.monotonic()
    lab.box.log("D channel up", mark, 20)
    back = time.monotonic()
    time.sleep(2)
    far.level()
    time.sleep(2)
    after = far.level()
    check(before > -35 and after > -35, f"level {before} dBm0 before, {after} dBm0 after")
    far.say("dtmf", 5)
    check(asked(lab, far, "/done")["Digits"] == "5", "other Digits")
    cause = cleared(far)
    call = lab.box.call(sid)
    check((cause, call["status"]) == (16, "completed"), f"cause {cause}, {call['status']}")
    return f"down after {lost - begun:.1f} s, up {back - lost:.1f} s later, {before} and {after} dBm0, cause 16"


KILLS, CALLS_AT_A_KILL, T316_S = 5, 4, 120
# A kill comes at the latest this long after four calls were placed; some are recording by then.
LATEST_S = 8.0
# What a recording may miss of the time from its begin to the kill.
SHORT_S = 2.0


def four_calls(lab, slots, moment):
    """Four calls; two of them press their key at once and send a tone to be recorded. Returns after `moment` seconds."""
    fars = [lab.peer.place("100", f"202555{3000 + slot}", slot) for slot in slots]
    end, silent = time.monotonic() + moment, fars[:2]
    while time.monotonic() < end:
        for far in [far for far in silent if far.has("connect")]:
            silent.remove(far)
            far.say("dtmf", 2)
            far.say("tone", 1004)
        time.sleep(0.02)
    return fars


def kept(lab, recordings, killed_at):
    """Recordings that were being made are there, and hardly shorter than they had been made; by how much at most."""
    worst = 0.0
    for sid, begun in recordings.items():
        status = lab.box.rows("SELECT status FROM recordings WHERE sid = ?", sid)
        made = killed_at - begun
        if made < SHORT_S:
            check(status in ([], [("completed",)], [("absent",)]), f"{sid}: {status}")
            continue
        check(status == [("completed",)], f"{sid}: {status} after {made:.1f} s")
        samples = read_wav(lab.box.get(f"Recordings/{sid}", ".wav"))
        worst = max(worst, made - len(samples) / 8000)
        check(worst <= SHORT_S, f"{sid}: {len(samples) / 8000:.2f} s of {made:.2f} s")
    return worst


def killed(lab):
    """kill -9 under four calls at seeded moments: the far end's channels are idle again, they can be used, every call
    that the application saw has a final status, and what was recorded is there."""
    took, short, recordings = [], 0.0, 0
    for n in range(KILLS):
        moment = lab.random.uniform(LATEST_S * n / KILLS, LATEST_S * (n + 1) / KILLS)
        slots = lab.random.sample([*range(1, 16), *range(17, 32)], CALLS_AT_A_KILL)
        since = lab.box.mark()
        fars = four_calls(lab, slots, moment)
        mark = lab.peer.mark()
        lab.box.kill()
        killed_at, begun = time.time(), lab.box.recordings(since)
        lab.start_box()
        lab.box.log("D channel up", 0, 60)
        up = time.monotonic()
        for far in fars:
            far.event("ended", T316_S)
        for slot in (1, 31):
            lab.peer.event("restart", mark, T316_S, timeslot=slot)
        took.append(f"{moment:.1f} s: {time.monotonic() - up:.1f} s")
        again = [lab.peer.place("103", f"202556{1000 + slot}", slot) for slot in slots]
        for far in again:
            far.event("connect")
            far.say("hangup", 16)
        for far in again:
            far.event("ended")
        short, recordings = max(short, kept(lab, begun, killed_at)), recordings + len(begun)
    sids = lab.app.sids()
    alive = [sid for sid in sids if lab.box.call(sid)["status"] not in FINAL]
    check(not alive, f"without a final status: {alive}")
    check(lab.box.rows("PRAGMA integrity_check") == [("ok",)], "integrity_check")
    check(recordings > 0, "no kill met a recording")
    idle = f"killed at, idle after: {'; '.join(took)}"
    return f"{idle}; {len(sids)} calls final; {recordings} recordings at most {short:.2f} s short"


def late_start(lab):
    """libpri has given up its first SABMEs when tipring comes, and a call is placed before both ends agree: whatever
    becomes of that one, the next works."""
    lab.end()
    lab.start_peer()
    time.sleep(3)
    early = lab.peer.place("100", "2025550104", 5)
    lab.start_box()
    fate = lab.peer.wait(
        lambda e: e.get("call") == early.number and e.get("ev") in ("connect", "ended"), early.since, 60, "the early call"
    )
    if fate["ev"] == "connect":
        early.say("hangup", 16)
        early.event("ended")
        fate = "was answered"
    else:
        fate = f"ended with cause {fate['cause']}"
    lab.up(60)
    far = ring(lab, "100", "2025550105", 5)
    asked(lab, far, "/menu")
    far.say("hangup", 16)
    far.event("ended")
    return f"the early call {fate}; the next on the same timeslot was answered"


ALL = [
    ("user", "prompt_keys_record", prompt_keys_record),
    ("user", "silence_is_noticed", silence_is_noticed),
    ("user", "far_end_hangs_up_first", far_end_first),
    ("user", "refusals", refusals),
    ("user", "ten_calls_at_once", ten_at_once),
    ("user", "d_channel_lost_and_back", d_channel_lost_and_back),
    ("user", "killed_in_calls", killed),
    ("user", "late_start", late_start),
    ("network", "prompt_keys_record_as_network", lambda lab: prompt_keys_record(lab, "2025550110")),
    ("network", "far_end_hangs_up_first_as_network", far_end_first),
    ("network", "refusals_as_network", refusals),
]
