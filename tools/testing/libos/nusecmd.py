#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
The command nuse: instances of programs, their life and their names, what is said
when something is wrong, and devices. All in a directory of this test's own.
"""
import atexit
import contextlib
import mmap
import os
import pty
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time

from ktap import KERNEL, TOOLS, Skip, main, output, test

NUSE = f"{TOOLS}/nuse"
LIMIT = 30		# seconds for a command
FD_CONTROL = 4096 + 3	# share.h: fd_base and FD_CONTROL
SCRATCH = tempfile.TemporaryDirectory(prefix="nusecmd-")
ENV = {**os.environ, "XDG_RUNTIME_DIR": SCRATCH.name, "LIBLINUX": KERNEL}
ENV.pop("NUSECONF", None)
FILES = f"{SCRATCH.name}/nuse"


def nuse(*args, status=0, prefix=(), **options):
    """Output and, if it is not 0, status of a command"""
    done = subprocess.run([*prefix, NUSE, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                          timeout=LIMIT, env=ENV, **options)
    if done.returncode != status:
        raise AssertionError(f"nuse {' '.join(args)}: status {done.returncode}\n{done.stdout}")
    return done.stdout


def expect(what, got):
    if what != got:
        raise AssertionError(f"expected {what!r}, got {got!r}")


def matches(pattern, got):
    if not re.search(pattern, got, re.M | re.S):
        raise AssertionError(f"expected {pattern!r}, got {got!r}")


def wait_for(condition, what):
    end = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.01)


def names():
    return [line.split()[0] for line in nuse("ls").splitlines()[1:]]


@atexit.register
def end_all():
    """A test that fails may leave instances."""
    for name in names():
        nuse("rm", name)


def keeper(name):
    for line in nuse("ls").splitlines()[1:]:
        if line.split()[0] == name:
            return int(line.split()[2])
    raise AssertionError(f"there is no {name}")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@contextlib.contextmanager
def kept(name, *options, prefix=()):
    """An instance without a program"""
    expect(f"{name}\n", nuse("--keep", "--name", name, *options, prefix=prefix))
    try:
        yield name
    finally:
        nuse("rm", name)


@contextlib.contextmanager
def running(*args, **options):
    """A program that runs until the end of the block"""
    with subprocess.Popen([NUSE, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          env=ENV, **options) as process:
        try:
            yield process
        finally:
            process.kill()


# ---------------------------------------------------------------- a program

@test
def becomes_the_program():
    """Status, arguments, descriptors, directory and children are the program's own"""
    expect("a b\n", nuse("echo", "a", "b"))
    expect("", nuse("--", "sh", "-c", "exit 7", status=7))
    expect("", nuse("sh", "-c", "kill -TERM $$", status=-signal.SIGTERM))
    expect("/usr\n", nuse("pwd", cwd="/usr"))
    expect("sh\n", nuse("sh", "-c", "echo $0"))
    with running("sh", "-c", "echo $$; wait; echo none; read line; echo $line") as process:
        expect(f"{process.pid}\n", process.stdout.readline())
        expect("none\n", process.stdout.readline())
        expect("hello\n", process.communicate("hello\n", timeout=LIMIT)[0])
        expect(0, process.returncode)


@test
def no_signal_of_a_child():
    """What nuse did before it became the program leaves no SIGCHLD for it"""
    def block():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    got = nuse("grep", "Pnd", "/proc/self/status", preexec_fn=block)
    expect("SigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\n", got)


@test
def hooks():
    """The first program has libc's symbols caught, as those that it starts"""
    for command in (["cat"], ["env", "cat"]):
        matches("libnuse.so", nuse(*command, "/proc/self/maps"))


