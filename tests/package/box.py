"""A Debian root of its own with the real service manager in it: made by debootstrap, kept as a tar, unpacked for each run,
booted in namespaces (mounts, processes, network, control groups). No virtual machine, no port of the host, no kernel module.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SUITE = "bookworm"
# What is in the root before tipring comes: curl asks its API, the rest is what a plain server has.
INCLUDED = "systemd,systemd-sysv,udev,curl,ca-certificates"
# Fetched with the root, installed with tipring: a test has no network.
FETCHED = ["espeak-ng"]
BOOT_S = 60
# The form of the cached root: another number makes it anew.
FORM = 3


class Impossible(Exception):
    """This machine cannot run it: no root, no name spaces, no control groups."""


def mirror():
    """The mirror that this machine takes Debian from."""
    for file in [*pathlib.Path("/etc/apt/sources.list.d").glob("*.sources"), pathlib.Path("/etc/apt/sources.list"),
                 *pathlib.Path("/etc/apt/sources.list.d").glob("*.list")]:
        text = file.read_text(errors="replace") if file.exists() else ""
        for found in re.findall(r"^(?:URIs:|deb(?:\s+\[.*?\])?)\s+(\S+)", text, re.MULTILINE):
            if found.rstrip("/").endswith("/debian"):
                return found
    return "http://deb.debian.org/debian"


def run(*command, **options):
    """A command on this machine; its output, with an error that shows it."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def base():
    """The plain root as a tar, made once."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "tipring"
    tar = cache / f"debian-{SUITE}-{FORM}.tar"
    if tar.exists():
        return tar
    if not shutil.which("debootstrap"):
        raise Impossible("debootstrap is not installed")
    began = time.monotonic()
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tipring-root.", dir="/var/tmp") as work:
        root = pathlib.Path(work) / "root"
        run("debootstrap", "--variant=minbase", f"--include={INCLUDED}", SUITE, root, mirror())
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        run("chroot", root, "apt-get", "-qq", "-y", "--no-install-recommends", "--download-only", "install", *FETCHED,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"})
        part = tar.with_suffix(f".{os.getpid()}")
        run("tar", "-C", root, "--one-file-system", "--exclude=./dev/*", "-cf", part, ".")
        part.rename(tar)
    print(f"package: the Debian root was made in {time.monotonic() - began:.0f} s, kept as {tar}", flush=True)
    return tar


class Box:
    """One booted root. `with Box() as box: box.sh("systemctl status tipring")`."""

    def __init__(self):
        if os.geteuid():
            raise Impossible("it needs root: name spaces, mounts, control groups")
        if not os.path.isdir("/sys/fs/cgroup"):
            raise Impossible("no control groups are mounted")
        tar = base()
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="tipring-box.", dir="/var/tmp"))
        self.root = self.work / "root"
        self.root.mkdir()
        self.unshare = None
        self.pid = None
        run("tar", "-C", self.root, "-xf", tar)
        (self.root / "etc/machine-id").write_text(os.urandom(16).hex() + "\n")
        (self.root / "etc/hostname").write_text("box\n")
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost box\n")
        for unit in ["getty@.service", "console-getty.service", "apt-daily.timer", "apt-daily-upgrade.timer"]:
            (self.root / "etc/systemd/system" / unit).symlink_to("/dev/null")

    def __enter__(self):
        try:
            self.boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def boot(self):
        """Starts the service manager and waits for it."""
        here = pathlib.Path(__file__).with_name("boot")
        self.console = open(self.work / "console", "w")
        self.unshare = subprocess.Popen(
            [here, self.root, f"tipring-box.{os.getpid()}"], stdout=self.console, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, start_new_session=True)
        until = time.monotonic() + BOOT_S
        while time.monotonic() < until:
            if self.unshare.poll() is not None:
                raise Impossible(f"name spaces or mounts are not to be had: {self.said()}")
            self.pid = self.pid or self.manager()
            if self.pid and self.sh("systemctl is-system-running", check=False).strip() in ("running", "degraded"):
                return
            time.sleep(0.2)
        raise Impossible(f"the service manager does not come up: {self.said()}")

    def said(self):
        """The end of what the manager said."""
        return (self.work / "console").read_text(errors="replace")[-2000:].strip()

    def manager(self):
        """The service manager's process id, as this machine sees it: the child of the child that unshared."""
        try:
            for child in pathlib.Path(f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children").read_text().split():
                if os.readlink(f"/proc/{child}/exe").endswith("/systemd"):
                    return int(child)
        except OSError:
            pass
        return None

    def sh(self, script, check=True, timeout=120):
        """Runs a script inside, as root; its output, both streams."""
        command = ["nsenter", "-t", str(self.pid), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "env", "-i", "LANG=C.UTF-8",
                   "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "DEBIAN_FRONTEND=noninteractive", "SYSTEMD_PAGER=",
                   "bash", "-e", "-o", "pipefail", "-c", f"cd /root\n{script}"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                              errors="replace", timeout=timeout)
        if check and done.returncode:
            raise AssertionError(f"exit {done.returncode} of:\n{script}\n{done.stdout}\n{self.journal()}")
        self.code = done.returncode
        return done.stdout

    def journal(self, lines=40):
        """The journal's end."""
        said = self.sh(f"journalctl --no-pager -q -n {lines} -o short-monotonic", check=False)
        return "\n".join(line[:400] for line in said.splitlines())

    def write(self, path, text, mode=0o644):
        """A file inside."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def __exit__(self, *_):
        if self.unshare and self.unshare.poll() is None:
            # The manager is the first of its processes: with it all of them end.
            os.killpg(self.unshare.pid, signal.SIGKILL)
            self.unshare.wait()
        for hierarchy in pathlib.Path("/sys/fs/cgroup").glob("**/tipring-box.*"):
            if hierarchy.name == f"tipring-box.{os.getpid()}":
                emptied(hierarchy)
        if os.environ.get("TIPRING_KEEP"):
            print(f"package: kept {self.work}", file=sys.stderr)
        else:
            shutil.rmtree(self.work, ignore_errors=True)


def emptied(group):
    """Removes a control group with what is under it, once its last process is gone."""
    for _ in range(50):
        for folder, _, _ in os.walk(group, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass
        if not group.exists():
            return
        time.sleep(0.1)
