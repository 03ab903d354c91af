"""What both ends are like in each set-up: tipring's configuration and the far ends' options."""

import json

# Our number towards the called party, and the PRI's own numbers.
OWN = "+12025550100"

LISTEN = '[listen]\napi = "127.0.0.1:8080"\n'
ISDN = {"100": "menu", "101": "busy", "102": "reject", "103": "long", "104": "many", "105": "silent"}
# Every call that comes to libpri waits for a command.
BY_HAND = ["--no-answer", "--alert-after", "100000000"]
# After the last digit.
PAUSE_MS = "1500"
# Long enough for the end of its first burst of 2 s to be heard.
RINGBACK_MS = "3000"

# A group of its own for each kind of far end: the API chooses who answers by Trunk.
GROUPS = {
    "isdn": ["dahdi 1"],
    "slot": ["dahdi 1/5"],
    "line": ["dahdi 3/1"],
    "busy": ["dahdi 3/2"],
    "congested": ["dahdi 3/3"],
    "silent": ["dahdi 3/4"],
    "dead": ["dahdi 3/5"],
    "pair": ["dahdi 3/6", "dahdi 3/7"],
    "six": ["dahdi 3/6"],
    "bridge": ["dahdi 3/8"],
}
# What happens at the far end of each analogue line when we dial.
EXCHANGES = {
    1: ["--ringback", RINGBACK_MS],
    2: ["--then", "busy"],
    3: ["--then", "congestion"],
    4: ["--then", "noanswer"],
    5: ["--no-dialtone"],
    6: ["--ringback", RINGBACK_MS],
    7: ["--ringback", RINGBACK_MS],
    8: ["--ringback", RINGBACK_MS],
}
# One number for each caller of a case; its page is what the case puts there.
CONTROL = {str(number): str(number) for number in range(200, 220)}
LINES = {"dahdi 3/1": "caller", "dahdi 3/6": "long", "dahdi 3/7": "long", "dahdi 3/8": "connect"}


# The spans of the "box" set-up, by the cards' hardware ids.
SPANS = """[[span]]
number = 1
card = "DYN/loc/0:0"
kind = "e1"
signalling = "pri"
[[span]]
number = 3
card = "DYN/loc/1:0"
kind = "t1"
signalling = "fxo"
"""
LAST = "dahdi 3/24"


def telephone_on(config, channel):
    """The same with a telephone on a channel of the T1."""
    spans = SPANS + f'channels = ["{channel} fxs"]\n'
    telephone = f'[[telephone]]\nline = "dahdi 3/{channel}"\nnumber = "{channel}"\nnext_digit_s = 3\n'
    return config.replace(SPANS, spans) + telephone


class Setup:
    """One of them."""

    def __init__(self, role, spans, peer=(), exchanges=None, numbers=None, more="", prefill=4):
        self.role, self.spans, self.peer, self.prefill = role, spans, peer, prefill
        self.exchanges, self.numbers, self.more = exchanges or {}, {**ISDN, **(numbers or {})}, more

    def config(self, base):
        """Of tipring; its applications are below `base`."""
        text = self.more + LISTEN
        text += f'[[card]]\nkind = "dahdi"\nspans = {self.spans}\nrole = "{self.role}"\n'
        text += f'prefill = {self.prefill}\n'
        for number, page in self.numbers.items():
            text += f'[[number]]\nnumber = "{number}"\nurl = "{base}/{page}"\n'
        return text


def groups(classes=("national",), named=GROUPS):
    """As the configuration has them, with the classes of numbers that may be called; the first group is the default."""
    classes = json.dumps(list(classes))
    text = f'country = "us"\n[outbound]\nopen = {classes}\ncaller_ids = ["{OWN}"]\n'
    # Cases call as often as they like.
    text += "calls_per_minute = 0\nlines_percent = 100\nminutes_per_day = 1000000\n"
    for name, lines in named.items():
        text += f'[[group]]\nname = "{name}"\nlines = {lines}\norder = "ascending"\n'.replace("'", '"')
    return text


# By the name that cases give.
ALL = {
    "user": Setup("user", [1]),
    "network": Setup("network", [1]),
    "lines": Setup(
        "user",
        [1, 3],
        BY_HAND,
        {place: ["--pause", PAUSE_MS, *options] for place, options in EXCHANGES.items()},
        LINES,
        groups(),
    ),
    # The far ends are telephones here, on span 3; each case plugs its own in.
    "phones": Setup(
        "user",
        [1, 4],
        BY_HAND,
        {},
        {"dahdi 4/1": "telephone", "dahdi 4/2": "telephone"},
        groups(["short"], {}) + '[[group]]\nname = "phones"\nlines = ["dahdi 4/2"]\n'
        + '[[telephone]]\nline = "dahdi 4/1"\nnumber = "21"\nnext_digit_s = 3\n[[telephone]]\nline = "dahdi 4/2"\nnumber = "22"\n',
    ),
    # A sound device beside the span: one end of a cable, whose other end is a room (`--alsa`).
    "sound": Setup(
        "user",
        [1],
        (),
        {},
        {"106": "hall", "sound hall": "hello", "5550199": "hello"},
        groups(["short"], {}) + '[[group]]\nname = "hall"\nlines = ["sound hall"]\n'
        + '[[sound]]\nname = "hall"\ndevice = "hw:CARD=Loopback,DEV=0,SUBDEV=0"\nuse = "doorphone"\nnumber = "31"\n'
        + 'hotline = "5550199"\necho_canceller = false\ndelay_ms = 100\nbuffer_ms = 100\n',
    ),
    # A caller on line 9 is connected to line 1.
    "across": Setup(
        "user",
        [1, 3],
        BY_HAND,
        {place: ["--pause", PAUSE_MS, "--ringback", RINGBACK_MS] for place in (1, 9)},
        {"dahdi 3/9": "across"},
        groups(),
    ),
    # Our spans have no use before tipring starts.
    "box": Setup(
        "user",
        [1, 3],
        [],
        {1: []},
        {LAST: "telephone", "dahdi 3/1": "hello"},
        groups() + SPANS,
    ),
    # The same with ground start everywhere, and a PBX on the last channel.
    "ground": Setup(
        "user",
        [1, 3],
        BY_HAND,
        {1: ["--pause", PAUSE_MS, "--ringback", RINGBACK_MS]},
        {LAST: "telephone", "dahdi 3/1": "caller"},
        groups(("national", "short"), {"isdn": ["dahdi 1"], "line": ["dahdi 3/1"]})
        + SPANS.replace('"fxo"', '"fxo-ground"')
        + f'channels = ["24 fxs-ground"]\n[[telephone]]\nline = "{LAST}"\nnumber = "24"\nnext_digit_s = 3\n',
    ),
    "control": Setup(
        "user",
        [1, 3],
        BY_HAND,
        {1: ["--pause", PAUSE_MS]},
        {**CONTROL, "dahdi 3/1": "line"},
        groups(),
    ),
}
