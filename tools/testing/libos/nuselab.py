# SPDX-License-Identifier: GPL-2.0
"""
A laboratory for programs on nuse: a user and network namespace of its own, whose
stack is "the host", TAPs there, and programs that are started on either side.
All that is started has a time limit and ends with the test that started it, and
no instance may be left then.
"""
import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time

import ktap

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
NUSE = f"{ktap.TOOLS}/nuse"
LIMIT = 20				# seconds for a program that is to end by itself
PATIENCE = 10				# seconds for one to be ready, or to end when told to

# A shell that starts the tests in the background lets them ignore it, and so programs.
signal.signal(signal.SIGINT, signal.default_int_handler)


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise ktap.Skip(f"there is no {program}")


def directory():
    """Of the tests, and of the sockets of their instances"""
    return os.environ["XDG_RUNTIME_DIR"]


def path(name, text=None):
    """A file in the directory of the tests, with that text"""
    name = f"{directory()}/{name}"
    if text is not None:
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
    return name


def for_everybody():
    """The directory of a nuse that other users reach, wherever this tree lies"""
    folder = path("everybody")
    if not os.path.exists(folder):
        os.mkdir(folder)
        for name in ("nuse", "nuse-run", "libnuse.so"):
            shutil.copy(f"{ktap.TOOLS}/{name}", folder)
        shutil.copy(ktap.KERNEL, f"{folder}/liblinux.so")
        os.chmod(folder, 0o755)
    return folder


