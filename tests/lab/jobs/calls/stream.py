"""A stream that sends a caller's sound back: every octet of a mu-law line is the one that was sent, and on an A-law line
it is the same or the next step of the law."""

import base64
import hashlib
import json
import random
import socket
import struct
import threading
import time

from cases import check, cleared
from legs import call_in, hung_up
from peer import WRITTEN_S

SENT_S = 4.0
PIECE = 200
# How many of its octets say where a piece is, at its beginning.
MARK = 24
# The emulated machine may put gaps between octets and lose whole blocks of the far end's; never change one.
LOST = 0.05
# How far what comes back may be behind, and how much a gap or a loss may move the rest at a time, in octets.
BEHIND, JUMP = 16000, 4000


class Echo:
    """A WebSocket server that sends back the sound that comes, and keeps what it was told. Not an example."""

    def __init__(self):
        self.lock, self.told, self.heard = threading.Lock(), [], {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}/echo"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                wire, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(wire,), daemon=True).start()

    def serve(self, wire):
        stream = wire.makefile("rb")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = stream.readline()
            if not line:
                return
            head += line
        fields = dict(line.lower().split(": ", 1) if "key" not in line.lower() else (line.split(": ", 1)[0].lower(),
                      line.split(": ", 1)[1]) for line in head.decode().split("\r\n")[1:] if ": " in line)
        magic = fields["sec-websocket-key"].strip() + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(magic.encode()).digest()).decode()
        wire.sendall(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        sid, call = "", ""
        try:
            while (frame := read_frame(stream)) is not None:
                opcode, body = frame
                if opcode == 8:
                    send_frame(wire, 8, body)
                    break
                if opcode == 9:
                    send_frame(wire, 10, body)
                if opcode != 1:
                    continue
                message = json.loads(body)
                if message["event"] == "media":
                    payload = message["media"]["payload"]
                    with self.lock:
                        self.heard[call] = self.heard.get(call, b"") + base64.b64decode(payload)
                    back = {"event": "media", "streamSid": sid, "media": {"payload": payload}}
                    send_frame(wire, 1, json.dumps(back).encode())
                    continue
                if message["event"] == "start":
                    sid, call = message["streamSid"], message["start"]["callSid"]
                with self.lock:
                    self.told.append({**message, "callSid": call})
        except OSError:
            """The box has gone."""
        wire.close()

    def of(self, event):
        with self.lock:
            return [m for m in self.told if m["event"] == event]

    def started(self, count, limit_s=15):
        end = time.monotonic() + limit_s
        while len(self.of("start")) < count:
            check(time.monotonic() < end, f"{len(self.of('start'))} streams began instead of {count}")
            time.sleep(0.02)

    def stopped(self, limit_s=30):
        """Those that are over; the first is waited for: a late machine has seconds of sound before it."""
        end = time.monotonic() + limit_s
        while not self.of("stop") and time.monotonic() < end:
            time.sleep(0.02)
        return self.of("stop")

    def close(self):
        self.listener.close()


def read_frame(stream):
    head = stream.read(2)
    if len(head) < 2:
        return None
    size, masked = head[1] & 127, head[1] & 128
    if size == 126:
        size = struct.unpack(">H", stream.read(2))[0]
    elif size == 127:
        size = struct.unpack(">Q", stream.read(8))[0]
    mask = stream.read(4) if masked else b"\0\0\0\0"
    body = stream.read(size)
    whole = (mask * (size // 4 + 1))[:size]
    return head[0] & 15, (int.from_bytes(body, "big") ^ int.from_bytes(whole, "big")).to_bytes(size, "big")


def send_frame(wire, opcode, body):
    head = bytes([0x80 | opcode])
    head += bytes([len(body)]) if len(body) < 126 else b"\x7e" + struct.pack(">H", len(body))
    wire.sendall(head + body)


def noise(seed, marks):
    """Octets of every kind; the first of each piece are of `marks`, by which the piece is found again."""
    source, out = random.Random(seed), bytearray()
    while len(out) < SENT_S * 8000:
        out += bytes(source.choice(marks) for _ in range(MARK))
        out += bytes(source.randrange(256) for _ in range(PIECE - MARK))
    return bytes(out)


def returned(sent, heard, near):
    """How many octets came back, in how many parts, and where whole pieces of them are. `near(octet, other)` says whether
    one may be the other; whoever is not, where no gap of the machine explains it, is an error."""
    coarse = bytes(near.coarse[octet] for octet in heard)
    lag, places = None, []
    for at in range(0, len(sent), PIECE):
        mark = bytes(near.coarse[octet] for octet in sent[at : at + MARK])
        begin = 0 if lag is None else max(0, at + lag - JUMP)
        here = coarse.find(mark, begin, at + (BEHIND if lag is None else lag + JUMP))
        if here >= 0:
            lag = here - at
        places.append(lag if here >= 0 else None)
    check(lag is not None, "nothing of it comes back")
    came, parts, whole, before = 0, 1, [], None
    for n, at in enumerate(range(0, len(sent), PIECE)):
        # One whose mark is nowhere is expected where the one before was.
        here = before = places[n] if places[n] is not None else before
        after = next((lag for lag in places[n + 1 :] if lag is not None), None)
        piece = sent[at : at + PIECE]
        front = alike(piece, heard[at + here :], near) if here is not None else 0
        if front == PIECE:
            came += PIECE
            whole.append(at + here)
            continue
        back = 0
        if after is not None and at + PIECE + after <= len(heard):
            tail = heard[max(0, at + after) : at + PIECE + after][::-1]
            back = min(alike(piece[::-1], tail, near), PIECE - front)
        check(here is None or after is None or here != after,
              f"octet {at + front} of {len(sent)} came back as another, and no gap explains it")
        came, parts = came + front + back, parts + 1
    return came, parts, whole


def alike(sent, heard, near):
    """How many octets at the beginning are as they may be."""
    for n, octet in enumerate(sent):
        if n >= len(heard) or not near(octet, heard[n]):
            return n
    return len(sent)


class Same:
    """A mu-law line: the octet itself."""

    coarse = bytes(range(256))
    marks = bytes(range(256))

    def __call__(self, octet, other):
        return octet == other


class NextStep:
    """An A-law line: the same step of the law or the one beside it."""

    # Steps from the most negative to the most positive, and where one is among them.
    order = sorted(range(256), key=lambda o: ((o ^ 0x55) & 127) * (1 if (o ^ 0x55) & 128 else -1) - (0 if (o ^ 0x55) & 128 else 1))
    place = {octet: n for n, octet in enumerate(order)}
    # Segment and sign; the marks are from the middle of a segment, so that the next step is in it, too.
    coarse = bytes((octet ^ 0x55) >> 4 for octet in range(256))
    marks = bytes(octet for octet in range(256) if 3 <= ((octet ^ 0x55) & 15) <= 12)

    def __call__(self, octet, other):
        return abs(self.place[octet] - self.place[other]) <= 1


def echoed(lab, near, seed, far, heard):
    """What the far end plays comes back to it; figures. A gap and a lost block in one piece may look like another octet:
    then it is played once more. A law that is wrong is wrong again."""
    try:
        return once(lab, near, seed, far, heard)
    except AssertionError as error:
        return f"{once(lab, near, seed + 100, far, heard)}, after: {error}"


def once(lab, near, seed, far, heard):
    """It is played once."""
    sent = noise(seed, near.marks)
    file = f"{lab.folder}/noise.{seed}"
    with open(file, "wb") as out:
        out.write(sent)
    begin = len(heard())
    far.say("play", file)
    time.sleep(SENT_S + 2.0 + WRITTEN_S)
    got = heard()[begin:]
    came, parts, whole = returned(sent, got, near)
    check(len(set(sent)) == 256, "not every octet was sent")
    check(came >= len(sent) * (1 - LOST), f"{came} of {len(sent)} octets came back, in {parts} parts")
    # One octet that is another, in the mark of a piece and behind it.
    later = whole[len(whole) // 2 :]
    middle = next(here for here, after in zip(later, later[1:]) if after - here == PIECE)
    for at in (middle, middle + MARK - 1, middle + PIECE - 1):
        noticed(sent, got, at, near)
    return f"{came} of {len(sent)} octets in {parts} parts"


def noticed(sent, got, at, near):
    """An octet that was changed is found out."""
    spoilt = bytearray(got)
    spoilt[at] ^= 0x20
    try:
        returned(sent, bytes(spoilt), near)
    except AssertionError:
        return
    raise AssertionError(f"octet {at} was changed, and nobody noticed")


def on_mu_law(lab):
    """A caller on an analogue line, which is mu-law: the octets themselves come back."""
    echo, exchange = Echo(), lab.exchanges[1]
    lab.app.pages["/line"] = f'<Connect><Stream url="{echo.url}"/></Connect>'
    _, since, _, _ = call_in(lab, exchange, "/line", "2025550177", "ANNA BELL")
    echo.started(1)
    time.sleep(1)
    figures = echoed(lab, Same(), 7, exchange, exchange.record.read_bytes)
    hung_up(exchange, since)
    echo.close()
    return figures


def on_a_law(lab):
    """A caller on the ISDN span, which is A-law, to the mu-law of a stream and back."""
    echo = Echo()
    lab.app.pages["/210"] = f'<Connect><Stream url="{echo.url}"/></Connect>'
    far = lab.peer.place("210", "2025550210")
    far.event("connect")
    echo.started(1)
    time.sleep(1)

    def heard():
        with open(f"{lab.peer.record}.{far.number}", "rb") as file:
            return file.read()

    figures = echoed(lab, NextStep(), 8, far, heard)
    far.say("hangup", 16)
    far.event("ended")
    echo.close()
    return figures


ALL = [("control", "stream_back_on_mu_law", on_mu_law), ("control", "stream_back_on_a_law", on_a_law)]
