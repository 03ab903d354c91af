"""Child processes of the calls job: libpri's end of the line (`pri-peer`), and `tipring serve` with its REST API, its
store and its log. Each is watched by a thread; waiting is for a line, never for a time."""

import base64
import hashlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from datetime import datetime
from pathlib import Path

DCHAN = "47"


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


class Peer(Child):
    """libpri. `net`: an exchange towards us, otherwise a PBX."""

    def __init__(self, net, folder):
        self.record = f"{folder}/heard"
        role = "--net" if net else "--cpe"
        super().__init__(["pri-peer", "--dchan", DCHAN, role, "--record", self.record], "stdout", stdin=subprocess.PIPE)

    def parse(self, line):
        try:
            return json.loads(line)
        except ValueError:
            return {"ev": line}

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def event(self, ev, since, limit_s=15, **fields):
        wanted = {"ev": ev, **fields}
        return self.wait(lambda e: all(e.get(k) == v for k, v in wanted.items()), since, limit_s, f"far end: {wanted}")

    def place(self, to, frm, slot=0):
        """Rings a number; the call as far as it is known at once."""
        since = self.mark()
        self.say(f"call {to} {frm} {slot}")
        return Far(self, since, self.event("placing", since, to=to)["call"], frm)

    def stop(self, on):
        """Stops it, or lets it go on."""
        os.kill(self.process.pid, signal.SIGSTOP if on else signal.SIGCONT)


class Far:
    """One call at the far end."""

    def __init__(self, peer, since, number, frm):
        self.peer, self.since, self.number, self.frm = peer, since, number, frm

    def event(self, ev, limit_s=15, since=None, **fields):
        return self.peer.event(ev, self.since if since is None else since, limit_s, call=self.number, **fields)

    def has(self, ev):
        """Whether something has happened to the call."""
        with self.peer.news:
            return any(e.get("ev") == ev and e.get("call") == self.number for e in self.peer.lines[self.since :])

    def say(self, verb, *words):
        self.peer.say(" ".join([verb, str(self.number), *map(str, words)]))

    def level(self):
        """Level of what came since the last time."""
        since = self.peer.mark()
        self.say("report")
        return self.event("media", since=since)["level_dbm0"]

    def heard(self):
        """The octets of a call that is over; to be asked before another call takes its place."""
        return Path(f"{self.peer.record}.{self.number}").read_bytes()


class Box(Child):
    """`tipring serve` in a folder of its own; its state outlives it. The cache is shared: a prompt is rendered once."""

    def __init__(self, binary, folder, cache, role, numbers):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "tipring.toml"
        text = [f'[box]\nstate_dir = "{folder}/state"\ncache_dir = "{cache}"\nruntime_dir = "{folder}/run"']
        text += ['[listen]\napi = "127.0.0.1:8080"', f'[[card]]\nkind = "dahdi"\nspans = [1]\nrole = "{role}"\nprefill = 4']
        text += [f'[[number]]\nnumber = "{number}"\nurl = "{url}"' for number, url in numbers.items()]
        config.write_text("\n".join(text) + "\n")
        environment = {**os.environ, "TIPRING_LOG": "info", "NO_COLOR": "1"}
        self.log_file = open(self.folder / "log", "a", encoding="utf-8")
        self.parsed = re.compile(r"\x1b\[[0-9;]*m")
        command = [binary, "serve", "--config", str(config)]
        super().__init__(command, "stderr", stdout=subprocess.DEVNULL, env=environment)

    def parse(self, line):
        line = self.parsed.sub("", line)
        self.log_file.write(line + "\n")
        self.log_file.flush()
        return line

    def log(self, part, since=0, limit_s=15):
        return self.wait(lambda line: part in line, since, limit_s, f"tipring's log: {part!r}")

    def recordings(self, since=0):
        """Recordings that began and did not end, by the log: SID and when, on the host's clock."""
        begun = {}
        for line in self.lines[since:]:
            if found := re.match(r"(\S+)Z .* recording (RE\w+) (begins|is kept)", line):
                stamp, sid, what = found.groups()
                begun[sid] = datetime.fromisoformat(stamp + "+00:00").timestamp()
                if what != "begins":
                    del begun[sid]
        return begun

    def ready(self, limit_s=30):
        """Waits until the API answers."""
        end = time.monotonic() + limit_s
        while True:
            try:
                socket.create_connection(("127.0.0.1", 8080), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise AssertionError(f"tipring does not start: {self.lines[-5:]}") from None
                time.sleep(0.05)

    def rows(self, query, *values):
        """Rows of the store, read beside the running service."""
        with sqlite3.connect(f"file:{self.folder}/state/{DATABASE}?mode=ro", uri=True, timeout=10) as db:
            return db.execute(query, values).fetchall()

    def get(self, path, suffix=".json"):
        """A resource below the account."""
        sid, token = self.rows("SELECT sid, token FROM accounts")[0]
        request = urllib.request.Request(f"http://127.0.0.1:8080/2010-04-01/Accounts/{sid}/{path}{suffix}")
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{sid}:{token}".encode()).decode())
        with urllib.request.urlopen(request, timeout=20) as answer:
            body = answer.read()
        return json.loads(body) if suffix == ".json" else body

    def call(self, sid, limit_s=10):
        """A call's record once it has its final status, with its cause."""
        end = time.monotonic() + limit_s
        while True:
            call = self.get(f"Calls/{sid}")
            if call["status"] in FINAL or time.monotonic() > end:
                rows = self.rows("SELECT cause FROM calls WHERE sid = ?", sid)
                return {**call, "cause": rows[0][0] if rows else None}
            time.sleep(0.1)

    def speech(self, text):
        """The prompt as the media layer renders it, A-law, through its socket; from then on it is in the cache."""
        account = self.rows("SELECT sid FROM accounts")[0][0]
        key = hashlib.sha256(b"\0".join([text.encode(), b"", b"", b"100"]) + b"\0").hexdigest()
        head = f"GET http://speech.tipring//{key} HTTP/1.1\r\nHost: speech.tipring\r\nConnection: close\r\n"
        head += f"Accept: audio/x-alaw;rate=8000\r\nX-Tipring-Account: {account}\r\n"
        head += f"X-Speech-Text: {urllib.parse.quote(text, safe='')}\r\n\r\n"
        answer = b""
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(60)
            wire.connect(f"{self.folder}/run/media.sock")
            wire.sendall(head.encode())
            while part := wire.recv(65536):
                answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise AssertionError(f"media layer: {answer[:300]}")
        return dechunk(body) if b"chunked" in head.lower() else body

    def stop(self, limit_s=40):
        """As a supervisor does."""
        self.process.terminate()
        self.process.wait(limit_s)


DATABASE = "tipring.db"
FINAL = {"completed", "busy", "failed", "no-answer", "canceled"}


def dechunk(body):
    """A body in chunks, joined."""
    out = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        count = int(size.split(b";")[0], 16)
        if count == 0:
            break
        out, body = out + rest[:count], rest[count + 2 :]
    return out
