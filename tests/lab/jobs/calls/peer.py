"""The far ends of the lines: libpri (`pri-peer`) and the exchange of an analogue line (`fxo-peer`). Each is a child
process watched by a thread; waiting is for a line, never for a time."""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

DCHAN = "47"
# The exchange's end of the first analogue line.
FIRST_LINE = 87
# The exchange writes 4096 octets at a time.
WRITTEN_S = 0.7


class Child:
    """A process whose lines are kept as they come."""

    def __init__(self, command, stream, **more):
        self.lines, self.news = [], threading.Condition()
        self.process = subprocess.Popen(command, text=True, errors="replace", **{stream: subprocess.PIPE}, **more)
        source = getattr(self.process, stream)
        self.reader = threading.Thread(target=self.read, args=(source,), daemon=True)
        self.reader.start()

    def read(self, source):
        for line in source:
            with self.news:
                self.lines.append(self.parse(line.rstrip("\n")))
                self.news.notify_all()
        with self.news:
            self.lines.append(self.parse(""))
            self.news.notify_all()

    def parse(self, line):
        return line

    def mark(self):
        """A place in the lines: what comes behind it is news."""
        with self.news:
            return len(self.lines)

    def wait(self, wanted, since, limit_s, what):
        """The first line from `since` on for which `wanted` is true."""
        end = time.monotonic() + limit_s
        at = since
        with self.news:
            while True:
                while at < len(self.lines):
                    if wanted(self.lines[at]):
                        return self.lines[at]
                    at += 1
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"{what}: not within {limit_s} s")
                self.news.wait(left)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()


class Probe(Child):
    """One that says a JSON object a line and takes commands."""

    def __init__(self, command):
        super().__init__(command, "stdout", stdin=subprocess.PIPE)

    def parse(self, line):
        try:
            return {**json.loads(line), "at": time.monotonic()}
        except ValueError:
            return {"ev": line}

    def say(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def event(self, ev, since, limit_s=15, **fields):
        wanted = {"ev": ev, **fields}
        return self.wait(lambda e: all(e.get(k) == v for k, v in wanted.items()), since, limit_s, f"far end: {wanted}")

    def count(self, ev, since):
        """How often something has happened."""
        with self.news:
            return sum(e.get("ev") == ev for e in self.lines[since:])

    def stop(self, on):
        """Stops it, or lets it go on."""
        os.kill(self.process.pid, signal.SIGSTOP if on else signal.SIGCONT)


class Peer(Probe):
    """libpri. `net`: an exchange towards us, otherwise a PBX."""

    def __init__(self, net, folder, *options):
        self.record = f"{folder}/heard"
        role = "--net" if net else "--cpe"
        super().__init__(["pri-peer", "--dchan", DCHAN, role, "--record", self.record, *options])

    def place(self, to, frm, slot=0):
        """Rings a number; the call as far as it is known at once."""
        since = self.mark()
        self.say("call", to, frm, slot)
        return Far(self, since, self.event("placing", since, to=to)["call"], frm)

    def rung(self, since, called, limit_s=15, **fields):
        """A call that comes to this end; its SETUP stands in `setup`."""
        setup = self.event("setup", since, limit_s, called=called, **fields)
        far = Far(self, since, setup["call"], setup["calling"])
        far.setup = setup
        return far


class Far:
    """One call at the far end."""

    def __init__(self, peer, since, number, frm):
        self.peer, self.since, self.number, self.frm, self.setup = peer, since, number, frm, None

    def event(self, ev, limit_s=15, since=None, **fields):
        return self.peer.event(ev, self.since if since is None else since, limit_s, call=self.number, **fields)

    def has(self, ev):
        """Whether something has happened to the call."""
        with self.peer.news:
            return any(e.get("ev") == ev and e.get("call") == self.number for e in self.peer.lines[self.since :])

    def say(self, verb, *words):
        self.peer.say(verb, self.number, *words)

    def level(self):
        """Level of what came since the last time."""
        since = self.peer.mark()
        self.say("report")
        return self.event("media", since=since)["level_dbm0"]

    def heard(self):
        """The octets of a call that is over; to be asked before another call takes its place."""
        return Path(f"{self.peer.record}.{self.number}").read_bytes()

    def size(self):
        """Where in what it hears a call is that goes on; up to half a second late."""
        file = Path(f"{self.peer.record}.{self.number}")
        return file.stat().st_size if file.exists() else 0


class Exchange(Probe):
    """The exchange of an analogue line, by the line's place in its span."""

    def __init__(self, place, folder, *options):
        self.place, self.record = place, Path(f"{folder}/line.{place}")
        channel = str(FIRST_LINE + place - 1)
        super().__init__(["fxo-peer", "--line", channel, "--record", str(self.record), *options])

    def size(self):
        """Where in what it hears we are; up to half a second late."""
        return self.record.stat().st_size

    def heard(self, begin=0):
        """The octets that came since then, once all are written."""
        time.sleep(WRITTEN_S)
        return self.record.read_bytes()[begin:]
