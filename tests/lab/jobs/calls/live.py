"""Another document in the midst of every verb, by the API, all at once: each caller hears the new one's prompt and can
press its key, and what the cut verb had begun is taken back."""

import struct
import time

from app import CONNECTED, HELD, PROMPT, gather
from cases import LIKE, check, cleared
from legs import TRIES
from peer import WRITTEN_S
from sound import ALAW, find_prompt
from stream import Echo
from talkers import TONES, Talker, call, hearing, hears

OTHER = CONNECTED[:-1] + "1"


def documents(lab, echo):
    """Verb to the document that the caller is in the midst of."""
    base = f"http://127.0.0.1:{lab.app.port}"
    number = '<Dial timeout="60"><Number trunk="isdn">{}</Number></Dial>'
    return {
        "say": "<Say loop=\"50\">Nobody who hears this text to its end has been redirected.</Say>",
        "play": f'<Play loop="0">{base}/sound</Play>',
        "digits": '<Play digits="' + "wwww5" * 20 + '"/>',
        "pause": '<Pause length="120"/>',
        "gather": '<Gather numDigits="9" timeout="60" action="/cut"/>',
        "record": '<Record action="/cut" recordingStatusCallback="/kept" maxLength="100" timeout="60"/>',
        "redirect": "<Redirect>/held</Redirect>",
        "dial_ringing": number.format(CONNECTED),
        "dial_bridged": number.format(OTHER),
        "conference": '<Dial><Conference beep="false" waitUrl="">live</Conference></Dial>',
        "enqueue": '<Enqueue waitUrl="/waits">live</Enqueue>',
        "queue": '<Dial timeout="60"><Queue>empty</Queue></Dial>',
        "connect_stream": f'<Connect action="/cut"><Stream url="{echo.url}"/></Connect>',
        "start_stream": f'<Start><Stream url="{echo.url}" name="beside"/></Start><Gather timeout="60"/>',
    }


def every_verb(lab):
    """Another document in each of fourteen verbs."""
    pages, app = lab.app.pages, lab.app
    echo, there = Echo(), lab.peer.mark()
    verbs = documents(lab, echo)
    pages.update({
        "/sound": wav(lab.prompt[::-1]), "/held": HELD, "/waits": '<Pause length="120"/>', "/kept": "", "/cut": "<Hangup/>",
        "/moved": gather(1, "/done", f"<Say>{PROMPT}</Say>"), "/done": "<Hangup/>",
    })
    app.released.clear()
    # A queue that nobody has made is an error, one in which nobody waits is not.
    lab.box.post("Queues", {"FriendlyName": "empty"})
    talkers = {}
    for n, (verb, document) in enumerate(verbs.items()):
        pages["/208"] = document
        talkers[verb] = call(lab, "208", f"20255503{n:02}", 620) if verb in ANSWERS else ringing(lab, f"20255503{n:02}")
        talkers[verb].far.say("silence")
    rung = lab.peer.rung(there, CONNECTED.removeprefix("+"))
    rung.say("alert")
    taken = lab.peer.rung(there, OTHER.removeprefix("+"))
    taken.say("answer")
    taken.event("bearer")
    talkers["dial_bridged"].far.event("connect")
    pages["/209"] = verbs["conference"]
    stays = call(lab, "209", "2025550399", 860)
    app.asked_for("/held")
    app.asked_for("/waits")
    echo.started(2)
    talkers["gather"].far.say("dtmf", "472")
    talkers["record"].far.say("tone", 1004)
    time.sleep(1.5)
    # Before its bearer a call has heard nothing; what has its number's file is of an earlier call.
    begins = {verb: talker.far.size() if talker.far.has("bearer") else 0 for verb, talker in talkers.items()}
    base = f"http://127.0.0.1:{app.port}"
    # On a late machine a stream's server reads late too, and after ten seconds of that its stream is over: those first.
    for verb in sorted(talkers, key=lambda verb: "stream" not in verb):
        lab.box.post(f"Calls/{talkers[verb].sid}", {"Url": f"{base}/moved"})
    for verb, talker in talkers.items():
        asked = app.asked_for("/moved", CallSid=talker.sid)
        check("Digits" not in asked and "RecordingSid" not in asked, f"{verb}: carries the cut verb's {asked}")
        talker.far.event("connect")
    app.released.set()
    time.sleep(2 * len(lab.prompt) / 8000 + WRITTEN_S)
    # Looking for the prompt takes longer than a Gather waits: what was heard is in the files, and looked at in the end.
    taken_back(lab, rung, taken, stays, echo, talkers)
    pressed(app, talkers)
    for verb, talker in talkers.items():
        check(cleared(talker.far) == 16, f"{verb}: not cleared with 16")
        check(lab.box.call(talker.sid)["status"] == "completed", f"{verb}: not completed")
        done = app.asked_for("/done", CallSid=talker.sid)
        check(done["Digits"] == "1", f"{verb}: Digits {done['Digits']}")
    worst = 1.0
    for verb, talker in talkers.items():
        begin = begins[verb]
        with open(f"{lab.peer.record}.{talker.far.number}", "rb") as file:
            like, _, slipped = find_prompt(lab.prompt, file.read()[begin:])
        worst = min(worst, like)
        check(like >= LIKE, f"{verb}: the new prompt is {like:.3f} alike, slipped {slipped * 1000:.0f} ms")
    check(app.count("/cut") == 0, "an action of a verb that was cut was asked")
    stays.hangs_up()
    echo.close()
    return f"{len(verbs)} verbs, the new prompt at least {worst:.3f} alike in each: {', '.join(verbs)}"


