"""Rooms and queues on the ISDN span: three callers in a conference, one muted and one coaching; a queue with two agents; a
whisper and its confirmation."""

import time

from app import CONNECTED, PROMPT, gather
from cases import LIKE, check, cleared
from peer import WRITTEN_S
from sound import find_prompt
from talkers import TONES, Talker, call, hearing, hears

# A room without sounds of its own.
QUIET = 'beep="false" waitUrl=""'


def conference(lab):
    """Three in a room, the second muted, the third coaching the first; then the API undoes the one and the other, moves
    the coach, and ends the room."""
    pages, room = lab.app.pages, f"<Conference {QUIET}>team</Conference>"
    pages["/200"] = f"<Dial>{room}</Dial>"
    pages["/201"] = f'<Dial><Conference muted="true" {QUIET}>team</Conference></Dial>'
    agent = call(lab, "200", "2025550200", TONES[0])
    muted = call(lab, "201", "2025550201", TONES[1])
    pages["/202"] = f'<Dial><Conference coach="{agent.sid}" {QUIET}>team</Conference></Dial>'
    coach = call(lab, "202", "2025550202", TONES[2])
    all_three = (agent, muted, coach)
    # The agent hears the coach, not the muted one; those two hear the agent, and the muted one never the coach.
    figures = hears(hearing(*all_three), ["--x", "x--", "x--"], "one muted, one coaching")
    rooms = lab.box.get("Conferences")["conferences"]
    check([r["status"] for r in rooms] == ["in-progress"], f"rooms {[r['status'] for r in rooms]}")
    path = f"Conferences/{rooms[0]['sid']}"
    told = lab.box.get(f"{path}/Participants/{coach.sid}")
    check((told["coaching"], told["call_sid_to_coach"]) == (True, agent.sid), f"coach is {told}")
    check(lab.box.get(f"{path}/Participants/{muted.sid}")["muted"] is True, "not told as muted")
    lab.box.post(f"{path}/Participants/{muted.sid}", {"Muted": "false"})
    hears(hearing(*all_three), ["-xx", "x--", "xx-"], "nobody muted, one coaching")
    lab.box.post(f"{path}/Participants/{coach.sid}", {"CallSidToCoach": muted.sid, "Coaching": "true"})
    hears(hearing(*all_three), ["-x-", "x-x", "xx-"], "the other is coached")
    lab.box.post(f"{path}/Participants/{coach.sid}", {"Coaching": "false"})
    hears(hearing(*all_three), ["-xx", "x-x", "xx-"], "all alike")
    try:
        hears(hearing(*all_three), ["--x", "x--", "x--"], "planted")
        raise RuntimeError("a room without mute and coach passes for one with them")
    except AssertionError:
        pass
    lab.box.post(path, {"Status": "completed"})
    causes = [cleared(talker.far) for talker in all_three]
    check(causes == [16, 16, 16], f"causes {causes}")
    check(lab.box.get(path)["status"] == "completed", "the room is not completed")
    return f"heard in dBm0: {figures}; unmuted, moved and undone by the API, ended with cause 16"


def queue(lab):
    """Two wait and hear the waiting document; two agents take them in order, each hears a notice before, and all four talk
    by twos; one pair ends by its agent, the other by its caller."""
    pages = lab.app.pages
    pages["/wait"] = f'<Say loop="20">{PROMPT}</Say>'
    pages["/notice"] = "<Pause length='1'/>"
    pages["/queued"] = '<Pause length="60"/>'
    pages["/agent"] = "<Hangup/>"
    pages["/203"] = pages["/204"] = '<Enqueue waitUrl="/wait" action="/queued">help</Enqueue>'
    pages["/205"] = pages["/206"] = '<Dial action="/agent"><Queue url="/notice">help</Queue></Dial>'
    first = call(lab, "203", "2025550203", TONES[0])
    second = call(lab, "204", "2025550204", TONES[1])
    for talker in (first, second):
        talker.far.say("silence")
    heard = heard_prompt(lab, first.far, second.far)
    waiting = lab.box.get("Queues")["queues"]
    check([q["current_size"] for q in waiting] == [2], f"queues {[q['current_size'] for q in waiting]}")
    members = lab.box.get(f"Queues/{waiting[0]['sid']}/Members")["queue_members"]
    check([m["call_sid"] for m in members] == [first.sid, second.sid], "not in the order in which they came")
    agents = []
    for number, frm, hertz, caller in (("205", "2025550205", TONES[2], first), ("206", "2025550206", TONES[3], second)):
        agents.append(call(lab, number, frm, hertz))
        notice = lab.app.asked_for("/notice", CallSid=caller.sid)
        check(notice["DequeingCallSid"] == agents[-1].sid, f"the notice names {notice['DequeingCallSid']}")
        caller.far.say("tone", caller.hertz)
    time.sleep(1.5)
    four = (first, second, *agents)
    figures = hears(hearing(*four), ["--x-", "---x", "x---", "-x--"], "by twos")
    agents[0].hangs_up()
    result = lab.app.asked_for("/queued", CallSid=first.sid)
    check(result["QueueResult"] == "bridged", f"QueueResult {result['QueueResult']}")
    second.hangs_up()
    after = lab.app.asked_for("/agent", CallSid=agents[1].sid)
    check(after["DialCallStatus"] == "completed", f"DialCallStatus {after['DialCallStatus']}")
    check(cleared(agents[1].far) == 16, "the agent's call did not end")
    # The first goes on after the bridge, alone.
    check(lab.box.get(f"Calls/{first.sid}")["status"] == "in-progress", "the first caller is gone")
    first.hangs_up()
    check(lab.box.get(f"Queues/{waiting[0]['sid']}")["current_size"] == 0, "the queue is not empty")
    return f"{heard} while they wait; by twos in dBm0: {figures}; bridged, then alone"


