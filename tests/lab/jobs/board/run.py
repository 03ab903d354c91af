#!/usr/bin/env python3
"""What `tipring lines` finds on DAHDI's own devices and spans; in the lab's guest, on one pair of E1 spans.

Each case looks, changes something in the kernel, looks again, and does what it is advised to do."""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import time

DEVICES = pathlib.Path("/sys/bus/dahdi_devices/devices")
PATIENCE_S = 15
BOTH = ["DYN/loc/0:0/1", "DYN/loc/0:1/1"]


class Lines:
    """The command, and its last answer."""

    def __init__(self, binary):
        self.binary = binary

    def look(self):
        done = subprocess.run([self.binary, "lines", "--json"], capture_output=True, text=True, timeout=30)
        self.code, self.said = done.returncode, json.loads(done.stdout)
        return self.said

    def findings(self):
        return {one["about"]: (one["trouble"], one["next"]) for one in self.look()["findings"]}

    def numbers(self):
        """Name of each span, with its number since this start."""
        cards = self.look()["cards"]
        return {span["name"]: span["number"] for card in cards for span in card["spans"]}

    def until(self, wanted, what):
        end = time.monotonic() + PATIENCE_S
        while True:
            if wanted(self.findings()):
                return
            if time.monotonic() > end:
                raise AssertionError(f"{what}: {json.dumps(self.said['findings'])}")


def tell(device, file, word):
    (DEVICES / device / file).write_text(word)


def configure():
    """As the lab did at the start: E1 spans with a D channel each."""
    conf = pathlib.Path("/tmp/board.conf")
    lines = ["bchan=1-15,17-31,32-46,48-62", "dchan=16,47", "alaw=1-62"]
    conf.write_text("\n".join(lines) + "\n")
    subprocess.run(["dahdi_cfg", "-c", str(conf)], check=True, capture_output=True, timeout=30)


def all_is_good(lines):
    found = lines.findings()
    assert {trouble for trouble, _ in found.values()} == {"ready"} and lines.code == 0, (lines.code, lines.said)
    assert lines.said["board"] == "emulated" and lines.said["cards"][0]["slot"] == "wire 1", lines.said["cards"]
    assert [row["lasting_name"] for row in lines.said["spans"]] == BOTH, lines.said["spans"]


def what_is_advised_brings_a_span_back(lines):
    tell("dynamic:loc:1", "unassign_span", "1")
    trouble, advice = lines.findings()[BOTH[1]]
    assert (trouble, lines.code) == ("unassigned", 69), lines.said
    command = re.match(r"`(echo [^`]*)`", advice)
    assert command, advice
    subprocess.run(["sh", "-c", command.group(1)], check=True, timeout=10)
    found = lines.findings()
    assert found.get(BOTH[1], ("none",))[0] != "unassigned", found
    configure()
    lines.until(lambda found: {trouble for trouble, _ in found.values()} == {"ready"}, "configured anew")


def a_span_without_signalling_is_told(lines):
    tell("dynamic:loc:1", "unassign_span", "1")
    tell("dynamic:loc:1", "assign_span", "1:0:0")
    trouble, advice = lines.findings()[BOTH[1]]
    assert (trouble, lines.code) == ("unconfigured", 69) and "[[span]]" in advice, lines.said
    configure()
    lines.until(lambda found: {trouble for trouble, _ in found.values()} == {"ready"}, "configured anew")


def the_other_order_changes_numbers_and_no_name(lines):
    before = lines.numbers()
    for device in ("dynamic:loc:0", "dynamic:loc:1"):
        tell(device, "unassign_span", "1")
    assert set(lines.numbers().values()) == {None}
    tell("dynamic:loc:1", "assign_span", "1:1:1")
    tell("dynamic:loc:0", "assign_span", "1:2:32")
    after = lines.numbers()
    assert list(before.values()) == [1, 2] and after == {BOTH[0]: 2, BOTH[1]: 1}, (before, after)
    assert list(before) == BOTH
    configure()
    lines.until(lambda found: {trouble for trouble, _ in found.values()} == {"ready"}, "in the other order")
    for device in ("dynamic:loc:0", "dynamic:loc:1"):
        tell(device, "unassign_span", "1")
    tell("dynamic:loc:0", "assign_span", "1:1:1")
    tell("dynamic:loc:1", "assign_span", "1:2:32")
    configure()


def an_alarm_is_told_and_goes(lines):
    subprocess.run(["lab-span", "down", "2"], check=True, capture_output=True, timeout=30)
    lines.until(lambda found: found.get(BOTH[0], ("",))[0] == "alarm", "the cable is out")
    assert lines.code == 69 and "cable" in lines.findings()[BOTH[0]][1], lines.said
    subprocess.run(["lab-span", "up", "2"], check=True, capture_output=True, timeout=30)
    lines.until(lambda found: found.get(BOTH[0], ("ready",))[0] != "alarm", "the cable is in")


CASES = [all_is_good, what_is_advised_brings_a_span_back, a_span_without_signalling_is_told,
         the_other_order_changes_numbers_and_no_name, an_alarm_is_told_and_goes]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--bin", required=True)
    lines = Lines(arguments.parse_args().bin)
    failed = 0
    for case in CASES:
        try:
            case(lines)
            print(f"{case.__name__}: passed", flush=True)
        except Exception as error:  # One that fails must not hide the others.
            failed += 1
            print(f"{case.__name__}: FAILED: {type(error).__name__}: {error}", flush=True)
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