# These answer by themselves; a pause comes before the answer, a Dial to a number answers when it connects.
ANSWERS = {"say", "play", "digits", "gather", "record", "conference", "enqueue", "queue", "connect_stream", "start_stream"}


def ringing(lab, frm):
    """A caller who need not be answered yet."""
    far = lab.peer.place("208", frm)
    end = time.monotonic() + 20
    while not (asked := [p for p in lab.app.of("/208") if p.get("From", "").endswith(frm)]):
        check(time.monotonic() < end, f"nobody asked what to do with {frm}")
        time.sleep(0.02)
    talker = Waiting()
    talker.far, talker.sid = far, asked[-1]["CallSid"]
    return talker


def pressed(app, talkers):
    """All press the new document's key; once more where a late machine has put a gap into it."""
    for _ in range(TRIES):
        silent = [talker for talker in talkers.values() if not app.of("/done", CallSid=talker.sid)]
        for talker in silent:
            talker.far.say("dtmf", 1)
        end = time.monotonic() + 5
        while time.monotonic() < end and not all(app.of("/done", CallSid=talker.sid) for talker in silent):
            time.sleep(0.1)


class Waiting:
    """One that has not been answered."""


def taken_back(lab, rung, taken, stays, echo, talkers):
    """What the cut verbs had begun: legs are ended, the room has the one who stays, nobody waits, the recording is there,
    the connected stream is closed and the one beside runs on."""
    for far, what in ((rung, "the ringing leg"), (taken, "the bridged leg")):
        far.event("ended")
        check(far.has("disconnect") or far.has("release"), f"{what} was not cleared")
    kept = lab.app.asked_for("/kept", CallSid=talkers["record"].sid)
    check(kept["RecordingStatus"] == "completed", f"RecordingStatus {kept['RecordingStatus']}")
    rooms = [r for r in lab.box.get("Conferences")["conferences"] if r["friendly_name"] == "live"]
    inside = lab.box.get(f"Conferences/{rooms[0]['sid']}/Participants")["participants"]
    check([p["call_sid"] for p in inside] == [stays.sid], f"in the room: {inside}")
    sizes = [q["current_size"] for q in lab.box.get("Queues")["queues"]]
    check(not any(sizes), f"queues of {sizes}")
    closed = [s["callSid"] for s in echo.stopped()]
    check(closed == [talkers["connect_stream"].sid], f"closed streams of {closed}")


def wav(octets):
    """A WAVE file in A-law."""
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(octets), b"WAVE", b"fmt ", 16, 6, 1, 8000, 8000, 1, 8,
                       b"data", len(octets))
    return head + octets + b"\0" * (len(octets) % 2)


ALL = [("control", "another_document_in_every_verb", every_verb)]