def heard_prompt(lab, *fars):
    """The prompt in what each hears from now on; sound goes on meanwhile."""
    begins = [far.size() for far in fars]
    time.sleep(2 * len(lab.prompt) / 8000 + WRITTEN_S + 0.6)
    figures = []
    for far, begin in zip(fars, begins):
        with open(f"{far.peer.record}.{far.number}", "rb") as file:
            like, _, slipped = find_prompt(lab.prompt, file.read()[begin:])
        figures.append(f"{like:.3f}")
        check(like >= LIKE, f"prompt {like:.3f} alike, slipped {slipped * 1000:.0f} ms")
    return f"prompt {' and '.join(figures)} alike"


def whisper(lab):
    """The called one hears the prompt and the caller nothing of it; with the key both talk. Then another call: no key, so
    nobody is connected and the caller learns it."""
    pages = lab.app.pages
    pages["/207"] = f'<Dial action="/after" timeout="20"><Number trunk="isdn" url="/accept">{CONNECTED}</Number></Dial>'
    pages["/accept"] = gather(1, "/accepted", f"<Say>{PROMPT}</Say>") + "<Hangup/>"
    pages["/accepted"] = ""
    pages["/after"] = '<Pause length="20"/>'
    caller, called = dialled(lab, "2025550207")
    caller.begin()
    heard = heard_prompt(lab, called)
    leaked = find_prompt(lab.prompt, bytes_of(caller.far)[caller.at :])[0]
    check(leaked < 0.3, f"the caller hears the whisper, {leaked:.3f} alike")
    called.say("dtmf", 1)
    accepted = lab.app.asked_for("/accepted")
    check(accepted["Digits"] == "1", f"accepted with {accepted['Digits']}")
    check(accepted.get("ParentCallSid") == caller.sid, "the whisper is not of the called leg")
    talker = Talker(lab, called, TONES[1])
    figures = hears(hearing(caller, talker), ["-x", "x-"], "after the key")
    called.say("hangup", 16)
    after = lab.app.asked_for("/after", CallSid=caller.sid)
    check(after["DialCallStatus"] == "completed", f"DialCallStatus {after['DialCallStatus']}")
    caller.hangs_up()
    return f"{heard} at the called one, {leaked:.3f} at the caller; then in dBm0: {figures}; {declined(lab)}"


def declined(lab):
    """Nobody presses the key."""
    lab.app.pages["/accept"] = '<Gather numDigits="1" timeout="2"/><Hangup/>'
    caller, called = dialled(lab, "2025550208")
    talker = Talker(lab, called, TONES[1])
    hears(hearing(caller, talker), ["--", "--"], "without the key")
    cause = cleared(called)
    after = lab.app.asked_for("/after", CallSid=caller.sid)
    check(after["DialCallStatus"] == "no-answer", f"declined: DialCallStatus {after['DialCallStatus']}")
    caller.hangs_up()
    return f"declined: {after['DialCallStatus']}, cause {cause}"


def dialled(lab, frm):
    """A caller for whom somebody is called who has answered."""
    there = lab.peer.mark()
    far = lab.peer.place("207", frm)
    called = lab.peer.rung(there, CONNECTED.removeprefix("+"))
    called.say("alert")
    called.say("answer")
    called.event("bearer")
    far.event("connect")
    caller = Talker(lab, far, TONES[0])
    caller.sid = [p for p in lab.app.of("/207") if p["From"].endswith(frm)][-1]["CallSid"]
    return caller, called


def bytes_of(far):
    with open(f"{far.peer.record}.{far.number}", "rb") as file:
        return file.read()


ALL = [
    ("control", "conference_muted_and_coaching", conference),
    ("control", "queue_with_two_agents", queue),
    ("control", "whisper_and_confirmation", whisper),
]
