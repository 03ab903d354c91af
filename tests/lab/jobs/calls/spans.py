"""Spans that our configuration brings up from nothing: which card's they are, what their channels are used as; what changes
while calls go on; what an alarm does."""

import json
import subprocess
import time
import urllib.request

from cases import asked, check, ring
from phones import asked as asked_of
from peer import Child
from setups import ALL as SETUPS, telephone_on

CALLS = 20
# A call that is heard is louder than this; nothing at all is far below.
HEARD_DBM0 = -35
T309_S = 90
# The far end of the last line of span 3.
LAST, LAST_FAR = "dahdi 3/24", 110


def lines(lab):
    return json.loads(lab.box.get("Lines.json?PageSize=100", ""))["lines"]


def line(lab, name):
    """The line as the API has it; none: it is not driven."""
    found = [one for one in lines(lab) if one["name"] == name]
    return found[0]["status"] if found else None


def metric(name):
    """A sample of the metrics by its name and labels, as it is written."""
    text = urllib.request.urlopen("http://127.0.0.1:9740/metrics", timeout=20).read().decode()
    found = [one.rsplit(" ", 1)[1] for one in text.splitlines() if one.startswith(name + " ")]
    check(found, f"no metric {name}")
    return float(found[0])


def reload(lab, config):
    """Another configuration for the running service."""
    file = lab.box.folder / "tipring.toml"
    own = "".join(one + "\n" for one in file.read_text().splitlines()[:4])
    file.write_text(own + config)
    done = subprocess.run([lab.binary, "reload", "--config", str(file)], capture_output=True, text=True, timeout=60)
    check(done.returncode == 0, f"reload: {done.stdout} {done.stderr}")
    return done.stdout


def configuration_alone_brings_spans_up(lab):
    """A call in on the E1, one on a line of the T1, and every channel is what it is to be."""
    far = ring(lab, "103", "2025550110", 30)
    asked(lab, far, "/long")
    time.sleep(1)
    far.level()
    time.sleep(2)
    level = far.level()
    check(level > HEARD_DBM0, f"the caller hears {level} dBm0")
    far.say("hangup", 16)
    far.event("ended")
    exchange, known = lab.exchanges[1], lab.app.count("/hello")
    since = exchange.mark()
    exchange.say("ring", "2025550177", "ANNA BELL")
    rung = lab.app.nth("/hello", known, 40)
    exchange.event("answered", since, 30)
    call = lab.box.call(rung["CallSid"], 40)
    check((call["status"], call["line"]) == ("completed", "dahdi 3/1"), f"{call['status']} on {call['line']}")
    check(line(lab, LAST) == "idle", f"{LAST} is {line(lab, LAST)}")
    return f"the E1's caller heard {level} dBm0, the T1's line was answered, {len(lines(lab))} lines"


def a_channel_changes_under_twenty_calls(lab):
    """Twenty callers hear their prompt; a line becomes a port whose telephone calls, and a line again."""
    fars = [ring(lab, "103", f"20255503{slot:02}", slot) for slot in [*range(1, 16), *range(17, 22)]]
    check(len(fars) == CALLS, f"{len(fars)} calls")
    for far in fars:
        asked(lab, far, "/long", 40)
    usual = SETUPS["box"].config(f"http://127.0.0.1:{lab.app.port}")
    reload(lab, telephone_on(usual, 24))
    lab.box.log(f"{LAST}: is fxs now")
    # The far end of that line becomes a telephone's, by DAHDI's own tool.
    file = lab.box.folder / "far.conf"
    file.write_text(f"fxsks={LAST_FAR}\n")
    subprocess.run(["dahdi_cfg", "-c", str(file), "-C", str(LAST_FAR)], check=True, capture_output=True, timeout=60)
    time.sleep(3)
    check(line(lab, LAST) == "idle", f"{LAST} is {line(lab, LAST)}")
    since = len(lab.app.of("/telephone"))
    phone = Child(["fxo-phone", "--line", str(LAST_FAR), "--dial", "5550100", "--hold", "4000", "--timeout", "60"], "stdout")
    request = asked_of(lab, since, "/telephone", 60)
    check(request["From"] == "24", f"the telephone is {request['From']}")
    call = lab.box.call(request["CallSid"], 30)
    phone.kill()
    file.write_text(f"fxoks={LAST_FAR}\n")
    mark = lab.box.mark()
    reload(lab, usual)
    lab.box.log(f"{LAST}: is fxo now", mark, 30)
    subprocess.run(["dahdi_cfg", "-c", str(file), "-C", str(LAST_FAR)], check=True, capture_output=True, timeout=60)
    levels = []
    for far in fars:
        far.level()
    time.sleep(3)
    for far in fars:
        levels.append(far.level())
    check(min(levels) > HEARD_DBM0, f"levels {levels}")
    for far in fars:
        far.say("hangup", 16)
        far.event("ended", 30)
    return f"{CALLS} calls at {min(levels)} to {max(levels)} dBm0; the telephone's call: {call['status']}"


def an_alarm_ends_calls_behind_t309(lab):
    """The far end goes and its cable is pulled: red alarm in the API, the metrics and the log; the call is held for T309
    and ends with cause 27; when the cable is back, calls are taken again."""
    far = ring(lab, "103", "2025550150", 3)
    sid = asked(lab, far, "/long")["CallSid"]
    # A call that is not active yet is not held: the application is asked before the line is answered.
    end = time.monotonic() + 15
    while lab.box.get(f"Calls/{sid}")["status"] != "in-progress":
        check(time.monotonic() < end, "the call is not answered")
        time.sleep(0.1)
    time.sleep(1)
    mark = lab.box.mark()
    lab.peer.kill()
    subprocess.run(["lab-span", "down", "2"], check=True, capture_output=True, timeout=60)
    pulled = time.monotonic()
    lab.box.log("dahdi 1: red alarm", mark, 20)
    told = time.monotonic() - pulled
    span = lab.box.get("Spans/dahdi%201")
    check((span["status"], span["alarms"]) == ("down", ["red"]), f"the API has {span}")
    check(metric('tipring_span_alarm{span="dahdi 1",alarm="red"}') == 1, "the metrics have no red alarm")
    check(lab.box.get(f"Calls/{sid}")["status"] == "in-progress", "the call was not held")
    call = lab.box.call(sid, T309_S + 40)
    held = time.monotonic() - pulled
    check((call["status"], call["cause"]) == ("completed", 27), f"{call['status']}, cause {call['cause']}")
    check(abs(held - T309_S) < 20, f"it was held for {held:.1f} s")
    subprocess.run(["lab-span", "up", "2"], check=True, capture_output=True, timeout=60)
    mark = lab.box.mark()
    lab.start_peer()
    lab.box.log("dahdi 1: no alarm", mark - 50 if mark > 50 else 0, 30)
    lab.peer.event("up", 0, 40)
    lab.box.log("D channel up", mark, 40)
    check(metric('tipring_span_alarm{span="dahdi 1",alarm="red"}') == 0, "the metrics have the alarm still")
    # libpri takes a link that has just come up for one that may go again.
    time.sleep(3)
    again = ring(lab, "103", "2025550151", 4)
    asked(lab, again, "/long")
    again.say("hangup", 16)
    again.event("ended")
    return f"told after {told:.1f} s, held for {held:.1f} s, cause 27, taken again"


ALL = [
    ("box", "configuration_alone_brings_spans_up", configuration_alone_brings_spans_up),
    ("box", "a_channel_changes_under_twenty_calls", a_channel_changes_under_twenty_calls),
    ("box", "an_alarm_ends_calls_behind_t309", an_alarm_ends_calls_behind_t309),
]