@test
def keeps_the_terminal():
    """The program has the terminal, the keeper none"""
    try:
        pid, terminal = pty.fork()
    except OSError as error:
        raise Skip(f"no terminal can be made: {error}") from None
    if not pid:
        os.execve(NUSE, ["nuse", "sh", "-c", "test -t 0 && exec tty"], ENV)
    text = b""
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 1000):
            text += part
    expect(0, os.waitpid(pid, 0)[1])
    matches(r"^/dev/pts/\d+\s*$", text.decode())
    os.close(terminal)


@test
def own_stack():
    """A new stack with nothing but lo"""
    got = nuse("ip", "-o", "addr")
    matches(r"1: lo +inet 127\.0\.0\.1/8", got)
    if "eth0" in got:
        raise AssertionError(got)


@test
def sysctls_and_files():
    """Options and files reach the stack"""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
        conf.write("sysctl net.ipv4.ip_default_ttl=33\nname from-file\n")
        conf.flush()
        with kept("from-option", "-c", conf.name, "--sysctl", "net.ipv4.tcp_ecn=1"):
            expect("from-option", names()[0])
            matches(" 127.0.0.1: .*ttl=33 ", nuse("--join", "from-option", "ping", "-c1", "127.0.0.1"))


@test
def verbose():
    matches(r"Linux version.*\nhello\n$", nuse("--verbose", "--cmdline", "loglevel=8", "echo", "hello"))


# -------------------------------------------------------------- a life

@test
def ends_with_its_last_process():
    """... which may be a daemon, a child of one that has ended"""
    nuse("true")
    wait_for(lambda: not names(), "the instance ends")
    expect([], os.listdir(FILES))
    with subprocess.Popen([NUSE, "--name", "daemon", "sh", "-c", "sleep 60 >&- 2>&- & echo $!"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          env=ENV) as process:
        child = int(process.communicate(timeout=LIMIT)[0])
    time.sleep(0.2)
    expect(["daemon"], names())
    os.kill(child, signal.SIGKILL)
    wait_for(lambda: not names(), "the instance ends with the daemon")


@test
def many_short_programs():
    """Each leaves nothing behind"""
    for _ in range(10):
        programs = [subprocess.Popen([NUSE, "true"], env=ENV) for _ in range(4)]
        for program in programs:
            expect(0, program.wait(LIMIT))
    wait_for(lambda: not names(), "all instances end")
    expect([], os.listdir(FILES))


BIRTHS = """
import os, signal, socket
for _ in range(600):
    child = os.fork()
    if not child:
        signal.pause()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
socket.create_server(("127.0.0.1", 0))
print("well")
"""


@test
def children_killed_at_birth():
    """They harm nobody, and leave no more than there is room for"""
    expect("well\n", nuse("--memory", "12M", "--", "python3", "-c", BIRTHS))


CROWD = """
import os, signal, socket
children = []
for _ in range(2):
    try:
        while len(children) < 5000:
            child = os.fork()
            if not child:
                signal.pause()
            children.append(child)
        print("no end")
    except BlockingIOError:
        print(len(children) > 20)
    for child in children:
        os.kill(child, signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)
    children = []
    socket.create_server(("127.0.0.1", 0))
"""


@test
def as_many_as_the_memory_allows():
    """Then no more are made, and none that is there is harmed"""
    expect("True\nTrue\n", nuse("--memory", "12M", "--", "python3", "-c", CROWD))


@test
def killed_while_it_starts():
    """The keeper goes with who started it"""
    for delay in (0.0, 0.002, 0.004, 0.006):
        with subprocess.Popen([NUSE, "sleep", "60"], env=ENV) as process:
            time.sleep(delay)
            process.kill()
    wait_for(lambda: not names(), "the instance ends")


@test
def join():
    """Programs on one instance see each other; each counts"""
    with running("--name", "joined", "sh", "-c", "echo; read line"), kept("other"):
        wait_for(lambda: "joined" in names(), "it is there")
        expect("", nuse("--join", "joined", "ip", "link", "add", "d0", "type", "dummy"))
        matches("d0", nuse("--join", "joined", "--", "ip", "link", "show", "d0"))
        matches("does not exist", nuse("--join", "other", "ip", "link", "show", "d0", status=1))
        with running("--join", "joined", "sh", "-c", "echo; read line") as second:
            expect("\n", second.stdout.readline())
            matches(r"joined +\S+ +\d+ +2 ", nuse("ls"))
    wait_for(lambda: not names(), "both end")


@test
def remove():
    """SIGTERM first, SIGKILL for who does not mind it"""
    with running("--name", "stubborn", "sh", "-c",
                 "trap '' TERM; sleep 60 & echo; while :; do wait; done") as process:
        expect("\n", process.stdout.readline())
        pid = keeper("stubborn")
        nuse("rm", "stubborn")
        expect(-signal.SIGKILL, process.wait(LIMIT))
        wait_for(lambda: not alive(pid), "the keeper ends")
    expect([], names())


@test
def keeper_gets_sigterm():
    """It ends its instance"""
    with running("--name", "ended", "sleep", "60") as process:
        wait_for(lambda: "ended" in names(), "it is there")
        os.kill(keeper("ended"), signal.SIGTERM)
        expect(-signal.SIGTERM, process.wait(LIMIT))
    wait_for(lambda: not names(), "it ends")


@test
def keeper_is_killed():
    """What it leaves is removed by who comes upon it"""
    expect("left\n", nuse("--keep", "--name", "left"))
    expect(["left.sock"], os.listdir(FILES))
    pid = keeper("left")
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not alive(pid), "it is gone")
    matches("there is no instance left", nuse("--join", "left", "true", status=1))
    expect([], names())
    expect([], os.listdir(FILES))
    with kept("left"):
        pass


