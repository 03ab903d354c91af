"""`tipring serve` with its REST API, its store and its log."""

import base64
import hashlib
import json
import os
import re
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime
from pathlib import Path

from peer import Child

DATABASE = "tipring.db"
FINAL = {"completed", "busy", "failed", "no-answer", "canceled"}


class Box(Child):
    """`tipring serve` in a folder of its own; its state outlives it. The cache is shared: a prompt is rendered once."""

    def __init__(self, binary, folder, cache, config):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "tipring.toml"
        own = f'[box]\nstate_dir = "{folder}/state"\ncache_dir = "{cache}"\nruntime_dir = "{folder}/run"\n'
        file.write_text(own + config)
        environment = {**os.environ, "TIPRING_LOG": "info,tipring::daemon::log=debug", "NO_COLOR": "1"}
        self.log_file = open(self.folder / "log", "a", encoding="utf-8")
        self.parsed = re.compile(r"\x1b\[[0-9;]*m")
        command = [binary, "serve", "--config", str(file)]
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
        body = self.ask(path + suffix)
        return json.loads(body) if suffix == ".json" else body

    def post(self, path, form):
        """Makes or changes a resource below the account."""
        return json.loads(self.ask(path + ".json", urllib.parse.urlencode(form, doseq=True).encode()))

    def ask(self, path, body=None):
        """One request as the account."""
        sid, token = self.rows("SELECT sid, token FROM accounts")[0]
        request = urllib.request.Request(f"http://127.0.0.1:8080/2010-04-01/Accounts/{sid}/{path}", body)
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{sid}:{token}".encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code}: {error.read().decode()[:300]}") from None

    def call(self, sid, limit_s=10):
        """A call's record once it has its final status, with its cause, its line and what told of the answer."""
        end = time.monotonic() + limit_s
        while True:
            call = self.get(f"Calls/{sid}")
            if call["status"] in FINAL or time.monotonic() > end:
                rows = self.rows("SELECT cause, line, supervision FROM calls WHERE sid = ?", sid) or [(None, None, None)]
                return {**call, **dict(zip(("cause", "line", "supervision"), rows[0]))}
            time.sleep(0.1)

    def speech(self, text, law="alaw"):
        """The prompt as the media layer renders it, through its socket; from then on it is in the cache."""
        account = self.rows("SELECT sid FROM accounts")[0][0]
        key = hashlib.sha256(b"\0".join([text.encode(), b"", b"", b"100"]) + b"\0").hexdigest()
        head = f"GET http://speech.tipring//{key} HTTP/1.1\r\nHost: speech.tipring\r\nConnection: close\r\n"
        head += f"Accept: audio/x-{law};rate=8000\r\nX-Tipring-Account: {account}\r\n"
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
