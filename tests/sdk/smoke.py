#!/usr/bin/env python3
"""The unmodified Python SDK against a running `tipring dev`: what a developer does on the first day.

Usage: smoke.py [--unmodified] STATE_FILE   (the dev.json that `tipring dev` writes)
With --unmodified no client is told where the box is: the environment's HTTPS_PROXY and REQUESTS_CA_BUNDLE say it.
Each check prints a line; the last line is "N passed, N failed".
"""
import datetime
import http.server
import io
import json
import sys
import threading
import time
import urllib.parse
import urllib.request
import wave

from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.voice_response import Dial, VoiceResponse

# How long anything may take that a caller would wait for.
LIMIT_S = 40


def refused(status, code, act):
    """act() is refused with this HTTP status and error code."""
    try:
        act()
    except TwilioRestException as error:
        assert (error.status, error.code) == (status, code), (error.status, error.code, error.msg)
        return
    raise AssertionError("it was not refused")


class Application:
    """The developer's own server: keeps what it was asked, answers one document."""

    def __init__(self, document):
        self.asked = []
        self.news = threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
                form = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
                with outer.news:
                    outer.asked.append((self.path, form, self.headers.get("X-Twilio-Signature")))
                    outer.news.notify_all()
                answer = str(document).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, path, fits=lambda form: True):
        """The first request of this path that fits."""
        until = time.monotonic() + LIMIT_S
        with self.news:
            while True:
                for asked in self.asked:
                    if asked[0] == path and fits(asked[1]):
                        return asked[1]
                left = until - time.monotonic()
                assert left > 0, "%s was not asked; asked were %s" % (path, [path for path, _, _ in self.asked])
                self.news.wait(left)


