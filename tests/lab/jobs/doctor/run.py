#!/usr/bin/env python3
"""`tipring doctor line` over real DAHDI nodes: two lines of the box on one exchange (`fxo-office`), which connects them.
The box is set for the United States and for answers that are marked by a reversal; the exchange has the tones of another
country, never reverses, and loses half of the voltage of everything on its way to the examined line.

    run.py [--bin FILE]

Three visits: the first one proposes and writes nothing, the second one writes what it proposes, the third one finds nothing
to change. One line a visit, `ok` or `FAIL`, with what was measured; the last line counts."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "calls"))

from box import Box
from cases import check
from peer import Probe

FOLDER = "/tmp/doctor"
EXAMINED, OTHER = "dahdi 1/1", "dahdi 1/2"
# Lines of the exchange, as lines.conf has them: channel and number.
OFFICE = ["--line", "3:5550101", "--line", "4:5550102"]
# How it differs from the box's country.
LOSS_DB = 6.0
HABITS = ["--dial", "425", "--ringback", "425,1000,4000", "--busy", "425,480,480", "--loss", f"3:{LOSS_DB}"]

CONFIG = f"""country = "us"
[listen]
api = "127.0.0.1:8080"
[[card]]
kind = "dahdi"
spans = [1]
prefill = 4
[[line]]
line = "{EXAMINED}"
number = "5550101"
answer = "reversal"
[[line]]
line = "{OTHER}"
number = "5550102"
"""

# What no reversal, tones of another country and half of the voltage come to.
PROPOSED = {
    "answer": '"voice"',
    "dial_tone": '"425"',
    "ringback_tone": '"425 1000/4000"',
    "hang_up_tone": '"425 480/480"',
    "receive_gain_db": "6",
}
TONE_DBM0, NEAR_DB = -10.0, 0.5
# The exchange rings as soon as it knows the number.
RINGS_MS = 500
LINE_TIME_S = 90
# The line rests after a start and after a visit: DAHDI tells no ring in the two seconds after an on-hook.
GUARD_S = 2.5
VISIT_LIMIT_S = 200
# Exit codes of the doctor.
FITS, SUGGESTS = 0, 3


class Visit:
    """One run of the doctor: its report, its exit code, and what it has told meanwhile."""

    def __init__(self, binary, box, *options):
        command = [binary, "doctor", "line", EXAMINED, "--with", OTHER, "--json", "--config", str(box.folder / "tipring.toml")]
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=VISIT_LIMIT_S, check=False)
        self.exit, self.told = done.returncode, done.stderr.splitlines()
        try:
            self.report = json.loads(done.stdout)
        except ValueError as error:
            raise AssertionError(f"no report, exit code {self.exit}: {error}: {done.stdout} {self.told}") from None

    def proposed(self):
        return {it["key"]: it["to"] for it in self.report["proposals"]}

    def whole(self, exit_code):
        """Both calls were made, in time, and the exit code says what came of it."""
        report = self.report
        check(report["failure"] is None, f"failure: {report['failure']}")
        check(report["line_time_s"] < LINE_TIME_S, f"{report['line_time_s']} s of line time")
        ways = [call["way"] for call in report["calls"]]
        check(ways == ["called", "calling"], f"calls: {ways}")
        check(self.exit == exit_code, f"exit code {self.exit} instead of {exit_code}: {self.told}")

    def measured(self, received_dbm0, heard_as):
        """Levels, echo, rings, caller id and the end of both calls, as the exchange makes them."""
        called, calling = self.report["calls"]
        told = called["caller_id"]
        check(told["form"] == "bell-202" and told["number"] and not told["before_ring"], f"caller id: {told}")
        for call in (called, calling):
            check(call["rang_after_ms"] < RINGS_MS, f"rings after {call['rang_after_ms']} ms")
            levels = call["received_dbm0"], call["sent_dbm0"]
            for level, wanted in zip(levels, (received_dbm0, TONE_DBM0)):
                check(level is not None and abs(level - wanted) <= NEAR_DB, f"{call['way']}: levels {levels}")
            check(call["noise_dbm0"] < -60, f"noise {call['noise_dbm0']}")
            check(call["echo"] is None, f"an echo of {call['echo']} on a line without a hybrid")
            end = call["end"]
            check(end["battery_ms"] is None and end["reversal_ms"] is None, f"end: {end}")
            check(written(end["tone"]["tone"]) == PROPOSED["hang_up_tone"], f"tone of the end: {end}")
            check(end["heard_as"] == heard_as, f"the line's own ear heard {end['heard_as']}")
        check(calling["answer_reversal_ms"] is None, "a reversal that the exchange cannot make")
        return f"levels {levels} dBm0, number of the caller by {told['form']}, {self.report['line_time_s']} s of line time"


def written(tone):
    """A tone as the configuration has it."""
    return f'"{tone["hz"][0]} {"/".join(map(str, tone["on_off_ms"]))}"'


def proposes(visit, box):
    """Everything in which the settings do not fit, and nothing else; none of it is written."""
    visit.whole(SUGGESTS)
    check(not (box.folder / "conf.d").exists(), "something was written unasked")
    check(visit.proposed() == PROPOSED, f"proposed: {visit.proposed()}")
    return f"{visit.proposed()}, {visit.measured(TONE_DBM0 - LOSS_DB, None)}"


def writes(visit, box):
    """The same, taken over; the file is the doctor's own."""
    visit.whole(FITS)
    check(visit.proposed() == PROPOSED, f"proposed: {visit.proposed()}")
    file = box.folder / "conf.d" / "zz-doctor-dahdi-1-1.toml"
    check(f"written: {file}" in visit.told, f"told: {visit.told}")
    text = file.read_text()
    check(all(f"{key} = {to}" in text for key, to in visit.proposed().items()), f"written: {text}")
    return f"{file.name} has {len(visit.proposed())} settings"


