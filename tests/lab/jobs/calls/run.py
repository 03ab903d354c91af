#!/usr/bin/env python3
"""Calls over real DAHDI nodes, in and out: libpri (`pri-peer`) and an exchange on analogue lines (`fxo-peer`) at the far
ends, the `tipring` binary with an application here. Runs in the lab's guest (`lab run`): spans 1 and 3 are
tipring's, span 2 libpri's, span 4 the exchange's.

    run.py [--bin FILE] [--seed N] [--sounds FOLDER] [CASE…]      a case, or the name of a set-up for all of its cases

One line a case, `ok` or `FAIL`, with what was measured; the last line counts. The binary is $TIPRING_BIN, or
target/debug/tipring."""

import argparse
import os
import random
import shutil
import sys
import time
import traceback

import bridge
import cases
import collide
import device
import greeting
import ground
import live
import outgoing
import phones
import rooms
import spans
import stream
from app import PROMPT, Application
from box import Box
from legs import GUARD_S
from peer import Exchange, Peer
from setups import ALL as SETUPS

FOLDER = "/tmp/calls"
CASES = [*cases.ALL, *outgoing.ALL, *bridge.ALL, *collide.ALL, *rooms.ALL, *live.ALL, *greeting.ALL, *stream.ALL, *phones.ALL, *spans.ALL, *ground.ALL, *device.ALL]


class Lab:
    """What the cases share: the application, the far ends, the box, and the prompt as it should sound in both laws."""

    def __init__(self, arguments):
        self.random, self.app, self.sounds = random.Random(arguments.seed), Application(), arguments.sounds
        self.folder = FOLDER
        self.prompt, self.prompt_mu, self.peer, self.box, self.setup = None, None, None, None, None
        self.exchanges = {}
        shutil.rmtree(FOLDER, ignore_errors=True)
        os.makedirs(f"{FOLDER}/certificates")
        # The host's files are slow from within the guest, and a start of tipring reads a large binary and the
        # certificate of every authority, of which nothing here needs one: 3 s with these two lines, else 7 s to 13 s.
        self.binary = shutil.copy(arguments.bin, f"{FOLDER}/tipring")
        os.environ["SSL_CERT_DIR"] = f"{FOLDER}/certificates"

    def start_box(self):
        config = SETUPS[self.setup].config(f"http://127.0.0.1:{self.app.port}")
        self.box = Box(self.binary, f"{FOLDER}/{self.setup}", f"{FOLDER}/cache", config)

    def start_peer(self):
        setup = SETUPS[self.setup]
        self.peer = Peer(setup.role == "user", FOLDER, *setup.peer)

    def start_exchanges(self):
        """Before the box, which would take a line that is being opened for one that rings."""
        for place, options in SETUPS[self.setup].exchanges.items():
            self.exchanges[place] = Exchange(place, FOLDER, *options)
        for exchange in self.exchanges.values():
            exchange.event("ready", 0)

    def up(self, limit_s=30):
        """Both ends agree that the link is up, and the restarts that tipring begins with are done."""
        self.peer.event("up", 0, limit_s)
        self.box.log("D channel up", 0, limit_s)
        self.peer.event("restart", 0, limit_s, timeslot=31)

    def begin(self, setup):
        """All ends, from nothing."""
        self.end()
        self.setup = setup
        self.start_exchanges()
        self.start_box()
        self.box.ready()
        self.start_peer()
        self.up()
        # Also for its effect: each account has its own place in the cache, and rendering is slow here.
        self.prompt = self.box.speech(PROMPT)
        if self.exchanges:
            self.prompt_mu = self.box.speech(PROMPT, "mulaw")
            time.sleep(GUARD_S)

    def end(self):
        for child in (self.box, self.peer, *self.exchanges.values()):
            if child:
                child.kill()
        self.box, self.peer, self.exchanges = None, None, {}


def main():
    here = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here.add_argument("--bin", default=os.environ.get("TIPRING_BIN") or "target/debug/tipring")
    here.add_argument("--seed", type=int, default=1)
    here.add_argument("--sounds", default="target/lab/sounds", help="recordings of a person, from ../sounds")
    here.add_argument("cases", nargs="*", metavar="CASE")
    arguments = here.parse_args()
    lab, passed, failed = Lab(arguments), 0, 0
    for setup, name, case in CASES:
        if arguments.cases and name not in arguments.cases and setup not in arguments.cases:
            continue
        begin = time.monotonic()
        try:
            if lab.setup != setup or lab.box is None:
                lab.begin(setup)
            figures = case(lab)
            passed += 1
            print(f"ok   {name}: {figures} ({time.monotonic() - begin:.1f} s)", flush=True)
        except Exception as error:  # Whatever it was, the next case runs, on ends that start anew.
            failed += 1
            print(f"FAIL {name}: {error or type(error).__name__} ({time.monotonic() - begin:.1f} s)", flush=True)
            if not isinstance(error, AssertionError):
                traceback.print_exc()
            explain(lab)
            lab.end()
    lab.end()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def explain(lab):
    """The last that all ends said."""
    lines = [(f"line {place}", exchange) for place, exchange in lab.exchanges.items()]
    for name, child in (*lines, ("far end", lab.peer), ("tipring", lab.box)):
        for line in [line for line in child.lines if "restart" not in str(line)][-40:] if child else []:
            print(f"     {name}: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
