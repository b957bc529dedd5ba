#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""nuse.py WHAT ours|host|wire [SECONDS] - one measurement of a program on nuse.

"ours": the program runs on an instance of its own behind a TAP, its peer on the
host. "host": the same program in another network namespace of the host behind
a veth, which is what one would have without nuse. "wire": both programs are on
instances that a wire joins. Prints lines "name value", as the other programs
here do. All of it happens in namespaces of its own.
"""
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
NUSE = TOP / "build" / "tools" / "nuse"
RR = TOP / "build" / "bench" / "rr"
HERE, THERE = "10.77.0.1", "10.77.0.2"
PORT = 5201
SMALL = "x" * 100 + "\n"


def sh(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Lab:
    """Where the program is: a prefix for its command line."""

    def __init__(self, side):
        self.directory = tempfile.mkdtemp(prefix="nuse-bench-")
        os.environ["XDG_RUNTIME_DIR"] = self.directory
        self.running = []
        sh("ip", "link", "set", "lo", "up")
        {"ours": self.make_tap, "host": self.make_veth, "wire": self.make_wire}[side]()

    def make_tap(self):
        sh("ip", "tuntap", "add", "tap0", "mode", "tap", "vnet_hdr")
        sh("ip", "addr", "add", f"{HERE}/24", "dev", "tap0")
        sh("ip", "link", "set", "tap0", "up")
        self.there = [NUSE, "--net", f"tap:tap0,address={THERE}/24", "--"]
        self.here = []

    def make_veth(self):
        sleeper = self.start("unshare", "-n", "sleep", "600")
        while os.readlink(f"/proc/{sleeper.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            time.sleep(0.001)
        sh("ip", "link", "add", "veth0", "type", "veth", "peer", "name", "veth1", "netns",
           str(sleeper.pid))
        sh("ip", "addr", "add", f"{HERE}/24", "dev", "veth0")
        sh("ip", "link", "set", "veth0", "up")
        self.there = ["nsenter", "-t", str(sleeper.pid), "-n"]
        self.here = []
        sh(*self.there, "ip", "addr", "add", f"{THERE}/24", "dev", "veth1")
        sh(*self.there, "ip", "link", "set", "veth1", "up")

    def make_wire(self):
        wire = f"{self.directory}/wire"
        self.here = [NUSE, "--net", f"wire:{wire},address={HERE}/24", "--"]
        self.there = [NUSE, "--net", f"wire:{wire},address={THERE}/24", "--"]

    def start(self, *command, **options):
        """In a session of its own; what it says goes nowhere."""
        process = subprocess.Popen([str(word) for word in command], start_new_session=True,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   stdin=subprocess.DEVNULL, **options)
        self.running.append(process)
        return process

    def output(self, *command):
        return subprocess.run([str(word) for word in command], check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              stdin=subprocess.DEVNULL, timeout=50).stdout

    def close(self):
        for process in reversed(self.running):
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        time.sleep(0.05)			# keepers see that their last program has ended
        shutil.rmtree(self.directory, ignore_errors=True)


def wait_for(address, port):
    for _ in range(500):
        try:
            socket.create_connection((address, port), 1).close()
            return
        except OSError:
            time.sleep(0.01)
    sys.exit(f"nuse.py: nobody listens on {address}:{port}")


# ------------------------------------------------------------- measurements

def iperf3(lab, seconds, *options):
    """The program is the client; the figure is what arrives. It knows whole seconds."""
    seconds = max(1, round(float(seconds)))
    lab.start(*lab.here, "iperf3", "-s", "-1", "-p", PORT)
    if lab.here:
        time.sleep(0.3)
    else:
        wait_for_listener(PORT)
    text = lab.output(*lab.there, "iperf3", "-c", HERE, "-p", PORT, "-t", seconds, "-J", *options)
    print("bits_per_s", json.loads(text)["end"]["sum_received"]["bits_per_second"])


def wait_for_listener(port):
    """Without a connection: iperf3 -1 would count it."""
    while f":{port:04X} " not in Path("/proc/net/tcp6").read_text() + \
            Path("/proc/net/tcp").read_text():
        time.sleep(0.005)


def rx(lab, seconds):
    iperf3(lab, seconds, "-R")


def tx(lab, seconds):
    iperf3(lab, seconds)


def rr(lab, seconds):
    lab.start(*lab.here, RR, "serve", PORT)
    wait_for_listener(PORT)
    print(lab.output(*lab.there, RR, "ask", HERE, PORT, seconds), end="")


def redis(lab, _):
    lab.start(*lab.there, "redis-server", "--port", 6379, "--save", "", "--bind", THERE,
              "--protected-mode", "no", cwd=lab.directory)
    wait_for(THERE, 6379)
    text = lab.output(*lab.here, "redis-benchmark", "-h", THERE, "-t", "get", "-n", 40000,
                      "-c", 50, "--csv")
    print("per_s", next(line.split('"')[3] for line in text.splitlines()
                        if line.startswith('"GET')))


NGINX = """
worker_processes 1; daemon off; pid {d}/pid; error_log /dev/null;
events {{ worker_connections 512; }}
http {{ access_log off; keepalive_requests 1000000; client_body_temp_path {d}; proxy_temp_path {d};
 fastcgi_temp_path {d}; uwsgi_temp_path {d}; scgi_temp_path {d};
 server {{ listen 8080; root {d}/www; }} }}
"""


def nginx(lab, _):
    os.chmod(lab.directory, 0o755)
    os.mkdir(f"{lab.directory}/www")
    Path(f"{lab.directory}/www/small").write_text(SMALL)
    Path(f"{lab.directory}/conf").write_text(NGINX.format(d=lab.directory))
    lab.start(*lab.there, "nginx", "-c", f"{lab.directory}/conf")
    wait_for(THERE, 8080)
    text = lab.output(*lab.here, "ab", "-k", "-q", "-c", 16, "-n", 30000,
                      f"http://{THERE}:8080/small")
    print("per_s", next(line.split()[3] for line in text.splitlines()
                        if line.startswith("Requests per second")))


def start(lab, _):
    """What nuse adds to the start and end of a program."""
    def once(*command):
        begin = time.perf_counter()
        lab.output(*command)
        return (time.perf_counter() - begin) * 1000

    times = [once(*lab.there, "true") - once("true") for _ in range(10)]
    print("ms", statistics.median(times))


WHAT = {"rx": rx, "tx": tx, "rr": rr, "redis": redis, "nginx": nginx, "start": start}


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in WHAT:
        sys.exit(__doc__)
    os.environ.setdefault("LIBLINUX", str(TOP / "liblinux.so"))
    if "NUSE_BENCH_INSIDE" not in os.environ:
        os.environ["NUSE_BENCH_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", *([] if os.geteuid() == 0 else ["-Ur"]), "-n",
                              sys.executable, *sys.argv])
    lab = Lab(sys.argv[2])
    try:
        WHAT[sys.argv[1]](lab, sys.argv[3] if len(sys.argv) > 3 else "1")
    finally:
        lab.close()


if __name__ == "__main__":
    main()
