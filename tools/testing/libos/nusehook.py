#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
libnuse.so: programs whose calls are caught by their libc's symbols, with a core
(hook/core.c) that nothing else brings calls to, and without one.
"""
import os
import re
import shutil

from ktap import KERNEL, TESTS, TOOLS, TOP, Skip, main, output, test

HOOK = f"{TOP}/tools/libos/nuse/hook"
SOURCE = f"{TOP}/tools/testing/libos/hook"
BUILD = f"{TESTS}/hook"
RUN = f"{BUILD}/nuse-run"
PRELOAD = f"{TOOLS}/libnuse.so"
LIMIT = 100		# seconds for a program

CORE_FLAGS = ("-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-fPIC", "-fvisibility=hidden",
              "-ffreestanding", "-fno-stack-protector", f"-I{TOP}/tools/libos", "-nostdlib")
FLAGS = ("-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-D_GNU_SOURCE", "-pthread")


def build_core():
    os.makedirs(BUILD, exist_ok=True)
    core = f"{BUILD}/core.o"
    output("gcc", *CORE_FLAGS, f'-DNUSE_RUN="{RUN}"', f'-DNUSE_PRELOAD="{PRELOAD}"', "-c", "-o",
           core, f"{SOURCE}/core.c")
    output("gcc", "-static-pie", "-nostdlib", "-o", RUN, "-Wl,--whole-archive",
           f"{TOOLS}/nuse-run.a", "-Wl,--no-whole-archive", core, f"{TOOLS}/nuse-catch.a")


def program(name, *flags, compiler="gcc"):
    """Builds a program; its path"""
    path = f"{BUILD}/{name}{''.join(flags).replace('/', '')}"
    output(compiler, *FLAGS, *flags, "-o", path, f"{SOURCE}/{name}.c")
    return path


def fine(*command, **options):
    got = output(*command, timeout=LIMIT, **options)
    if not got.endswith("fine\n"):
        raise AssertionError(f"{' '.join(command)}: {got}")


def preloaded():
    return {**os.environ, "LD_PRELOAD": PRELOAD}


@test
def has_all_names():
    """No function of libc at hand that should be hooked is missing"""
    output("python3", "-B", f"{HOOK}/check.py")


@test
def misses_names():
    """Who forgets one is told"""
    copy = f"{BUILD}/forgets"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(HOOK, copy)
    with open(f"{HOOK}/hooks.txt", encoding="utf-8") as table:
        lines = table.readlines()
    with open(f"{copy}/hooks.txt", "w", encoding="utf-8") as table:
        table.writelines(line for line in lines if not re.match(r"(__recv_chk|poll)\s", line))
    got = output("python3", "-B", f"{copy}/check.py", check=False)
    if sorted(re.findall(r": (\w+) makes \w+, and is not in hooks", got)) != ["__recv_chk", "poll"]:
        raise AssertionError(got)


@test
def needs_nothing():
    """No library, no symbol that has to be there, no thread-local storage"""
    dynamic = output("readelf", "-dlW", PRELOAD)
    for word in ("(NEEDED)", "TLS", "TEXTREL"):
        if word in dynamic:
            raise AssertionError(dynamic)
    symbols = output("nm", "-D", PRELOAD)
    undefined = re.findall(r" U (\w+)$", symbols, re.M)
    if undefined:
        raise AssertionError(f"undefined: {undefined}")
    with open(f"{HOOK}/hooks.txt", encoding="utf-8") as table:
        names = {line.split()[0] for line in table if re.match(r"\w", line)}
    defined = set(re.findall(r" T (\w+)$", symbols, re.M))
    if defined != names:
        raise AssertionError(f"exported: {sorted(defined ^ names)}")


build_core()


@test
def come():
    """Every function's call of a library descriptor comes to the core, others to the host"""
    fine(RUN, program("calls"))


@test
def come_now():
    """... in a program whose symbols are bound when it starts"""
    fine(RUN, program("calls", "-Wl,-z,now"))


@test
def come_lazily():
    fine(RUN, program("calls", "-Wl,-z,lazy"))


@test
def come_after_exec():
    """A program that is exec'ed without the variable has the hooks again"""
    fine(RUN, "sh", "-c", f"unset LD_PRELOAD; exec env -i {program('calls')}")


@test
def without_core():
    fine(program("calls"), "alone", env=preloaded())


@test
def with_bare_core():
    fine(f"{TOOLS}/nuse-bare", program("calls"), "alone", env=preloaded())


@test
def early():
    """Calls before any constructor"""
    for flags in (["-Wl,-z,now"], ["-Wl,-z,lazy"]):
        fine(RUN, program("early", *flags))
        fine(program("early", *flags), env=preloaded())


@test
def cancel():
    """Threads are cancelled in calls of the library as in those of the host"""
    fine(RUN, program("cancel"))


def sockets(path, *before):
    fine(path)
    fine(f"{TOOLS}/nuse", "--kernel", KERNEL, "--", *before, path)


@test
def cancel_sockets():
    """... and by the core of nuse, and unwound; other signals of libc end nothing"""
    sockets(program("sockets", "-fexceptions"))


@test
def cancel_caught():
    """... where calls are caught at their instruction"""
    sockets(program("sockets", "-fexceptions"), "env", "-u", "LD_PRELOAD")
    sockets(program("sockets", "-fexceptions", "-static"))


@test
def cancel_musl():
    if not shutil.which("musl-gcc"):
        raise Skip("no musl-gcc")
    sockets(program("sockets", "-DMUSL", compiler="musl-gcc"))


@test
def musl():
    """A program with another libc does not notice"""
    if not shutil.which("musl-gcc"):
        raise Skip("no musl-gcc")
    path = program("musl", compiler="musl-gcc")
    fine(RUN, path)
    fine(path, env=preloaded())


@test
def wrapped():
    """Another preloaded library that wraps the same functions has its way"""
    wrapper = f"{BUILD}/wrapper.so"
    output("gcc", *FLAGS, "-shared", "-fPIC", "-o", wrapper, f"{SOURCE}/wrapper.c")
    for libraries in (wrapper, f"{wrapper}:{PRELOAD}", f"{PRELOAD}:{wrapper}"):
        fine(RUN, program("wrapped"), env={**os.environ, "LD_PRELOAD": libraries})


@test
def others():
    """Programs of the distribution, with threads, children, sockets, and another preload"""
    code = ("import socket, subprocess, threading\n"
            "def work():\n"
            "    a, b = socket.socketpair()\n"
            "    a.sendall(b'x' * 5000); b.makefile('rb').read(5000)\n"
            "    assert subprocess.check_output(['echo', 'me']) == b'me\\n'\n"
            "threads = [threading.Thread(target=work) for _ in range(8)]\n"
            "[t.start() for t in threads]; [t.join() for t in threads]\n"
            "print('fine')")
    fine(RUN, "python3", "-c", code)
    fine("python3", "-c", code, env=preloaded())
    fine(RUN, "stdbuf", "-oL", "sh", "-c", "echo $(seq 2000 | tail -1) fine")


main()
