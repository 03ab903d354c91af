#!/usr/bin/env python3
"""Calls over real DAHDI nodes: libpri (`pri-peer`) rings, the `tipring` binary answers with an application. Runs in the
lab's guest: span 1 is tipring's, span 2 libpri's (`lab run --e1 1 --t1 0`).

    run.py [--bin FILE] [--seed N] [CASE…]

One line a case, `ok` or `FAIL`, with what was measured; the last line counts. The binary is $TIPRING_BIN, or
target/debug/tipring."""

import argparse
import os
import random
import shutil
import sys
import time
import traceback

import cases
from app import PROMPT, Application
from peer import Box, Peer

FOLDER = "/tmp/calls"


class Lab:
    """What the cases share: the application, libpri, the box, and the prompt as it should sound."""

    def __init__(self, arguments):
        self.random, self.app = random.Random(arguments.seed), Application()
        self.prompt, self.peer, self.box, self.role = None, None, None, None
        shutil.rmtree(FOLDER, ignore_errors=True)
        os.makedirs(f"{FOLDER}/certificates")
        # The host's files are slow from within the guest, and a start of tipring reads a large binary and the
        # certificate of every authority, of which nothing here needs one: 3 s with these two lines, else 7 s to 13 s.
        self.binary = shutil.copy(arguments.bin, f"{FOLDER}/tipring")
        os.environ["SSL_CERT_DIR"] = f"{FOLDER}/certificates"

    def start_box(self):
        base = f"http://127.0.0.1:{self.app.port}"
        numbers = {"100": "menu", "101": "busy", "102": "reject", "103": "long", "104": "many", "105": "silent"}
        numbers = {number: f"{base}/{page}" for number, page in numbers.items()}
        self.box = Box(self.binary, f"{FOLDER}/{self.role}", f"{FOLDER}/cache", self.role, numbers)

    def start_peer(self):
        self.peer = Peer(self.role == "user", FOLDER)

    def up(self, limit_s=30):
        """Both ends agree that the link is up, and the restarts that tipring begins with are done."""
        self.peer.event("up", 0, limit_s)
        self.box.log("D channel up", 0, limit_s)
        self.peer.event("restart", 0, limit_s, timeslot=31)

    def begin(self, role):
        """Both ends, from nothing."""
        self.end()
        self.role = role
        self.start_box()
        self.box.ready()
        self.start_peer()
        self.up()
        # Also for its effect: each account has its own place in the cache, and rendering is slow here.
        self.prompt = self.box.speech(PROMPT)

    def end(self):
        for child in (self.box, self.peer):
            if child:
                child.kill()
        self.box = self.peer = None


def main():
    here = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here.add_argument("--bin", default=os.environ.get("TIPRING_BIN") or "target/debug/tipring")
    here.add_argument("--seed", type=int, default=1)
    here.add_argument("cases", nargs="*", metavar="CASE")
    arguments = here.parse_args()
    lab, passed, failed = Lab(arguments), 0, 0
    for role, name, case in cases.ALL:
        if arguments.cases and name not in arguments.cases:
            continue
        begin = time.monotonic()
        try:
            if lab.role != role or lab.box is None:
                lab.begin(role)
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
    """The last that both ends said."""
    for name, child in (("far end", lab.peer), ("tipring", lab.box)):
        for line in child.lines[-40:] if child else []:
            print(f"     {name}: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
