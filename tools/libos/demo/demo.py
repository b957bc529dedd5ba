#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Shows what the library does: builds the programs of this folder and runs them."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[2]
TOOLS = TOP / "build" / "tools"
PROGRAMS = TOP / "build" / "demo"
PACKAGES = {"ip": "iproute2", "ping": "iputils-ping", "curl": "curl", "unshare": "util-linux",
            "cc": "gcc", "iperf3": "iperf3"}
HOST, LIBRARY, TAP = "10.0.0.1/24", "10.0.0.2", "tap0"
PEER = HOST.split("/")[0]
WIDTH = 95			# of what programs say


def die(text):
    sys.exit(f"demo: {text}")


def say(text=""):
    print(text, flush=True)


def run(*argv, **options):
    done = subprocess.run([str(a) for a in argv], text=True, **options)
    if done.returncode:
        die(f"\"{' '.join(map(str, argv))}\" failed with status {done.returncode}"
            + (f": {done.stdout}" if done.stdout else ""))
    return done.stdout


def prepare():
    missing = [package for tool, package in PACKAGES.items() if not shutil.which(tool)]
    if missing:
        die(f"packages are missing. As root: apt-get install -y {' '.join(missing)}")
    library = Path(os.environ.setdefault("LIBLINUX", str(TOP / "liblinux.so")))
    if not library.exists():
        die(f"{library} does not exist: run \"make library\" first")
    run("make", "-s", "--no-print-directory", "-C", HERE.parent)
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    for source in sorted(HERE.glob("*.c")):
        run("cc", "-O2", "-g", "-Wall", "-D_GNU_SOURCE", f"-I{TOOLS / 'include'}",
            "-o", PROGRAMS / source.stem, source, TOOLS / "libos.a", "-pthread")
    return library


# ------------------------------------------------------------------ the parts

def hello(library):
    lines = len((HERE / "hello.c").read_text().splitlines())
    say(f"0. A C program of {lines} lines (tools/libos/demo/hello.c) boots {library.resolve().name}")
    say("   and uses a socket of it:")
    say("   " + run(PROGRAMS / "hello", stdout=subprocess.PIPE).strip())
    say()


def talk():
    say("1. Two Linux kernels in one process, one thread, joined by a cable.")
    say("   A server in the right one, a client in the left one, a quarter of a second each:")
    run(PROGRAMS / "talk")
    say()


def lossy():
    say("2. The same in virtual time: one TCP connection over a line of 10 Mbit/s with a delay")
    say("   of 20 ms that loses 1 % of all packets. Time passes only when nothing is left to do,")
    say("   and equal inputs give equal packets. Twice, with a capture of every packet:")
    hashes = []
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(2):
            capture = Path(folder) / f"{turn}.pcapng"
            run(PROGRAMS / "lossy", capture)
            hashes.append(hashlib.sha256(capture.read_bytes()).hexdigest())
            say(f"   {capture.stat().st_size * 1e-6:.1f} MB of pcapng, SHA-256 {hashes[-1][:32]}...")
    if hashes[0] != hashes[1]:
        die("the two captures differ, and must not: please report this")
    say("   The captures are identical, to the bit and to the nanosecond.")
    say()


def traffic():
    say("3. Real traffic: a library kernel behind a TAP interface, in a new user and network")
    say("   namespace of this host (tools/libos/demo/httpd.c). The host's own ping and curl:")
    if not Path("/dev/net/tun").exists():
        die("/dev/net/tun does not exist: modprobe tun, or mknod /dev/net/tun c 10 200")
    run(*new_namespaces(), sys.executable, HERE / "demo.py", "--traffic")
    say()


def new_namespaces():
    """A command prefix. Root needs no user namespace, which a chroot and some containers refuse."""
    for prefix in ["unshare", "-Urn"], ["unshare", "-n"]:
        if not subprocess.run([*prefix, "true"], stderr=subprocess.DEVNULL).returncode:
            return prefix
    die("no namespaces can be made here: be root, or allow user namespaces (sysctl "
        "kernel.unprivileged_userns_clone=1; not in a chroot)")


