#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
What system calls mean: ordinary programs (worker-nuse*.c) run on the host kernel,
in a network namespace with nothing but its loopback, and then under nuse. What
passes there has to pass here.
"""
import os
import re
import signal
import subprocess
import tempfile
import threading

from ktap import KERNEL, TESTS, TOOLS, diagnose, main, test

PROGRAMS = ("nusefds", "nusepolls", "nusedata", "nuseprocesses", "nusesignals", "nuseerrors",
            "nuseowners", "nusesandbox", "nusenamespaces")
LIMIT = 100		# seconds for a program
SCRATCH = tempfile.TemporaryDirectory(prefix="nusecalls-")

RESULT = re.compile(r"^(ok|not ok) \d+ (?:global\.)?(\S+)(?:.*# *(SKIP|XFAIL))?", re.M)


def run(*command):
    """{name of a test: "ok", "not ok", "SKIP"}, and all that was printed"""
    with tempfile.TemporaryFile("w+", errors="replace") as printed:
        try:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=printed,
                           stderr=subprocess.STDOUT, timeout=LIMIT, check=False,
                           env={**os.environ, "XDG_RUNTIME_DIR": SCRATCH.name})
        except subprocess.TimeoutExpired:
            print(f"# {' '.join(command)}: killed after {LIMIT} s")
        printed.seek(0)
        text = printed.read()
    return {name: skipped or verdict for verdict, name, skipped in RESULT.findall(text)}, text


def on_host(program):
    root = [] if os.geteuid() == 0 else ["-Ur"]
    return run("unshare", *root, "-n", "sh", "-c", 'ip link set lo up && exec "$0"', program)


def on_nuse(program):
    return run(f"{TOOLS}/nuse", "--kernel", KERNEL, "--", program)


def same(name):
    def both():
        program = f"{TESTS}/worker-{name}"
        host, host_text = on_host(program)
        nuse, nuse_text = on_nuse(program)
        bad = [f"{case}: {nuse.get(case, 'missing')}" for case, verdict in host.items()
               if verdict == "ok" and nuse.get(case) != "ok"]
        failed = [case for case, verdict in host.items() if verdict == "not ok"]
        if not host or failed:
            diagnose(host_text)
            raise AssertionError(f"on the host: {failed}")
        if bad:
            diagnose(nuse_text)
            raise AssertionError(f"under nuse: {', '.join(bad)}")

    both.__name__ = name
    test(both)


for each in PROGRAMS:
    same(each)


def kill_for(process):
    """Kills whom it names. What else it printed; it is ended after LIMIT seconds."""
    timer = threading.Timer(LIMIT, process.kill)
    timer.start()
    text = ""
    for line in process.stdout:
        pid = re.match(r"kill (\d+)$", line)
        if not pid:
            text += line
            continue
        os.kill(int(pid[1]), signal.SIGKILL)
        process.stdin.write("\n")
        process.stdin.flush()
    timer.cancel()
    return text


def killed(how, where, number, runs):
    """Of each run, how many were killed and what became of the others; none hangs."""
    ends = []
    for seed in range(runs):
        program = [f"{TESTS}/worker-nusekill", how, where, str(number), str(seed)]
        with subprocess.Popen([f"{TOOLS}/nuse", "--kernel", KERNEL, "--", *program], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              env={**os.environ, "XDG_RUNTIME_DIR": SCRATCH.name}) as process:
            text = kill_for(process)
        end = re.match(r"(talks|dead) after (\d+)$", text.strip())
        if not end:
            raise AssertionError(f"{' '.join(program)}: {text}")
        ends.append((end[1], int(end[2])))
    diagnose(str(ends))
    return ends


@test
def kill_from_inside():
    """Others go on, always: nobody is inside the kernel then."""
    for how in ("idle", "busy"):
        dead = [end for end in killed(how, "inside", 60, 4) if end[0] == "dead"]
        if dead:
            raise AssertionError(f"{how}: {dead}")


@test
def kill_who_waits():
    """Others go on, nearly always: who waits is seldom inside the kernel."""
    ends = killed("idle", "outside", 60, 4)
    if sum(number for _, number in ends) < 60:
        raise AssertionError(f"too few: {ends}")


@test
def kill_who_is_busy():
    """Others go on or fail."""
    killed("busy", "outside", 40, 8)


if __name__ == "__main__":
    main()
