"""A menu that connects to the desk or takes a message. Nothing but the standard library: `TOKEN=… PORT=3000 python3
app.py`, and the number's URL is http://<this host>:3000/voice. TOKEN is the account's; whoever does not sign with it gets
403."""

import base64
import hashlib
import hmac
import os
import sys
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

TOKEN = os.environ.get("TOKEN", "")
DESK = os.environ.get("DESK", "+12025550100")
LARGEST = 64 * 1024
MESSAGE = '<Record maxLength="60" timeout="3" action="/recorded"/>'


def say(text):
    return f"<Say>{escape(text)}</Say>"


def menu(form):
    prompt = say("Press one for the desk, two to leave a message.")
    gather = f'<Gather numDigits="1" timeout="5" action="/choice">{prompt}</Gather>'
    return gather + say("You pressed nothing. Good bye.")


def choice(form):
    if form.get("Digits") == "1":
        return f'<Dial timeout="20" action="/dialled">{escape(DESK)}</Dial>'
    if form.get("Digits") == "2":
        return say("Speak after the tone.") + MESSAGE
    return say("There is no such choice.") + "<Redirect>/voice</Redirect>"


def dialled(form):
    if form.get("DialCallStatus") == "completed":
        return "<Hangup/>"
    return say("Nobody answers. Speak after the tone.") + MESSAGE


def recorded(form):
    print(f"message from {form.get('From')!r}: {form.get('RecordingUrl')!r}", flush=True)
    return say("Thank you.")


PAGES = {"/voice": menu, "/choice": choice, "/dialled": dialled, "/recorded": recorded}


def is_ours(url, fields, signature):
    """HMAC-SHA1 over the URL and each different field, sorted by name, then by value."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    wanted = base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest())
    return hmac.compare_digest(wanted, signature.encode())


class Answers(BaseHTTPRequestHandler):
    def answer(self, status, body):
        octets = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/xml" if status == 200 else "text/plain")
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST:
            return self.answer(413, "too large\n")
        fields = parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True)
        # Behind a proxy: the scheme and host that the box asked for.
        url = f"http://{self.headers['Host']}{self.path}"
        if not is_ours(url, fields, self.headers.get("X-Twilio-Signature") or ""):
            return self.answer(403, "not signed\n")
        page = PAGES.get(self.path)
        if not page:
            return self.answer(404, "no such page\n")
        return self.answer(200, f"<Response>{page(dict(fields))}</Response>")

    do_GET = do_POST

    def log_message(self, *_):
        """What is asked stands in the box's timeline."""


if not TOKEN:
    sys.exit("TOKEN is missing: the account's token is expected")
server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT") or 3000)), Answers)
print(f"listening on port {server.server_address[1]}", flush=True)
server.serve_forever()