@test
def keeper_is_detached():
    """No terminal, no descriptor and no directory of the user's"""
    with tempfile.TemporaryDirectory() as directory, kept("far"):
        pid = keeper("far")
        expect("/", os.readlink(f"/proc/{pid}/cwd"))
        expect(pid, os.getsid(pid))
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            expect("0", file.read().rpartition(")")[2].split()[4])
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):	# closed meanwhile
                if directory in os.readlink(f"/proc/{pid}/fd/{fd}"):
                    raise AssertionError(fd)
        expect("/dev/null", os.readlink(f"/proc/{pid}/fd/1"))


@test
def log():
    with kept("said", "--cmdline=loglevel=8"):
        matches("Linux version", nuse("log", "said"))


def kill_inside(name):
    """As if a process had been killed inside: the lock's holder is nobody, entries are odd."""
    with open(f"/proc/{keeper(name)}/fd/{FD_CONTROL}", "r+b", buffering=0) as control:
        with mmap.mmap(control.fileno(), 4096) as page:
            page[0:4] = (1 << 22).to_bytes(4, "little")
            page[16] |= 1


@test
def dead():
    """Says why, refuses who comes, and leaves a log"""
    reason = "a process was killed inside the kernel"
    with running("--name", "dead", "sh", "-c", "echo; read line; ip link") as process:
        expect("\n", process.stdout.readline())
        kill_inside("dead")
        wait_for(lambda: f"dead: {reason}\n" in nuse("ls"), "somebody finds out")
        expect(f"nuse: instance dead is dead: {reason}\n", nuse("--join", "dead", "true", status=1))
        matches(f"^the instance is dead: {reason}$", nuse("log", "dead"))
        process.communicate("\n", timeout=LIMIT)
        if not process.returncode:
            raise AssertionError("calls of a dead instance succeed")
    wait_for(lambda: not names(), "it ends with its last process")
    matches(f"^the instance is dead: {reason}$", nuse("log", "dead"))
    nuse("rm", "dead")
    expect([], os.listdir(FILES))


# ----------------------------------------------------------------- names

