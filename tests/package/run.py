#!/usr/bin/env python3
"""The package on a fresh Debian: installed, started, a call, killed, stalled, reloaded, upgraded during a call, purged; under
the real service manager, with the commands of docs/how-to/install-on-debian.md. Usage: run.py OLD.deb NEW.deb [STEP…]"""
import json
import pathlib
import re
import shutil
import sys
import threading
import time

import box as boxes

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SAY = "<Response><Say>Good morning. This is a sentence that was never said before.</Say></Response>"
# A called telephone on the simulated E1 answers after a second and listens for ten minutes.
FOREVER = "<Response><Pause length='600'/></Response>"
# "media thread stalled" of docs/reference/log-events.md.
STALLED = "435c5a47bf684c0bb5cc10225024b63c"
LINES_BACK_S = 3.0
STALL_BACK_S = 25.0
# What stays after a purge: the users, and what Debian's own tools keep.
STAYS = re.compile(r"^\./(etc/(passwd|group|shadow|gshadow|subuid|subgid)-? |etc/ld\.so\.cache |var/log/|root/"
                   r"|var/cache/(apt|debconf|ldconfig)/|var/lib/(dpkg|apt|pam|systemd/(?!deb-systemd-helper)))")


def doc(name):
    """A block of the how-to, by the word after its language."""
    text = (ROOT / "docs/how-to/install-on-debian.md").read_text()
    found = re.findall(rf"^```sh {name}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"the how-to has {len(found)} blocks called {name}"
    return found[0]


def wait(what, limit_s, seen):
    """Waits until something is seen; how long it took."""
    began = time.monotonic()
    while time.monotonic() - began < limit_s:
        got = seen()
        if got:
            return time.monotonic() - began, got
        time.sleep(0.05)
    raise AssertionError(f"{what}: not seen within {limit_s} s")


class Story:
    """The steps, in the order in which they are told."""

    def __init__(self, box, old, new):
        self.box, self.old, self.new = box, old, new
        self.account = None

    # What the steps ask.

    def curl(self, path, *data, check=True):
        """A request to the API, decoded."""
        form = " ".join(f"--data-urlencode '{pair}'" for pair in (one.replace("'", '"') for one in data))
        said = self.box.sh(f"curl -sS --max-time 20 -u {self.account['account']}:{self.account['token']} "
                           f"http://127.0.0.1:8080/2010-04-01/Accounts/{self.account['account']}/{path} {form}", check=check)
        return json.loads(said) if said.startswith("{") else {"error": said}

    def call(self, twiml):
        """Makes a call; its SID."""
        made = self.curl("Calls.json", "To=+12025550142", "From=+12025550123", f"Twiml={twiml}")
        assert made.get("sid", "").startswith("CA"), made
        return made["sid"]

    def status(self, sid):
        """What a call's record says."""
        return self.curl(f"Calls/{sid}.json").get("status")

    def answered(self):
        """A call that is up and stays so."""
        sid = self.call(FOREVER)
        wait("the call is answered", 20, lambda: self.status(sid) == "in-progress")
        return sid

    def pid(self, unit="tipring"):
        """The unit's main process; 0 without."""
        return int(self.box.sh(f"systemctl show -P MainPID {unit}"))

    def active(self):
        """The service says that it is ready."""
        return self.box.sh("systemctl is-active tipring", check=False).strip() == "active"

    def lines_ready(self):
        """The service is there, and so is every line: its status counts them, and says where one is not up."""
        said = self.box.sh("systemctl show -P ActiveState -P StatusText tipring", check=False)
        return "active" in said.split() and re.search(r"^[1-9]\d* lines?, ", said, re.MULTILINE)

    def journal(self, wanted, *options):
        """Entries of the service that hold a text."""
        said = self.box.sh(f"journalctl --no-pager -q -o json -u tipring {' '.join(options)}", check=False)
        entries = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        for entry in entries:
            # Octets that are no plain text come as numbers.
            if isinstance(entry.get("MESSAGE"), list):
                entry["MESSAGE"] = bytes(entry["MESSAGE"]).decode(errors="replace")
        return [entry for entry in entries if wanted in entry.get("MESSAGE", "")]

    def files(self):
        """Every file of the root with its kind, mode and owner."""
        found = boxes.run("find", ".", "-xdev", "-printf", "%p %y %m %u %g\n", cwd=self.box.root)
        return {line for line in found.splitlines() if not STAYS.match(line)}

    # The steps.

    def install(self):
        """Installs by the how-to; runs at once, without DAHDI, without a line."""
        self.before = self.files()
        shutil.copy(self.old, self.box.root / "root/tipring.deb")
        shutil.copy(self.new, self.box.root / "root/tipring-new.deb")
        self.box.write("/etc/apt/apt.conf.d/99box", 'APT::Install-Recommends "false";\nAPT::Sandbox::User "root";\n')
        self.before.add("./etc/apt/apt.conf.d/99box f 644 root root")
        said = self.box.sh(doc("install"), timeout=300)
        assert "\nactive\n" in said and re.search(r"^tipring \d+\.\d+\.\d+ \(", said, re.MULTILINE), said
        assert not re.search(r"(?i)warning|error", said), said
        self.box.sh("apt-get install -y --no-download espeak-ng")
        assert not (self.box.root / "dev/dahdi").exists()
        modes = self.box.sh("stat -c '%n %a %U:%G' /etc/tipring /etc/tipring/conf.d /etc/tipring/tipring.toml /var/lib/tipring "
                            "/var/cache/tipring /run/tipring /run/tipring-media/media.sock")
        assert modes.splitlines() == [
            "/etc/tipring 750 root:tipring", "/etc/tipring/conf.d 750 root:tipring",
            "/etc/tipring/tipring.toml 640 root:tipring", "/var/lib/tipring 700 tipring:tipring",
            "/var/cache/tipring 750 tipring-media:tipring-media", "/run/tipring 750 tipring:tipring",
            "/run/tipring-media/media.sock 660 root:tipring"], modes
        self.account = json.loads(self.box.sh("cat /var/lib/tipring/account.json"))
        assert self.curl("Calls.json")["calls"] == []

    def confined(self):
        """No capability, no port but the documented ones, no device but the allowed, also when a driver comes late."""
        rules = self.box.sh("udevadm test --action=add /class/mem/null 2>&1 | grep tipring", check=False)
        assert "Reading rules file: /usr/lib/udev/rules.d/61-tipring-dahdi.rules" in rules, rules
        assert "61-tipring-dahdi.rules:" not in rules, rules
        caps = self.box.sh(f"grep -E '^(CapEff|NoNewPrivs)' /proc/{self.pid()}/status")
        assert caps.split() == ["CapEff:", "0000000000000000", "NoNewPrivs:", "1"], caps
        sockets = self.box.sh("cat /proc/net/tcp /proc/net/tcp6")
        listening = set(re.findall(r"^\s*\d+: ([0-9A-F]+:[0-9A-F]{4}) \S+ 0A ", sockets, re.MULTILINE))
        documented = (ROOT / "docs/reference/ports-and-files.md").read_text()
        ports = {int(port) for port in re.findall(r"^\| `127\.0\.0\.1:(\d+)`", documented, re.MULTILINE)}
        assert listening == {f"0100007F:{port:04X}" for port in ports}, (listening, ports)
        # The names of DAHDI's majors are not known on this machine: as on a box whose driver is not loaded yet.
        assert "dahdi" not in pathlib.Path("/proc/devices").read_text()
        allowed = re.findall(r"^DeviceAllow=(.*)", (ROOT / "systemd/tipring.service").read_text(), re.MULTILINE)
        lines = "\n".join(f"DeviceAllow={one}" for one in allowed)
        self.box.sh("mkdir -p /dev/dahdi && mknod -m 666 /dev/dahdi/ctl c 196 0 && mknod -m 666 /dev/dahdi/no c 203 0")
        self.box.write("/etc/systemd/system/probe.service", f"[Service]\nType=oneshot\nDevicePolicy=closed\n{lines}\n"
                       "ExecStart=-/bin/bash -c ': </dev/dahdi/ctl'\nExecStart=-/bin/bash -c ': </dev/dahdi/no'\n")
        self.box.sh("systemctl daemon-reload; systemctl start probe")
        said = self.box.sh("journalctl --no-pager -q -o cat -u probe")
        self.box.sh("rm -r /etc/systemd/system/probe.service /dev/dahdi; systemctl daemon-reload")
        # Without a driver the kernel says ENXIO to who may open it, and EPERM to who may not.
        assert "/dev/dahdi/ctl: No such device or address" in said, said
        if "/dev/dahdi/no: Operation not permitted" not in said:
            print("package: SKIPPED the device list: this machine has no control group for devices", flush=True)

    def configure(self):
        """A configuration by the how-to gives it lines; and a call by the how-to is spoken and ends well."""
        self.box.sh(doc("configure"))
        wait("lines", 10, self.lines_ready)
        said = self.box.sh(doc("call"), timeout=60)
        calls = json.loads(said[said.rindex('{"calls"') if '{"calls"' in said else said.rindex("\n{") + 1:])["calls"]
        assert [call["status"] for call in calls] == ["completed"], said
        sid = self.call(SAY)
        wait("the call is completed", 40, lambda: self.status(sid) == "completed")
        notes = self.curl(f"Calls/{sid}/Notifications.json")["notifications"]
        assert notes == [], f"it was not spoken: {notes}"
        cached = self.box.sh("find /var/cache/tipring -type f | wc -l; stat -c %U $(find /var/cache/tipring -type f | head -1)")
        assert int(cached.split()[0]) >= 1 and cached.split()[1] == "tipring-media", cached
        # The lines' service has its own process and no other.
        group = self.box.sh(f"cat /proc/{self.pid()}/cgroup | sed -n 's/^.*name=systemd://p;s/^0:://p' | head -1").strip()
        assert group.endswith("/tipring.service"), group
        children = self.box.sh(f"cat /proc/{self.pid()}/task/*/children").split()
        assert children == [], children

    def killed(self):
        """Killed, it is back with its lines, and the call that was up has its end in the records."""
        sid, old = self.answered(), self.pid()
        began = time.monotonic()
        self.box.sh(f"kill -9 {old}")
        wait("another process", LINES_BACK_S, lambda: self.pid() not in (0, old))
        wait("lines", LINES_BACK_S, self.lines_ready)
        took = time.monotonic() - began
        assert took <= LINES_BACK_S, f"{took:.1f} s"
        assert self.status(sid) == "failed", self.status(sid)
        return f"back after {took:.2f} s"

    def media_killed(self):
        """The sounds' service killed: the next call is spoken, the lines' service is the same process."""
        old, before = self.pid("tipring-media"), self.pid()
        self.box.sh(f"kill -9 {old}")
        sid = self.call(SAY.replace("never", "hardly ever"))
        wait("the call is completed", 40, lambda: self.status(sid) == "completed")
        assert self.curl(f"Calls/{sid}/Notifications.json")["notifications"] == []
        assert self.pid() == before and self.pid("tipring-media") not in (0, old)

    def stalled(self):
        """A media thread that stands still: the watchdog starts the service again, the journal says why, lines are back."""
        self.box.write("/etc/systemd/system/tipring.service.d/debug.conf", "[Service]\nEnvironment=TIPRING_DEBUG=1\n")
        self.box.sh("systemctl daemon-reload; systemctl restart tipring")
        wait("lines", 10, self.lines_ready)
        old = self.pid()
        began = time.monotonic()
        self.box.sh("TIPRING_DEBUG=1 tipring debug stall-media --seconds 60")
        gone, _ = wait("the stalled process is ended", STALL_BACK_S, lambda: self.pid() != old)
        back, _ = wait("lines", LINES_BACK_S, self.lines_ready)
        took = time.monotonic() - began
        assert took <= STALL_BACK_S, f"{took:.1f} s"
        reasons = self.journal("", f"MESSAGE_ID={STALLED}")
        assert len(reasons) == 1, [entry["MESSAGE"] for entry in self.journal("")][-20:]
        explained = self.box.sh(f"journalctl --no-pager -q -x -u tipring MESSAGE_ID={STALLED}")
        assert "Callers hear nothing" in explained, explained
        self.box.sh("rm -r /etc/systemd/system/tipring.service.d; systemctl daemon-reload; systemctl restart tipring")
        wait("lines", 10, self.lines_ready)
        return f"ended after {gone:.1f} s, lines {back:.2f} s later: {reasons[0]['MESSAGE']}"

    def reloaded(self):
        """A good configuration is taken without a restart; of a bad one the reload fails with place and reason."""
        before = self.pid()
        self.box.sh(doc("watch"))
        self.box.write("/etc/tipring/conf.d/20-bad.toml", "[box]\ncuontry = \"us\"\n")
        said = self.box.sh("systemctl reload tipring 2>&1 || echo refused", check=False)
        assert "refused" in said, said
        _, entries = wait("the reason", 5, lambda: self.journal("20-bad.toml:2:"))
        assert self.pid() == before and self.active()
        sid = self.call("<Response><Pause/></Response>")
        wait("the call is completed", 30, lambda: self.status(sid) == "completed")
        return str(entries[-1]["MESSAGE"])

    def bad_at_start(self):
        """Started with a bad configuration it takes the last good one; without one it ends with 78, once."""
        self.box.sh("systemctl restart tipring")
        wait("lines by the last good configuration", 10, self.lines_ready)
        assert self.journal("20-bad.toml:2:")
        self.box.sh("systemctl stop tipring; mv /var/lib/tipring /var/lib/tipring.kept")
        assert self.box.sh("systemctl is-active tipring.socket", check=False).strip() == "inactive"
        self.box.sh("systemctl start tipring", check=False)
        time.sleep(2)
        said = self.box.sh("systemctl show -p ExecMainStatus -p NRestarts -p ActiveState tipring").split()
        assert set(said) == {"ExecMainStatus=78", "NRestarts=0", "ActiveState=failed"}, said
        self.box.sh("rm -rf /etc/tipring/conf.d/20-bad.toml /var/lib/tipring; mv /var/lib/tipring.kept /var/lib/tipring; "
                    "systemctl reset-failed; systemctl start tipring")
        wait("lines", 10, self.lines_ready)

    def restarted(self):
        """A restart refuses no connection to the API and gives the call under way its end."""
        self.box.write("/etc/tipring/conf.d/30-drain.toml", "[box]\ndrain_s = 3\n")
        self.box.sh("systemctl restart tipring")
        wait("lines", 10, self.lines_ready)
        sid = self.answered()
        tried, refused, done = [0], [], threading.Event()

        def knock():
            while not done.is_set():
                said = self.box.sh("curl -sS --max-time 20 -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/", check=False)
                tried[0] += 1
                if self.box_refused(said):
                    refused.append(said)

        knocking = threading.Thread(target=knock)
        knocking.start()
        began = time.monotonic()
        self.box.sh("systemctl restart tipring")
        took = time.monotonic() - began
        wait("lines", 10, self.lines_ready)
        done.set()
        knocking.join()
        assert not refused, refused[:3]
        assert self.status(sid) in ("completed", "failed"), self.status(sid)
        assert 3 <= took <= 15, f"drained for {took:.1f} s"
        return f"{tried[0]} connections, none refused; {took:.1f} s with a drain of 3; the call: {self.status(sid)}"

    @staticmethod
    def box_refused(said):
        """Whether a connection was not taken."""
        return not said.strip().isdigit() or said.strip() == "000"

    def upgraded(self):
        """Upgraded by the how-to during a call: its record is final, the configuration stays, no question."""
        sid, before = self.answered(), self.pid()
        began = time.monotonic()
        said = self.box.sh(doc("upgrade"), timeout=200)
        took = time.monotonic() - began
        wait("lines", 10, self.lines_ready)
        assert self.pid() not in (0, before)
        versions = self.box.sh("dpkg-query -W -f '${Version} ${Status}' tipring")
        assert versions == f"{version(self.new)} install ok installed", versions
        assert self.status(sid) in ("completed", "failed"), self.status(sid)
        assert "country" in self.box.sh("cat /etc/tipring/conf.d/10-box.toml"), said
        sid = self.call(SAY)
        wait("the call is completed", 40, lambda: self.status(sid) == "completed")
        return f"{took:.1f} s with a drain of 3"

    def purged(self):
        """Reinstalled, downgraded, removed, installed, purged: every exit code 0; nothing stays but the users."""
        self.box.sh("apt-get install -y --reinstall ./tipring-new.deb; systemctl is-active tipring")
        self.box.sh("apt-get install -y --allow-downgrades ./tipring.deb; systemctl is-active tipring")
        wait("lines", 10, self.lines_ready)
        self.box.sh("apt-get remove -y tipring; test -e /var/lib/tipring/tipring.db; ! systemctl is-active tipring")
        self.box.sh("apt-get install -y ./tipring-new.deb; systemctl is-active tipring tipring.socket tipring-media.socket")
        wait("lines", 10, self.lines_ready)
        self.box.sh(doc("purge"))
        self.box.sh("apt-get purge -y --autoremove espeak-ng")
        left = sorted(self.files() - self.before)
        assert not left, "left behind:\n" + "\n".join(left)
        users = self.box.sh("getent passwd tipring tipring-media | cut -d: -f1,7").split()
        assert users == ["tipring:/usr/sbin/nologin", "tipring-media:/usr/sbin/nologin"], users
        assert self.box.sh("systemctl list-unit-files 'tipring*' --no-legend", check=False).strip() == ""


STEPS = ["install", "confined", "configure", "killed", "media_killed", "stalled", "reloaded", "bad_at_start", "restarted", "upgraded",
         "purged"]


def version(deb):
    """A package's version."""
    return boxes.run("dpkg-deb", "-f", deb, "Version").strip()


def main():
    old, new = map(pathlib.Path, sys.argv[1:3])
    steps = sys.argv[3:] or STEPS
    try:
        began = time.monotonic()
        with boxes.Box() as box:
            print(f"package: booted after {time.monotonic() - began:.1f} s", flush=True)
            story = Story(box, old, new)
            for step in steps:
                began = time.monotonic()
                try:
                    what = getattr(story, step)() or getattr(story, step).__doc__
                except Exception:
                    print(f"package: {step}: FAILED\n{box.journal(60)}", flush=True)
                    raise
                print(f"package: {step}: {time.monotonic() - began:.1f} s: {what}", flush=True)
    except boxes.Impossible as why:
        print(f"package: impossible here: {why}", flush=True)
        sys.exit(75)


if __name__ == "__main__":
    main()
