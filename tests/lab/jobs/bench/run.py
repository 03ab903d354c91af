#!/usr/bin/env python3
"""Figures that need real lines, on DAHDI in the lab's guest: span 1 is tipring's, span 2 the exchange's (`pri-peer` for
signalling, `bearers` for the sound).

    run.py [--bin FILE] [--rounds N] [--seconds N] [channels] [delay]

`channels`: what tipring's whole process costs while thirty calls play a cached prompt with a Gather that listens, beside a
bare loop on the same thirty channels. `delay`: one way through a recorded connection of two channels. Each prints lines
of JSON as it goes and then its row."""

import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "calls"))

import channels
import delay
from rig import Rig

PARTS = {"channels": channels.measure, "delay": delay.measure}


def main():
    here = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here.add_argument("--bin", default=os.environ.get("TIPRING_BIN") or "target/release/tipring")
    here.add_argument("--rounds", type=int, default=3)
    here.add_argument("--seconds", type=int, default=15)
    here.add_argument("--connections", type=int, default=8)
    here.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    arguments = here.parse_args()
    rig = Rig(arguments)
    try:
        for part in arguments.parts or PARTS:
            PARTS[part](rig)
    finally:
        rig.end()


if __name__ == "__main__":
    sys.exit(main())