@test
def name_of_the_program():
    with running("sleep", "60"), running("sleep", "60"):
        wait_for(lambda: names() == ["sleep-1", "sleep-2"], "both are there")
    wait_for(lambda: not names(), "both end")


@test
def name_in_use():
    with kept("mine"):
        expect("nuse: the name mine is in use: join that instance, end it with nuse rm mine, or use "
               "another name\n", nuse("--name", "mine", "true", status=1))


@test
def directory_is_private():
    with kept("private"):
        expect(0o700, stat.S_IMODE(os.stat(FILES).st_mode))
        expect(0o700, stat.S_IMODE(os.stat(f"{FILES}/private.sock").st_mode))
    os.chmod(FILES, 0o755)
    try:
        expect(f"nuse: {FILES} is no directory of this user alone: remove it, or chmod 700\n",
               nuse("true", status=1))
    finally:
        os.chmod(FILES, 0o700)


@test
def resolv_conf():
    """Programs have their own, also those of another user"""
    with kept("named", "--nameserver", "10.0.0.1", "--search", "example.org"):
        conf = "nameserver 10.0.0.1\nsearch example.org\n"
        expect(conf, nuse("--join", "named", "cat", "/etc/resolv.conf"))
        if not os.geteuid():
            expect(conf, nuse("--join", "named", "setpriv", "--reuid", "65534", "--clear-groups",
                              "cat", "/etc/resolv.conf"))


# ---------------------------------------------------------------- devices

def alone():
    """Puts a command into a network namespace of its own"""
    if not os.path.exists("/dev/net/tun"):
        raise Skip("there is no /dev/net/tun")
    done = subprocess.run(["unshare", "-Urn", "true"], capture_output=True, check=False)
    if done.returncode:
        raise Skip("user namespaces are not allowed")
    return ("unshare", "-Urn")


@test
def tap():
    """Joined to the host: both sides answer"""
    script = (f"set -e; {NUSE} --keep --name tap --net tap:t0,address=10.9.0.2/24,address=fc09::2/64;"
              "ip addr add 10.9.0.1/24 dev t0; ip addr add fc09::1/64 dev t0 nodad; ip link set t0 up;"
              f"ping -qc2 -i0.2 10.9.0.2; {NUSE} --join tap ping -qc2 -i0.2 10.9.0.1;"
              f"{NUSE} --join tap ping -qc2 -i0.2 fc09::1; {NUSE} ls; {NUSE} rm tap;"
              "test ! -e /proc/sys/net/ipv4/conf/t0")
    got = output(*alone(), "sh", "-c", script, timeout=LIMIT, env=ENV)
    expect(3, got.count(" 0% packet loss"))
    matches(r"eth0 10\.9\.0\.2/24 fc09::2/64$", got)


@test
def raw():
    """On an interface of the host, which has no address there"""
    script = ("set -e; ip link add va type veth peer name vb; ip addr add 10.8.0.1/24 dev va;"
              "ip link set va up; ip link set vb up;"
              f"{NUSE} --keep --name raw --net raw:vb,address=10.8.0.2/24;"
              f"ping -qc2 -i0.2 10.8.0.2; {NUSE} --join raw ping -qc2 -i0.2 10.8.0.1;"
              f"{NUSE} --join raw python3 -c \"{BULK.format(call='serve')}\" &"
              f"python3 -c \"{BULK.format(call='ask')}\"; wait; {NUSE} rm raw;"
              f"{NUSE} --net raw:nope true 2>&1 || true")
    got = output(*alone(), "sh", "-c", script, timeout=LIMIT, env=ENV)
    expect(2, got.count(" 0% packet loss"))
    assert got.count("20000000 bytes") == 2, got
    matches('the host has no interface "nope"', got)


