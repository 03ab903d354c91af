"""What both measurements share: tipring, the exchange's signalling, the programs on the B channels, the output."""

import json
import os
import shutil
import statistics
import subprocess
import sys

from app import CONNECTED, PROMPT, Application, gather
from box import Box
from peer import Peer, Probe
from setups import OWN, Setup

FOLDER = "/tmp/bench"
# As a card on a machine with real-time priority has it.
PREFILL = 2
# The channels of a span that carry sound; the far end of channel c is c + FAR.
BEARERS = [*range(1, 16), *range(17, 32)]
FAR = 31

# Some twenty seconds, as a menu has them.
MENU = " ".join([PROMPT] * 5)
PAGES = {
    # Many times: longer than a round.
    "/play": gather(1, "/done", f'<Say loop="1000">{MENU}</Say>'),
    "/connect": '<Dial record="record-from-answer-dual" action="/dialled" timeout="20">'
    f'<Number trunk="isdn">{CONNECTED}</Number></Dial>',
}
NUMBERS = {"200": "play", "201": "connect"}
OUT = f"""country = "us"
[outbound]
open = ["national"]
caller_ids = ["{OWN}"]
calls_per_minute = 0
lines_percent = 100
minutes_per_day = 1000000
[[group]]
name = "isdn"
lines = ["dahdi 1"]
"""


def spans(channels):
    """Channels as the programs want them."""
    return ",".join(map(str, channels))


def tell(ev, **fields):
    print(json.dumps({"ev": ev, **fields}), flush=True)


def row(name, measured, unit, goal, kind, **more):
    """The line that `make bench` collects."""
    line = {"row": name, "measured": measured, "unit": unit, "goal": goal, "goal_kind": kind, **more}
    print(json.dumps(line, separators=(",", ":")), flush=True)


def median(values):
    return statistics.median(values)


def last(values, part):
    """The value below which this part of all lies."""
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))]


class Rig:
    """All of it, started once."""

    def __init__(self, arguments):
        self.rounds, self.seconds, self.connections = arguments.rounds, arguments.seconds, arguments.connections
        shutil.rmtree(FOLDER, ignore_errors=True)
        os.makedirs(f"{FOLDER}/certificates")
        # The host's files are slow from within the guest: see the calls job.
        binary = shutil.copy(arguments.bin, f"{FOLDER}/tipring")
        os.environ["SSL_CERT_DIR"] = f"{FOLDER}/certificates"
        self.app = Application(PAGES)
        setup = Setup("user", [1], numbers=NUMBERS, more=OUT, prefill=PREFILL)
        self.box = Box(binary, f"{FOLDER}/box", f"{FOLDER}/cache", setup.config(f"http://127.0.0.1:{self.app.port}"))
        self.peer = None
        try:
            self.box.ready()
            self.peer = Peer(True, FOLDER, "--bare", "--answer-after", "200")
            self.peer.event("up", 0, 30)
            self.box.log("D channel up", 0, 30)
            self.peer.event("restart", 0, 60, timeslot=31)
            self.box.speech(MENU)
        except BaseException:
            self.end()
            raise

    def pid(self):
        return self.box.process.pid

    def end(self):
        for child in (self.box, self.peer):
            if child:
                child.kill()


def run(*command):
    """A program's lines, once it has ended well."""
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode:
        print(done.stdout, file=sys.stderr)
        raise AssertionError(f"{command[0]} {command[1]}: status {done.returncode}: {lines[-1:]}")
    return lines


class Far(Probe):
    """The far ends of many channels: they speak and count what they hear."""

    def __init__(self, channels, speaks):
        super().__init__(["bearers", "far", spans(channels)])
        self.event("ready", 0)
        if not speaks:
            self.say("silence")

    def heard(self):
        """Octets of sound since the last time: on the channel that heard the least, and on that with the most."""
        since = self.mark()
        self.say("report")
        heard = self.event("heard", since)
        return heard["least"], heard["most"]