def finds_nothing(visit, _):
    """The settings fit."""
    visit.whole(FITS)
    check(visit.proposed() == {}, f"proposed again: {visit.report['proposals']}")
    check(visit.report["settings"]["answer"] == "voice", f"settings: {visit.report['settings']}")
    return visit.measured(TONE_DBM0, "busy tone")


VISITS = [
    ("settings_that_do_not_fit_are_found", [], proposes),
    ("what_is_proposed_is_written_and_taken_over", ["--apply"], writes),
    ("a_line_that_is_set_right_is_told_nothing", [], finds_nothing),
]


def main():
    here = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here.add_argument("--bin", default=os.environ.get("TIPRING_BIN") or "target/debug/tipring")
    arguments = here.parse_args()
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(f"{FOLDER}/certificates")
    # The host's files are slow from within the guest: see the calls job.
    binary = shutil.copy(arguments.bin, f"{FOLDER}/tipring")
    os.environ["SSL_CERT_DIR"] = f"{FOLDER}/certificates"
    office = Probe(["fxo-office", *OFFICE, *HABITS])
    passed, visit = 0, None
    office.event("ready", 0, line=4)
    box = Box(binary, f"{FOLDER}/box", f"{FOLDER}/cache", CONFIG)
    try:
        box.ready()
        for name, options, judge in VISITS:
            time.sleep(GUARD_S)
            begin, since, visit = time.monotonic(), office.mark(), None
            visit = Visit(binary, box, *options)
            print(f"ok   {name}: {judge(visit, box)} ({time.monotonic() - begin:.1f} s)", flush=True)
            passed += 1
    except (AssertionError, subprocess.TimeoutExpired) as error:
        # Each visit begins where the one before it has ended: there is no sense in the next one.
        print(f"FAIL {name}: {error}", flush=True)
        print(f"     report: {json.dumps(visit.report) if visit else None}")
        for who, lines in (("exchange", office.lines[since:]), ("tipring", box.lines[-60:])):
            for line in lines:
                print(f"     {who}: {line}", flush=True)
    finally:
        box.kill()
        office.kill()
    print(f"{passed} passed, {len(VISITS) - passed} failed")
    return 0 if passed == len(VISITS) else 1


if __name__ == "__main__":
    sys.exit(main())