# Both ways at once, with segments that the devices take as a whole
BULK = """
import socket, threading, time
def serve():
    l = socket.create_server(('10.8.0.2', 7000)); return l.accept()[0]
def ask():
    for _ in range(500):
        try:
            return socket.create_connection(('10.8.0.2', 7000))
        except ConnectionRefusedError:
            time.sleep(0.01)
s = {call}()
t = threading.Thread(target=lambda: (s.sendall(bytes(20000000)), s.shutdown(1)))
t.start()
n = 0
while d := s.recv(1 << 20): n += len(d)
t.join()
print(str(n) + ' bytes\\n', end='')
"""


@test
def wire():
    """Two instances, a third is refused, then one takes the other's place"""
    path = f"{SCRATCH.name}/wire"
    net = f"wire:{path},address=10.1.0."

    def ping(name, host):
        matches(" 0% packet loss", nuse("--join", name, "ping", "-qc3", "-i0.2", host))

    with kept("b", "--net", f"{net}2/24"):
        matches("NO-CARRIER", nuse("--join", "b", "ip", "link", "show", "eth0"))
        with kept("a", "--net", f"{net}1/24"):
            ping("a", "10.1.0.2")
            expect(f"nuse: --net: wire {path} has two ends, and two instances have them: use another "
                   "path\n", nuse("--net", f"{net}3/24", "true", status=1))
        with kept("c", "--net", f"{net}3/24"):
            ping("c", "10.1.0.2")
            ping("b", "10.1.0.3")
            nuse("rm", "b")
            with kept("d", "--net", f"{net}4/24"):
                ping("d", "10.1.0.3")
            nuse("--keep", "--name", "b")
    expect(False, os.path.exists(path))