class Day:
    def __init__(self, state, unmodified):
        self.state = state
        self.unmodified = unmodified
        self.client = self.client_with(state["token"])
        document = VoiceResponse()
        document.say("Hello from a program.")
        document.pause(length=20)
        self.app = Application(document)

    def call(self, to="+12025550123", **more):
        return self.client.calls.create(to=to, from_=self.state["from"], **more)

    def ended(self, sid):
        until = time.monotonic() + LIMIT_S
        while True:
            call = self.client.calls(sid).fetch()
            if call.status not in ("queued", "ringing", "in-progress"):
                return call
            assert time.monotonic() < until, "the call is still %s" % call.status
            time.sleep(0.2)

    def client_with(self, token):
        client = Client(self.state["account"], token)
        if not self.unmodified:
            client.api.base_url = self.state["api"]
        return client

    def the_account_is_active(self):
        account = self.client.api.accounts(self.state["account"]).fetch()
        assert account.status == "active"
        assert isinstance(account.date_created, datetime.datetime)

    def a_wrong_token_is_refused(self):
        stranger = self.client_with("not-the-token")
        refused(401, 20003, lambda: stranger.api.accounts(self.state["account"]).fetch())

    def the_demonstration_call_is_listed_with_its_times(self):
        (call,) = [c for c in self.client.calls.list(to=self.state["number"], limit=1)]
        assert call.status == "completed" and call.direction == "inbound", (call.status, call.direction)
        assert call._from == "+12025550100", call._from
        assert call.start_time <= call.end_time
        assert 5 <= int(call.duration) <= 60, call.duration
        again = self.client.calls(call.sid).fetch()
        assert again.sid == call.sid and again.uri.startswith("/2010-04-01/Accounts/")

    def an_ended_call_cannot_be_ended(self):
        call = self.client.calls.list(limit=1)[0]
        refused(400, 21220, lambda: self.client.calls(call.sid).update(status="completed"))

    def an_unknown_call_is_not_found(self):
        refused(404, 20404, lambda: self.client.calls("CA" + "0" * 32).fetch())

    def the_message_is_a_recording_that_opens(self):
        recording = self.client.recordings.list(limit=1)[0]
        call = self.client.calls(recording.call_sid).fetch()
        assert [r.sid for r in self.client.calls(call.sid).recordings.list()] == [recording.sid]
        assert recording.status == "completed" and recording.source == "RecordVerb"
        path = "/2010-04-01/Accounts/%s/Recordings/%s.wav" % (self.state["account"], recording.sid)
        # A proxy between may take all answers for text: then the state says where sounds are had.
        box = self.state.get("sounds", self.state["api"])
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, box, self.state["account"], self.state["token"])
        opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))
        with opener.open(box + path) as got:
            sound = wave.open(io.BytesIO(got.read()))
        assert sound.getframerate() == 8000 and sound.getnchannels() == 1
        seconds = sound.getnframes() / 8000
        assert abs(seconds - float(recording.duration)) <= 1.0, (seconds, recording.duration)
        assert 1.5 <= seconds <= 3.5, "the caller spoke for two seconds"

    def a_call_goes_out_runs_its_document_and_is_ended(self):
        events = ["initiated", "ringing", "answered", "completed"]
        call = self.call(url=self.app.base + "/voice", status_callback=self.app.base + "/status?q=a%20b",
                         status_callback_event=events)
        assert (call.status, call.direction, call.start_time) == ("queued", "outbound-api", None)
        asked = self.app.wait("/voice")
        assert (asked["CallSid"], asked["CallStatus"]) == (call.sid, "in-progress"), asked
        assert asked["AnswerSupervision"] == "connect", asked
        assert self.client.calls(call.sid).update(status="completed").sid == call.sid
        last = self.app.wait("/status?q=a%20b", lambda form: form["CallStatus"] == "completed")
        assert last["SequenceNumber"] == "3"
        told = [form["CallStatus"] for path, form, _ in self.app.asked if path.startswith("/status")]
        assert told == ["initiated", "ringing", "in-progress", "completed"], told
        judge = RequestValidator(self.state["token"])
        for path, form, signature in self.app.asked:
            assert judge.validate(self.app.base + path, form, signature), path
            assert not judge.validate(self.app.base + path, dict(form, To="+12025550199"), signature), path
        call = self.ended(call.sid)
        assert call.status == "completed" and call.start_time <= call.end_time, call.status

    def a_live_call_gets_another_document(self):
        document = VoiceResponse()
        document.play("http://127.0.0.1:9/nothing.wav", loop=0)
        document.pause(length=30)
        call = self.call(twiml=document)
        until = time.monotonic() + LIMIT_S
        while self.client.calls(call.sid).fetch().status != "in-progress":
            assert time.monotonic() < until, "nobody answered"
            time.sleep(0.2)
        self.client.calls(call.sid).update(url=self.app.base + "/moved")
        assert self.app.wait("/moved")["CallSid"] == call.sid
        self.client.calls(call.sid).update(twiml="<Response><Hangup/></Response>")
        assert self.ended(call.sid).status == "completed"
        refused(400, 21220, lambda: self.client.calls(call.sid).update(url=self.app.base + "/late"))

    def two_lines_are_bridged(self):
        document, dial = VoiceResponse(), Dial(action=self.app.base + "/dialled", timeout=20, time_limit=2)
        dial.number("+12025550142")
        document.append(dial)
        call = self.call(twiml=document)
        asked = self.app.wait("/dialled")
        assert (asked["DialCallStatus"], asked["DialBridged"]) == ("completed", "true"), asked
        (leg,) = self.client.calls.list(parent_call_sid=call.sid)
        assert (leg.sid, leg.direction, leg.status) == (asked["DialCallSid"], "outbound-dial", "completed")
        self.client.calls(call.sid).update(status="completed")
        assert self.ended(call.sid).status == "completed"

    def a_foreign_number_is_not_shown(self):
        foreign = lambda: self.client.calls.create(to="+12025550123", from_="+442079460999", url=self.app.base + "/no")
        refused(400, 21210, foreign)
        refused(400, 21215, lambda: self.call(to="+19005550123", url=self.app.base + "/no"))

    def a_number_lives_and_dies(self):
        numbers = self.client.incoming_phone_numbers
        made = numbers.create(phone_number="+15005550177", voice_url="http://127.0.0.1:9/voice")
        try:
            refused(400, 21422, lambda: numbers.create(phone_number="+15005550177"))
            changed = numbers(made.sid).update(voice_method="GET", friendly_name="Reception")
            assert (changed.voice_method, changed.friendly_name) == ("GET", "Reception")
            assert [n.sid for n in numbers.list(phone_number="+15005550177")] == [made.sid]
        finally:
            assert numbers(made.sid).delete()
        refused(404, 20404, lambda: numbers(made.sid).fetch())

    def lists_walk_page_by_page(self):
        made = [self.client.incoming_phone_numbers.create(phone_number="+1500555020%d" % n) for n in range(5)]
        try:
            walked = [n.sid for n in self.client.incoming_phone_numbers.list(page_size=2)]
            assert len(walked) == len(set(walked)) and {n.sid for n in made} <= set(walked)
        finally:
            for number in made:
                self.client.incoming_phone_numbers(number.sid).delete()

    def another_region_is_this_box_too(self):
        if not self.unmodified:
            return
        abroad = Client(self.state["account"], self.state["token"], region="ie1", edge="dublin")
        assert abroad.api.accounts(self.state["account"]).fetch().status == "active"

    def an_answer_over_tls_has_links_of_that_address(self):
        if not self.unmodified:
            return
        answer = self.client.http_client.request(
            "GET", "https://api.twilio.com/2010-04-01/Accounts/%s/Calls/CA%s.json" % (self.state["account"], "0" * 32),
            auth=(self.state["account"], self.state["token"]))
        assert json.loads(answer.text)["more_info"] == "https://api.twilio.com/errors/20404", answer.text

    def checks(self):
        names = [name for name in vars(Day) if name.count("_") >= 2 and not name.startswith("_")]
        return [(name, getattr(self, name)) for name in names]


def main(words):
    unmodified = "--unmodified" in words
    with open([word for word in words if not word.startswith("--")][0]) as file:
        day = Day(json.load(file), unmodified)
    passed = failed = 0
    for name, check in day.checks():
        try:
            check()
            passed += 1
            print("ok    %s" % name)
        except Exception as error:  # each failure is a finding, none ends the run
            failed += 1
            print("FAIL  %s: %s: %s" % (name, type(error).__name__, error))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