def until(condition, what):
    """Waits; returns what @condition returns when that is true."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError(f"in vain: {what}")


class Program:
    """A program that runs; what it prints goes to a file."""

    def __init__(self, command, stdin=subprocess.DEVNULL):
        self.command = [str(word) for word in command]
        with tempfile.NamedTemporaryFile("wb", dir=directory(), delete=False) as log:
            self.log = log.name
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(self.command, stdin=stdin, stdout=log, stderr=log,
                                            cwd=directory(), start_new_session=True)

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def failed(self, what):
        return AssertionError(f"{' '.join(self.command)}: {what}\n{self.text()}")

    def wait(self, timeout=LIMIT):
        """Its status, when it has ended"""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise self.failed(f"still there after {timeout} s") from None

    def result(self, status=0, timeout=LIMIT):
        """What it has printed, when it has ended with that status"""
        got = self.wait(timeout)
        if got != status:
            raise self.failed(f"status {got}, not {status}")
        return self.text()

    def says(self, word):
        def said():
            if self.process.poll() is not None and word not in self.text():
                raise self.failed(f"ended with status {self.process.returncode}, "
                                  f"without {word!r}")
            return word in self.text()
        until(said, f"{' '.join(self.command)} to say {word!r}; it says {self.text()!r}")

    def tell(self, number):
        self.process.send_signal(number)

    def end(self, number=signal.SIGTERM):
        """Tells it to end: its status"""
        if self.process.poll() is None:
            self.tell(number)
        return self.wait(PATIENCE)

    def kill(self):
        """Its session, so that no child is left"""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Bench:
    """What a test has started: it all ends with it."""

    def __init__(self):
        self.programs = []

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        for program in reversed(self.programs):
            program.kill()
        with contextlib.suppress(AssertionError):
            until(lambda: not instances(), "")
        left = instances()
        for name in left:
            subprocess.run([NUSE, "rm", name], check=False, timeout=LIMIT)
        if left and not kind:
            raise AssertionError(f"instances are left: {' '.join(left)}")

    def start(self, *command, **options):
        """On the host"""
        self.programs.append(Program(command, **options))
        return self.programs[-1]

    def run(self, *command, status=0, timeout=LIMIT, **options):
        """What it prints"""
        return self.start(*command, **options).result(status, timeout)


class Tap(Bench):
    """
    A TAP of the host, and nuse behind it: 10.0.0.1 and fd00::1 are the host's,
    10.0.0.2 and fd00::2 the program's.
    """
    HOST, NUSE = "10.0.0.1", "10.0.0.2"
    HOST6, NUSE6 = "fd00::1", "fd00::2"
    NAME = "lab"

    def __init__(self, *options):
        super().__init__()
        # A name server that says at once that it is none
        self.options = options or ("--nameserver", self.HOST)

    def __enter__(self):
        if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            raise ktap.Skip("/dev/net/tun cannot be opened")
        ktap.output("ip", "tuntap", "add", "tap0", "mode", "tap", "vnet_hdr")
        ktap.output("ip", "address", "add", f"{self.HOST}/24", "dev", "tap0")
        ktap.output("ip", "address", "add", f"{self.HOST6}/64", "dev", "tap0", "nodad")
        ktap.output("ip", "link", "set", "tap0", "up")
        return self

    def __exit__(self, *error):
        try:
            super().__exit__(*error)
        finally:
            ktap.output("ip", "link", "del", "tap0")

    def on_nuse(self, *command, **options):
        """Starts a program on a new instance named "lab"."""
        net = (f"tap:tap0,address={self.NUSE}/24,gateway={self.HOST},"
               f"address={self.NUSE6}/64")
        return self.start(NUSE, "--name", self.NAME, "--net", net, *self.options, "--", *command,
                          **options)

    def nuse(self, *command, status=0, timeout=LIMIT, **options):
        """What it prints there"""
        text = self.on_nuse(*command, **options).result(status, timeout)
        gone(self.NAME)
        return text

    def join(self, *command, status=0, timeout=LIMIT, **options):
        """What one more program prints on that instance"""
        return self.start(NUSE, "--join", self.NAME, *command, **options).result(status, timeout)

    def serves(self, server, port, kind="tcp"):
        """Waits until a server on nuse listens at a port."""
        def listens():
            if server.process.poll():
                raise server.failed(f"ended with status {server.process.returncode}")
            return instances() and has_port(self.join("cat", f"/proc/net/{kind}",
                                                      f"/proc/net/{kind}6"), port, kind)
        until(listens, f"port {port} on nuse: {server.text()}")
        return server


def has_port(table, port, kind):
    """Whether somebody listens, in the text of /proc/net/tcp or /proc/net/udp"""
    state = {"tcp": "0A", "udp": "07"}[kind]
    rows = [line.split() for line in table.splitlines()]
    return any(row[1].endswith(f":{port:04X}") and row[3] == state
               for row in rows if len(row) > 3 and ":" in row[1])


def serves(server, port, kind="tcp"):
    """Waits until a server on the host listens at a port."""
    def listens():
        if server.process.poll():
            raise server.failed(f"ended with status {server.process.returncode}")
        tables = ""
        for table in (kind, f"{kind}6"):
            with open(f"/proc/net/{table}", encoding="ascii") as file:
                tables += file.read()
        return has_port(tables, port, kind)
    until(listens, f"port {port} on the host: {server.text()}")
    return server


def instances():
    """Names of those that are there"""
    lines = ktap.output(NUSE, "ls", timeout=LIMIT).splitlines()[1:]
    return [line.split()[0] for line in lines]


def gone(name):
    """An instance ends soon after its last program."""
    until(lambda: name not in instances(), f"the end of instance {name}")


def map_users(pid):
    """Into a new user namespace: root has all users there, others are root alone."""
    if os.geteuid():
        maps = {"setgroups": "deny", "uid_map": f"0 {os.geteuid()} 1",
                "gid_map": f"0 {os.getegid()} 1"}
    else:
        maps = {"uid_map": "0 0 65536", "gid_map": "0 0 65536"}
    for name, text in maps.items():
        with open(f"/proc/{pid}/{name}", "w", encoding="ascii") as file:
            file.write(text)


def enter_namespaces():
    """New ones of users and of the network; the maps have to be written from outside."""
    process, ends = os.getpid(), os.pipe()
    helper = os.fork()
    if not helper:
        with contextlib.suppress(OSError):
            if os.read(ends[0], 1):
                map_users(process)
        os._exit(0)
    if ctypes.CDLL(None).unshare(CLONE_NEWUSER | CLONE_NEWNET):
        skip_all("user namespaces are not allowed")
    os.write(ends[1], b"x")
    os.waitpid(helper, 0)
    os.close(ends[0])
    os.close(ends[1])


def need_users():
    """For programs that become somebody else, or change their groups"""
    with open("/proc/self/setgroups", encoding="ascii") as file:
        if file.read() != "allow\n":
            raise ktap.Skip("needs root")


def skip_all(reason):
    print(f"KTAP version 1\n1..0 # SKIP {reason}", flush=True)
    os._exit(0)


def main():
    enter_namespaces()
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        os.environ.update({"XDG_RUNTIME_DIR": folder, "LIBLINUX": ktap.KERNEL,
                           "LC_ALL": "C.UTF-8", "HOME": folder,
                           "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"})
        ktap.output("ip", "link", "set", "lo", "up")
        ktap.main()