@test
def pipes():
    """Configurations of 2015 and of LKL that join two by named pipes, which may be there"""
    path = f"{SCRATCH.name}/pipe"
    os.mkfifo(path)
    stanza = f"interface eth0\n\tviftype PIPE\n\tpipepath {path}\n\taddress 10.1.0.%d/24\n"
    lkl = '{"interfaces":[{"type":"pipe","param":"%s","ip":"10.1.0.%d","masklen":"24"}]}'
    for one, other in ((stanza % 1, stanza % 2),
                       (lkl % (f"{path}|{path}2", 1), lkl % (f"{path}2|{path}", 2))):
        for name, text in (("one", one), ("other", other)):
            with open(f"{SCRATCH.name}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        with kept("one", "-c", f"{SCRATCH.name}/one"), kept("other", "-c", f"{SCRATCH.name}/other"):
            matches(" 0% packet loss", nuse("--join", "one", "ping", "-qc3", "-i0.2", "10.1.0.2"))
    expect(["pipe"], [name for name in os.listdir(SCRATCH.name) if name.startswith("pipe")])


@test
def wire_of_the_dead():
    """Who has the other end sees that nobody is there"""
    def link():
        return nuse("--join", "a", "ip", "link", "show", "eth0")

    net = f"wire:{SCRATCH.name}/dead"
    with kept("a", "--net", net), running("--name", "b", "--net", net, "sh", "-c",
                                          "echo; read line") as process:
        process.stdout.readline()
        wait_for(lambda: "LOWER_UP" in link(), "a link")
        kill_inside("b")
        wait_for(lambda: "NO-CARRIER" in link(), "the end of the link")
        with kept("c", "--net", net):
            wait_for(lambda: "LOWER_UP" in link(), "a link to another")


# Numbered datagrams until there is no room, then some more, each when there is
FILL = """
import select, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(('10.1.0.2', 9))
s.setblocking(False)
full = nr = 0
input()
while nr < (full + int(sys.argv[1]) if full else 20000):
    try:
        s.send(nr.to_bytes(4, 'big') + bytes(60000))
        nr += 1
    except BlockingIOError:
        if not full:
            full = nr
            print(full, flush=True)
        select.select([], [s], [])
print('done')
"""
HEADERS = 10 + 14 + 20 + 8	# struct lib_vnet, Ethernet, IPv4, UDP


@contextlib.contextmanager
def other_end(path):
    """The other end of the wire of instance "a", as another instance takes it"""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.connect(path)
        ends = socket.recv_fds(door, 1, 2)[1]
        os.close(ends[1])
        with socket.socket(fileno=ends[0]) as end:
            end.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                while end.recv(1):
                    pass
            end.settimeout(LIMIT)
            wait_for(lambda: "LOWER_UP" in nuse("--join", "a", "ip", "link", "show", "eth0"), "link")
            yield end


def datagrams(end, nr):
    """So many come, in order."""
    expected = 0
    while expected < nr:
        packet = end.recv(1 << 17)
        if len(packet) > 60000:
            expect(expected, int.from_bytes(packet[HEADERS:HEADERS + 4], "big"))
            expected += 1


def fill(process):
    """How many are sent before there is no room"""
    process.stdin.write("\n")
    process.stdin.flush()
    return int(process.stdout.readline())


@test
def full_wire():
    """
    Who sends more than the other end takes has to wait, and all of it comes.
    When nobody has that end any more, nobody waits, and nothing comes later.
    """
    path = f"{SCRATCH.name}/full"
    net = ("--net", f"wire:{path},mtu=65535,address=10.1.0.1/24,neigh=10.1.0.2 02:00:00:00:00:02")
    program = ("python3", "-c", FILL, "500")
    with kept("a", *net):
        with running("--join", "a", *program) as process, other_end(path) as end:
            datagrams(end, fill(process) + 500)
            expect("done\n", process.stdout.read())
        with running("--join", "a", *program) as process:
            with other_end(path):
                fill(process)
            expect("done\n", process.stdout.read())
        with running("--join", "a", *program) as process, other_end(path) as end:
            fill(process)
            datagrams(end, 1)
            process.terminate()
            process.wait()
    with running("--name", "a", *net, *program) as process:
        wait_for(lambda: "a" in names(), "the instance")
        with other_end(path) as end:
            nr = fill(process)
            process.terminate()
            datagrams(end, nr)
    wait_for(lambda: not names(), "the end of the instance")


SLEEP = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', 9))
print('bound', flush=True)
s.recv(1)
"""


@test
def stopped_while_it_polls():
    """Packets come in, though who polls for all is stopped."""
    net = f"wire:{SCRATCH.name}/stopped,address=10.1.0."
    with kept("a", "--net", f"{net}1/24"), kept("b", "--net", f"{net}2/24"), \
            running("--join", "a", "python3", "-c", SLEEP) as process:
        expect("bound\n", process.stdout.readline())
        time.sleep(0.3)
        process.send_signal(signal.SIGSTOP)
        nuse("--join", "b", "ping", "-c", "1", "-W", "9", "10.1.0.1")


# All of them to come
MANY = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(2000):
    s.sendto(bytes(1400), ('10.1.0.2', 9))
"""


@test
def slow_interface():
    """Who sends faster than an interface of the host does has to wait"""
    net = "raw:vb,address=10.1.0.1/24,neigh=10.1.0.2 02:00:00:00:00:02"
    script = ("set -e; ip link add va type veth peer name vb; ip link set va up; ip link set vb up;"
              "tc qdisc add dev vb root tbf rate 200mbit burst 32k limit 4m || { echo none; exit; };"
              f"{NUSE} --net '{net}' python3 -c \"{MANY}\";"
              "came() { awk '/va:/ { print $3 }' /proc/net/dev; };"
              "for i in $(seq 100); do test $(came) -lt 2000 || break; sleep 0.05; done; came")
    got = output(*alone(), "sh", "-c", script, timeout=LIMIT, env=ENV)
    if "none" in got:
        raise Skip("the host cannot make an interface slow")
    if int(got) < 2000:
        raise AssertionError(f"{got.strip()} packets of 2000 came")


@test
def captures():
    """Of all interfaces and of one, both directions, whoever sends and receives"""
    both, one, path = (f"{SCRATCH.name}/{name}" for name in ("both.pcapng", "one.pcapng", "wire"))
    net = f"wire:{path},address=10.1.0.1/24"
    with kept("a", "--pcap", both, "--net", net, "--net", f"wire:{path}2,pcap={one}"), \
            kept("b", "--net", f"wire:{path},address=10.1.0.2/24"):
        nuse("--join", "a", "ping", "-qc2", "-i0.2", "10.1.0.2")
        nuse("--join", "b", "ping", "-qc2", "-i0.2", "10.1.0.1")
    got = output("tcpdump", "-nr", both)
    for line in ("10.1.0.1 > 10.1.0.2: ICMP echo request", "10.1.0.2 > 10.1.0.1: ICMP echo reply",
                 "10.1.0.2 > 10.1.0.1: ICMP echo request", "10.1.0.1 > 10.1.0.2: ICMP echo reply"):
        expect(2, got.count(line))
    with open(both, "rb") as file:
        matches("a eth0", file.read().decode("latin-1"))
    with open(one, "rb") as file:
        matches("a eth1", file.read().decode("latin-1"))
    expect("nuse: pcap: cannot write /none/here: No such file or directory\n",
           nuse("--pcap", "/none/here", "true", status=1))


# ---------------------------------------------------------- what is wrong

@test
def faults():
    for status, args, line in (
            (2, [], "there is nothing to run; nuse --help tells more"),
            (2, ["--name", "a"], "there is no program to run; nuse --help tells more"),
            (2, ["--join", "a"], "--join needs the name of an instance and a program; "
                                 "nuse --help tells more"),
            (2, ["ls", "a"], "nuse ls takes no arguments; nuse --help tells more"),
            (2, ["rm"], "nuse rm takes the name of an instance; nuse --help tells more"),
            (2, ["log", "a", "b"], "nuse log takes the name of an instance; nuse --help tells more"),
            (2, ["--name"], "--name is the last word; expected a value behind it"),
            (2, ["-c", "/none", "true"], "/none: No such file or directory; expected a file that you may read"),
            (1, ["--join", "a", "true"], "there is no instance a: see nuse ls"),
            (1, ["rm", "a"], "there is no instance a: see nuse ls"),
            (1, ["log", "a"], "there is no instance a: see nuse ls"),
            (1, ["--kernel", "/none", "true"], "cannot open /none: No such file or directory"),
            (1, ["--net", "dpdk:d", "true"], "--net: eth0 is of viftype DPDK, which is not supported; "
             "expected RAW, which takes the packets of an interface that the host drives"),
            (1, ["--net", "pipe:a|b|c", "true"],
             '--net: "a|b|c" is neither the path of a pipe nor of two, as A|B'),
            (1, ["--sysctl", "no.such=1", "true"],
             "--sysctl: true-1: cannot set sysctl no.such to \"1\": No such file or directory"),
            (1, ["--net", "wire:/none/here", "true"],
             "--net: no wire can be at /none/here: No such file or directory"),
            (1, ["--net", "wire:/etc/passwd", "true"],
             "--net: no wire can be at /etc/passwd: there is a file"),
            (127, ["/none/here"], "/none/here: there is no such program"),
            (127, ["no-such-program"], "no-such-program: there is no such program"),
            (127, [""], ": there is no such program"),
            (126, ["/etc/passwd"], "/etc/passwd may not be run: it has to be an executable file"),
            (126, ["/etc"], "/etc is a directory")):
        expect(f"nuse: {line}\n", nuse(*args, status=status))
    expect([], names())


@test
def inside():
    """nuse under nuse can look, and no more"""
    with running("--name", "outer", "sh", "-c", "echo; read line") as process:
        expect("\n", process.stdout.readline())
        matches("^outer ", nuse("--join", "outer", NUSE, "ls"))
        expect("nuse: a program on an instance cannot go to another: run it outside of nuse\n",
               nuse("--join", "outer", NUSE, "true", status=1))


@test
def unreadable():
    """A program that its owner, without privileges, may run but not read"""
    path = f"{SCRATCH.name}/unreadable"
    shutil.copy("/bin/true", path)
    os.chmod(path, 0o111)
    prefix = ("setpriv", "--bounding-set=-all") if os.geteuid() == 0 else ()
    expect(f"nuse: {path} may be run, but not read: here it has to be read\n",
           nuse(path, status=126, prefix=prefix))


@test
def wrong_architecture():
    path = f"{SCRATCH.name}/foreign"
    with open("/bin/true", "rb") as file:
        elf = bytearray(file.read())
    elf[18] = 183			# e_machine: AArch64
    with open(path, "wb") as file:
        file.write(elf)
    os.chmod(path, 0o755)
    expect(f"nuse: {path} is of another architecture: nuse runs programs for x86-64\n",
           nuse(path, status=126))


@test
def no_permission():
    """A TAP of a namespace that is not ours"""
    alone()
    got = nuse("--net", "tap:t0", "true", status=1, prefix=("unshare", "-Ur"))
    expect('nuse: --net: no permission for TAP interface "t0": be root, have CAP_NET_ADMIN, or own '
           "the interface\n", got)


@test
def few_descriptors():
    """The hidden ones go where there is room, or are refused in one line"""
    expect("12 200\n", nuse("sh", "-c", "echo $(ulimit -Sn) $(ulimit -Hn)",
                            prefix=("prlimit", "--nofile=12:200")))
    expect("nuse: an instance needs more descriptors: raise ulimit -Hn\n",
           nuse("true", status=1, prefix=("prlimit", "--nofile=12:60")))
    with kept("roomy"):
        matches("^nuse: descriptor .* cannot be, but nuse needs it: raise ulimit -Hn$",
                nuse("--join", "roomy", "true", status=1, prefix=("prlimit", "--nofile=64:200")))


@test
def full_output():
    """What cannot be written is not said to be done"""
    with kept("said"):
        for args in (["--help"], ["ls"], ["log", "said"]):
            got = nuse(*args, status=1, prefix=("sh", "-c", '"$0" "$@" > /dev/full'))
            expect("nuse: cannot write what it has to say: No space left on device\n", got)


FLOOD = """
import signal, socket, threading
def flood():
    s = socket.socket(type=socket.SOCK_DGRAM)
    while True:
        s.sendto(bytes(60000), ('127.0.0.1', 9))
"""


def stop_and_go(program):
    with subprocess.Popen([NUSE, "--join", "stopped", "python3", "-c", FLOOD + program], env=ENV,
                          stderr=subprocess.DEVNULL, process_group=0) as busy:
        try:
            time.sleep(0.3)
            for _ in range(20):
                busy.send_signal(signal.SIGTSTP)
                os.waitpid(busy.pid, os.WUNTRACED)
                nuse("--join", "stopped", "true")
                busy.send_signal(signal.SIGCONT)
                time.sleep(0.01)
        finally:
            busy.terminate()


@test
def stopped():
    """A program that is stopped in the middle of its calls holds nobody up"""
    with kept("stopped"):
        stop_and_go("flood()")
        stop_and_go("threading.Thread(target=flood).start()\nwhile True: signal.pause()")


@test
def one_after_the_other():
    """Of one name and on one wire, as soon as the program before has ended"""
    with kept("partner", "--net", f"wire:{SCRATCH.name}/turns"):
        for _ in range(5):
            nuse("--name", "turns", "--net", f"wire:{SCRATCH.name}/turns", "true")


@test
def teaches():
    got = nuse("--help")
    for word in ("--join", "ls", "rm", "log", "--net", "tap:", "wire:", "raw:", "--keep"):
        matches(f"{word}", got)


main()
