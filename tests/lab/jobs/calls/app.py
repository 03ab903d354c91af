"""The application of the jobs: documents and sounds by path, which a case may change, and a log of what it was asked. Not
an example of how to write one; examples/ has those."""

import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PROMPT = "Welcome to the line test. Press two to leave a message after the tone."

# Whom the application connects callers to.
CONNECTED = "+12025550160"

# Gather waits this long for keys: the emulation may be slow to start a voice, never this slow.
WAIT_S = 20


# A page whose answer waits until the case lets it go.
HELD = object()


def gather(keys, action, *inside):
    """A Gather that says something."""
    return f'<Gather numDigits="{keys}" timeout="{WAIT_S}" action="{action}">{"".join(inside)}</Gather>'


def documents():
    """Path to document."""
    say, loop = f"<Say>{PROMPT}</Say>", f'<Say loop="30">{PROMPT}</Say>'
    return {
        "/menu": gather(1, "/key", say),
        "/key": '<Record action="/done" maxLength="20" timeout="15" finishOnKey="#" trim="do-not-trim"/>',
        "/done": "<Hangup/>",
        "/long": gather(1, "/done", loop),
        "/many": gather(3, "/tone", say),
        # A planted fault: the prompt is missing, and listening for it must fail.
        "/silent": gather(1, "/done"),
        "/tone": '<Record action="/done" maxLength="2" timeout="10" playBeep="false" trim="do-not-trim"/>',
        "/busy": '<Reject reason="busy"/>',
        "/reject": "<Reject/>",
        # The far end hangs up during the pause.
        "/caller": gather(3, "/said", say),
        "/said": '<Pause length="120"/>',
        # A telephone on a port of ours: it hangs up first, or we do.
        "/telephone": say + '<Pause length="30"/>',
        "/hello": say,
        "/connect": f'<Dial action="/dialled" timeout="20"><Number trunk="isdn">{CONNECTED}</Number></Dial>',
        # From one analogue line to another.
        "/across": f'<Dial action="/dialled" timeout="40"><Number trunk="line">{CONNECTED}</Number></Dial>',
        # A sound device of the box.
        "/hall": '<Dial action="/dialled" timeout="40"><Number trunk="hall">31</Number></Dial>',
        "/dialled": "<Hangup/>",
        "/status": "",
    }


class Application:
    """Serves on a free loopback port until the process ends."""

    def __init__(self, more=None):
        self.pages, self.asked, self.lock = {**documents(), **(more or {})}, [], threading.Lock()
        # What is set here lets go of the pages that are HELD back.
        self.released = threading.Event()
        app = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, form):
                path, _, query = self.path.partition("?")
                params = dict(urllib.parse.parse_qsl(f"{query}&{form}", keep_blank_values=True))
                with app.lock:
                    app.asked.append((time.monotonic(), path, params))
                page = app.pages.get(path)
                if page is HELD:
                    app.released.wait(WAIT_S)
                    page = ""
                kind = "audio/wav" if isinstance(page, bytes) else "text/xml"
                body = page if isinstance(page, bytes) else f"<Response>{page}</Response>".encode()
                body = body if page is not None else b"no document here"
                self.send_response(200 if page is not None else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self.answer("")

            def do_POST(self):
                length = int(self.headers.get("Content-Length") or 0)
                self.answer(self.rfile.read(length).decode())

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """A client that was killed is no news here."""

        server = Server(("127.0.0.1", 0), Handler)
        self.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def of(self, path, **params):
        """What was asked of a path, with these parameters, in order."""
        with self.lock:
            asked = list(self.asked)
        return [p for _, at, p in asked if at == path and all(p.get(k) == v for k, v in params.items())]

    def asked_for(self, path, limit_s=15, **params):
        """The last such request, once there is one."""
        end = time.monotonic() + limit_s
        while not (found := self.of(path, **params)):
            if time.monotonic() > end:
                raise AssertionError(f"the application was not asked for {path} {params} within {limit_s} s")
            time.sleep(0.02)
        return found[-1]

    def count(self, path):
        """How often a path was asked for."""
        return len(self.of(path))

    def nth(self, path, n, limit_s=15):
        """A request by its place among those of its path, once it is there."""
        end = time.monotonic() + limit_s
        while len(found := self.of(path)) <= n:
            if time.monotonic() > end:
                raise AssertionError(f"the application was not asked for {path} again within {limit_s} s")
            time.sleep(0.02)
        return found[n]

    def mark(self):
        """A place in what was asked."""
        with self.lock:
            return len(self.asked)

    def sids(self, since=0):
        """Every call that was ever spoken of."""
        with self.lock:
            return {p["CallSid"] for _, _, p in self.asked[since:] if "CallSid" in p}
