#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Programs whose system calls are caught, by a core that shows it (catch/core.c):
getppid is 4242 wherever a call was caught. Each runs dynamic and started by
nuse-run, static, and dynamic with the catcher preloaded.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from ktap import TOOLS, TOP, Skip, main, output, test
sys.path.append(f"{TOP}/tools/testing/libos/catch")
from programs import (BUILD, LIMIT, PRELOAD, RUN, SOURCE, build_core, fine, preloaded, program,
                      three_ways)

@test
def is_freestanding():
    """The catcher needs nothing but a core; the loader nothing at all"""
    symbols = output("nm", f"{TOOLS}/nuse-catch.a")
    defined = set(re.findall(r" [A-TV-Z] (\w+)$", symbols, re.M))
    undefined = set(re.findall(r" U (\w+)$", symbols, re.M)) - defined
    linker = ("_GLOBAL_OFFSET_TABLE_", "__ehdr_start", "etext")
    others = [name for name in undefined if not name.startswith("nuse_") and name not in linker]
    if others:
        raise AssertionError(f"undefined: {others}")
    run = output("readelf", "-lW", f"{TOOLS}/nuse-bare")
    if "INTERP" in run or "TLS" in run:
        raise AssertionError(run)


@test
def without_core():
    """The loader alone changes nothing that a program sees"""
    got = output(f"{TOOLS}/nuse-bare", "sh", "-c", "echo $0 $(cat /proc/self/comm) $(echo $#)")
    if got != "sh cat 0\n":
        raise AssertionError(got)
    for command, line, status in ((["/none/here"], "nuse: /none/here: there is no such program", 127),
                                  (["/etc/passwd"], "nuse: /etc/passwd: permission denied: it has "
                                   "to be an executable file", 127),
                                  ([], "usage: nuse-run [-NOTE] PROGRAM [ARGS]", 2)):
        done = subprocess.run([f"{TOOLS}/nuse-bare", *command], capture_output=True, text=True,
                              check=False, timeout=LIMIT)
        if (done.stderr, done.returncode) != (line + "\n", status):
            raise AssertionError(f"{command}: {done}")


build_core()
for case in ("calls", "signals", "births"):
    three_ways(case)


def in_directory(command, **options):
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        fine(*command, directory, **options)


@test
def execs_loaded():
    in_directory([RUN, program("execs")])


@test
def execs_static():
    in_directory([RUN, program("execs", "-static")])


@test
def execs_preload():
    in_directory([program("execs")], env=preloaded())


def go_program(cgo):
    if not shutil.which("go"):
        raise Skip("there is no go: install golang-go")
    path = f"{BUILD}/catch-go{cgo}"
    environment = {**os.environ, "CGO_ENABLED": cgo, "GO111MODULE": "off",
                   "GOCACHE": f"{BUILD}/gocache", "GOFLAGS": ""}
    output("go", "build", "-p", "2", "-o", path, f"{SOURCE}/main.go", env=environment,
           timeout=LIMIT)
    return path


@test
def go_static():
    """Goroutines, connections, signals and children"""
    path = go_program("0")
    for _ in range(5):
        fine(RUN, path)


@test
def go_with_libc():
    path = go_program("1")
    for _ in range(15):
        fine(RUN, path)
    fine(path, env=preloaded())


PYTHON = """
import multiprocessing, os, signal, subprocess, sys, threading
def work(results):
    results.append((os.getppid(), os.read(600, 3), subprocess.run(
        ["sh", "-c", "echo $PPID"], capture_output=True, text=True).stdout))
def child(n):
    return os.getppid() + n
results = []
threads = [threading.Thread(target=work, args=(results,)) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
assert results == [(4242, b"abc", "4242\\n")] * 8, results
with multiprocessing.get_context("fork").Pool(3) as pool:
    assert pool.map(child, range(9)) == [4242 + n for n in range(9)]
signal.signal(signal.SIGALRM, lambda *_: results.append(os.getppid()))
signal.setitimer(signal.ITIMER_REAL, 0.01)
signal.pause()
assert results[-1] == 4242
assert subprocess.check_output([sys.executable, "-c", "print('me')"]) == b"me\\n"
print("fine")
"""


@test
def python_loaded():
    """Threads, subprocesses, a pool, signals"""
    fine(RUN, "python3", "-c", PYTHON)


@test
def python_preload():
    fine("python3", "-c", PYTHON, env=preloaded())


@test
def stripped_preload():
    """A program without the preload is caught all the same, and has it again"""
    got = output("env", "-i", "sh", "-c", "echo $PPID; exec /usr/bin/env -i sh -c 'echo $PPID "
                 "$LD_PRELOAD'", env=preloaded())
    if got != f"4242\n4242 {PRELOAD}\n":
        raise AssertionError(got)


@test
def linker_as_it_is():
    """A program that needs few libraries starts without patches in the dynamic linker"""
    smaps = output(RUN, "cat", "/proc/self/smaps")
    dirty = re.findall(r"^\S+ r-xp .*/ld-linux[^/]*\n(?:\w+:.*\n)*?Private_Dirty: +(\d+) kB",
                       smaps, re.M)
    if not dirty or any(map(int, dirty)):
        raise AssertionError(f"{dirty} KiB of it were written to")


@test
def blocked_at_start():
    """Who starts the program has SIGSYS blocked and ignored; the program believes the latter"""
    def prepare():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGSYS})
        signal.signal(signal.SIGSYS, signal.SIG_IGN)

    for command, env in ((["python3"], preloaded()), ([RUN, "python3"], None)):
        got = output(*command, "-c", "import os, signal; print(os.getppid(), "
                     "signal.pthread_sigmask(0, []), signal.getsignal(signal.SIGSYS))",
                     preexec_fn=prepare, env=env)
        if not got.startswith("4242 {<Signals.SIGSYS: 31>}"):
            raise AssertionError(got)


@test
def another_root():
    """chroot into a directory without our files, but with /proc"""
    if os.geteuid():
        raise Skip("needs root")
    with tempfile.TemporaryDirectory() as directory:
        shutil.copy(program("calls", "-static"), f"{directory}/calls")
        os.mkdir(f"{directory}/proc")
        got = output("unshare", "-m", RUN, "sh", "-c", f"mount -t proc none {directory}/proc && "
                     f"chroot {directory} /calls kinds patched exe")
        if got != "fine\n":
            raise AssertionError(got)


@test
def pipelines():
    """A shell's jobs, and programs that know nothing of this"""
    got = output(RUN, "bash", "-c", "set -e; for i in 1 2 3; do (echo $i | cat | sort) & done; wait;"
                 "find /etc -maxdepth 1 -name passwd | xargs -n1 basename; trap 'echo $PPID' EXIT;"
                 "(exec -a other sh -c 'echo $0'); seq 20000 | tail -1")
    if sorted(got.split()) != sorted("1 2 3 passwd other 20000 4242".split()):
        raise AssertionError(got)


main()
