#!/usr/bin/env python3
"""The unmodified Python SDK against a running `tipring dev`: what a developer does on the first day.

Usage: smoke.py STATE_FILE   (the dev.json that `tipring dev` writes)
Each check prints a line; the last line is "N passed, N failed".
"""
import datetime
import io
import json
import sys
import urllib.request
import wave

from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client


def refused(status, code, act):
    """act() is refused with this HTTP status and error code."""
    try:
        act()
    except TwilioRestException as error:
        assert (error.status, error.code) == (status, code), (error.status, error.code, error.msg)
        return
    raise AssertionError("it was not refused")


class Day:
    def __init__(self, state):
        self.state = state
        self.client = self.client_with(state["token"])

    def client_with(self, token):
        client = Client(self.state["account"], token)
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
        assert call._from == "2025550100", call._from
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
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, self.state["api"], self.state["account"], self.state["token"])
        opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))
        with opener.open(self.state["api"] + path) as got:
            sound = wave.open(io.BytesIO(got.read()))
        assert sound.getframerate() == 8000 and sound.getnchannels() == 1
        seconds = sound.getnframes() / 8000
        assert abs(seconds - float(recording.duration)) <= 1.0, (seconds, recording.duration)
        assert 1.5 <= seconds <= 3.5, "the caller spoke for two seconds"

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

    def checks(self):
        names = [name for name in vars(Day) if "_" in name and not name.startswith("_") and name != "client_with"]
        return [(name, getattr(self, name)) for name in names]


def main(state_file):
    with open(state_file) as file:
        day = Day(json.load(file))
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
    sys.exit(main(sys.argv[1]))