def programs():
    say("4. Unmodified programs on a stack of their own: nuse runs them, the host's iperf3 and a")
    say("   web server are the peers. Meanwhile another program looks into the same instance:")
    run(*new_namespaces(), sys.executable, HERE / "demo.py", "--programs")
    say()


def traffic_inside():
    """The third part, in its namespaces"""
    server = subprocess.Popen([PROGRAMS / "httpd", TAP, f"{LIBRARY}/24"],
                              stdout=subprocess.PIPE, text=True)
    try:
        if not server.stdout.readline():
            die("the web server did not start, see above")
        run("ip", "address", "add", HOST, "dev", TAP)
        run("ip", "link", "set", TAP, "up")
        show(["ping", "-c", "3", "-i", "0.2", "-w", "5", LIBRARY],
             lambda line: "bytes from" in line or "packets" in line)
        show(["curl", "-sS", "--max-time", "5", f"http://{LIBRARY}/"], str.strip)
    finally:
        server.terminate()
        server.wait()


def programs_inside():
    """The fourth part, likewise"""
    run("ip", "link", "set", "lo", "up")
    run("ip", "tuntap", "add", TAP, "mode", "tap", "vnet_hdr")
    run("ip", "address", "add", HOST, "dev", TAP)
    run("ip", "link", "set", TAP, "up")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        os.environ["PATH"] = f"{TOOLS}:{os.environ['PATH']}"
        Path(folder, "index.html").write_text("A page of the host, fetched by nuse curl.\n")
        peers = [quietly("iperf3", "-s", "-1"),
                 quietly(sys.executable, "-m", "http.server", "80", "-b", PEER, "-d", folder)]
        try:
            use_programs(["nuse", "--name", "demo", "--net", f"tap:{TAP},address={LIBRARY}/24"])
        finally:
            for peer in peers:
                peer.terminate()
                peer.wait()


def quietly(*argv):
    return subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def use_programs(nuse):
    wait_for_listeners(5201, 80)
    show([*nuse, "curl", "-sS", "--max-time", "5", f"http://{PEER}/"], str.strip)
    client = [*nuse, "iperf3", "-c", PEER, "-t", "2"]
    say(f"   $ {' '.join(client)} &")
    process = subprocess.Popen(client, stdout=subprocess.PIPE, text=True)
    time.sleep(1)
    show(["nuse", "--join", "demo", "ip", "-br", "address", "show", "dev", "eth0"], str.strip)
    show(["nuse", "--join", "demo", "ss", "-ti", "dst", PEER], lambda line: "busy" in line)
    say("   [iperf3]")
    for line in filter(lambda line: line.endswith(("sender", "receiver")),
                       process.communicate(timeout=10)[0].splitlines()):
        say(f"     {line}")


def wait_for_listeners(*ports):
    """Without connecting: who serves one client only would have had it."""
    for _ in range(500):
        known = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
        if all(f":{port:04X} " in known for port in ports):
            return
        time.sleep(0.01)
    die("the host's servers did not start")


def show(argv, keep):
    say(f"   $ {' '.join(argv)}")
    for line in filter(keep, run(*argv, stdout=subprocess.PIPE).splitlines()):
        say(f"     {shortened(line.strip())}")


def shortened(line):
    return line if len(line) <= WIDTH else f"{line[:WIDTH - 4]} ..."


def main():
    for part in traffic_inside, programs_inside:
        if f"--{part.__name__.split('_')[0]}" in sys.argv:
            part()
            return
    start = time.monotonic()
    library = prepare()
    say()
    hello(library)
    talk()
    lossy()
    traffic()
    programs()
    say(f"All of it in {time.monotonic() - start:.0f} s. Next: README.md, \"make test\", "
        "\"make bench\".")


if __name__ == "__main__":
    main()
