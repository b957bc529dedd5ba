#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Measures the library against the host's kernel, in the same run.

Builds the programs of this folder, runs them pinned to one processor, the
library's and the host's turn about, several times, and takes medians. Prints a
table, and writes bench.json: an array of {name, value, unit, host, ratio}.

A figure either has to be good in itself or relative to the host. Rates are
what one second of processor time does, both ends and the host's softirq
threads together, so other work on the machine hardly matters.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[2]
BUILD = TOP / "build" / "bench"
TOOLS = TOP / "build" / "tools"
BENCHMARKS = TOP / "Documentation" / "virt" / "libos" / "benchmarks.rst"
COMMON = ["bench", "load", "hostnet", "bare"]
TIMEOUT = 60
MARKS = (".. The table begins; bench.py --rst writes it.\n", ".. The table ends.\n")

# name; unit; what to reach and to aim for; whether these are ratios to the
# host; whether more is better; command line and value of ours and the host's,
# with a factor. "{s}" is the time that a load runs.
Figure = namedtuple("Figure", "name unit reach aim relative more ours host")


def value(unit, reach, aim, command, key, host=None, factor=1):
    return lambda name: Figure(name, unit, reach, aim, False, False,
                               (command, key, factor),
                               host and (command, host, factor))


def versus(unit, reach, aim, command, key, ours, host, factor=1):
    more = reach is None or aim >= reach
    return lambda name: Figure(name, unit, reach, aim, True, more,
                               (command.format(ours, s="{s}"), key, factor),
                               (command.format(host, s="{s}"), key, factor))


def pair(load, offloads):
    return "pair {} " + f"{load} {offloads}" + " {s}"


def nuse(unit, reach, aim, what, key, ours="ours", factor=1):
    return versus(unit, reach, aim, f"nuse.py {what} {{}} {{s}}", key, ours, "host", factor)


GBIT = 8e-9
HOP = 1 / 32
FIGURES = [make(name) for name, make in {
    "syscall_getpid_ns": value("ns", 50, 20, "syscall", "contract_ns", "host_ns"),
    "syscall_getpid_libos_ns": value("ns", None, None, "syscall", "libos_ns", "host_ns"),
    "boot_ms": value("ms", 8, 3, "boot", "boot_ms"),
    "host_fresh_page_ns": value("ns", None, None, "boot", "fresh_page_ns"),
    "private_kib_per_instance": value("KiB", 3000, 1000, "memory", "private_kib"),
    "private_page_tables_kib": value("KiB", None, None, "memory", "tables_kib"),
    "namespace_kib": value("KiB", 490, 286, "namespace", "kib"),
    "namespace_ms": value("ms", 0.5, 0.3, "namespace", "ms", "host_ms"),
    "clone_ms": value("ms", 0.3, 0.1, "clone", "ms"),
    "clone_kib": value("KiB", 400, 200, "clone", "kib"),
    "clone_page_tables_kib": value("KiB", None, None, "clone", "tables_kib"),
    "reset_us": value("us", 150, 50, "reset", "us"),
    "pair_tcp_mtu1500": versus("Gbit/s", 1.0, 1.25, pair("stream", "off"), "per_cpu_s",
                               "libos", "host", GBIT),
    "pair_tcp_gso": versus("Gbit/s", 0.8, 1.0, pair("stream", "on"), "per_cpu_s",
                           "libos", "host", GBIT),
    "pair_tcp_rr_p50_us": versus("us", 0.4, 0.25, pair("rr", "on"), "p50_us",
                                 "libos", "host"),
    "pair_tcp_crr_per_s": versus("1/s", 2, 3, pair("crr", "on"), "per_cpu_s",
                                 "libos", "host"),
    "pair_udp64_pps": versus("1/s", 2, 3, pair("udp", "on"), "per_cpu_s",
                             "libos", "host"),
    "chain_udp_hop_cpu_us": versus("us", 1.1, 0.8, "chain {} 32 {s}", "cpu_us_per_packet",
                                   "namespaces", "host", HOP),
    "chain_kernels_udp_hop_cpu_us": versus("us", 1.1, 0.8, "chain {} 32 {s}",
                                           "cpu_us_per_packet", "kernels", "host", HOP),
    "nuse_hook_ns": value("ns", 60, 20, f"nusecall {TOOLS / 'nuse'}", "hook_ns"),
    "nuse_passthrough_ns": value("ns", 100, 20, f"nusecall {TOOLS / 'nuse'}", "passthrough_ns"),
    "nuse_tap_iperf3_rx": nuse("Gbit/s", 0.3, 0.5, "rx", "bits_per_s", factor=1e-9),
    "nuse_tap_iperf3_tx": nuse("Gbit/s", 0.2, 0.4, "tx", "bits_per_s", factor=1e-9),
    "nuse_tap_rr_p50_us": nuse("us", 1.4, 1.1, "rr", "p50_us"),
    "nuse_redis_rps": nuse("1/s", 0.6, 1.0, "redis", "per_s"),
    "nuse_nginx_rps": nuse("1/s", 0.6, 1.0, "nginx", "per_s"),
    "nuse_start_ms": value("ms", 15, 5, "nuse.py start ours", "ms"),
    "nuse_pair_iperf3": nuse("Gbit/s", 0.5, 1.0, "tx", "bits_per_s", "wire", 1e-9),
    "idle_events_per_virtual_s": value("1/s", 2, 1, "idle", "events_per_s"),
}.items()]


def die(text):
    sys.exit(f"bench.py: {text}")


# ------------------------------------------------------------------ programs

def cc(*arguments):
    command = ["cc", "-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-D_GNU_SOURCE",
               f"-I{TOOLS / 'include'}", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        die(f"{' '.join(command)}\n{done.stderr}")


def is_script(program):
    return program.endswith(".py")


def build(programs):
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in COMMON:
        cc("-c", "-o", BUILD / f"{name}.o", HERE / f"{name}.c")
    library = BUILD / "common.a"
    library.unlink(missing_ok=True)
    subprocess.run(["ar", "rcs", library, *(BUILD / f"{name}.o" for name in COMMON)],
                   check=True)
    cc("-o", BUILD / "rr", HERE / "rr.c")
    for name in programs:
        if not is_script(name):
            cc("-o", BUILD / name, HERE / f"{name}.c", library, TOOLS / "libos.a", "-pthread")


def run(command):
    """The values that a program of ours prints."""
    program, *arguments = command.split()
    argv = [str((HERE if is_script(program) else BUILD) / program), *arguments]
    if os.geteuid() != 0 and not is_script(program):
        argv = ["unshare", "-Urn", *argv]
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        die(f"\"{command}\" did not end in {TIMEOUT} s")
    if done.returncode:
        die(f"\"{command}\" failed, see above")
    return {name: float(number) for name, number in
            (line.split() for line in done.stdout.splitlines())}


def pin():
    """One processor for all: the last, since interrupts like the first."""
    processor = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {processor})
    return processor


# ----------------------------------------------------------------- measuring

def commands_of(figures):
    """All command lines, each once; the library's and the host's side by side."""
    return list(dict.fromkeys(side[0] for figure in figures
                              for side in (figure.ours, figure.host) if side))


def measure(figures, repeats, seconds):
    samples = {}
    commands = commands_of(figures)
    for turn in range(repeats):
        for number, command in enumerate(commands[::-1] if turn % 2 else commands):
            if sys.stderr.isatty():
                print(f"\r\033[K{turn + 1}/{repeats} {number + 1}/{len(commands)} {command}",
                      end="", file=sys.stderr)
            for name, number in run(command.format(s=seconds)).items():
                samples.setdefault((command, name), []).append(number)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)

    def median(side):
        return statistics.median(samples[side[:2]]) * side[2] if side else None

    return [result(figure, median(figure.ours), median(figure.host)) for figure in figures]


def result(figure, ours, host):
    return {"name": figure.name, "value": rounded(ours), "unit": figure.unit,
            "host": rounded(host), "ratio": rounded(ours / host) if host else None}


def rounded(number):
    return None if number is None else float(f"{number:.4g}")


def verdict(figure, result):
    if figure.reach is None:
        return ""
    got = result["ratio"] if figure.relative else result["value"]
    sign = -1 if figure.more else 1
    if sign * got <= sign * figure.aim:
        return "better than aimed for"
    return "reached" if sign * got <= sign * figure.reach else "NOT REACHED"


# ------------------------------------------------------------------ printing

HEADINGS = ["figure", "value", "unit", "host", "ratio", "reach", "aim", ""]


def show(number):
    if number is None:
        return "-"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def goal(figure, number):
    if number is None:
        return "-"
    return f"{number:g}x" if figure.relative else f"{number:,g}"


def rows(figures, results):
    return [[r["name"], show(r["value"]), r["unit"], show(r["host"]),
             f"{r['ratio']:.2f}x" if r["ratio"] else "-", goal(f, f.reach), goal(f, f.aim),
             verdict(f, r)] for f, r in zip(figures, results)]


def print_table(table):
    widths = [max(len(row[i]) for row in [HEADINGS, *table]) for i in range(len(HEADINGS))]
    for row in [HEADINGS, *table]:
        cells = [cell.ljust(width) if i in (0, 2, 7) else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())


def rst_cell(cell, number):
    """A dash alone would begin a list."""
    text = f"``{cell}``" if number == 0 else "" if cell == "-" else cell
    return f"   {'  ' if number else '* '}- {text}".rstrip()


def rst_table(table):
    lines = [".. list-table::", "   :header-rows: 1", ""]
    lines += [f"   {'  ' if i else '* '}- {cell}" for i, cell in
              enumerate(HEADINGS[:-1] + ["result"])]
    for row in table:
        lines += [rst_cell(cell, number) for number, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def processor_name():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def machine(library):
    return (f"{processor_name()}, {os.cpu_count()} processors; host kernel "
            f"{platform.release()}; {library.resolve().name}")


def write_rst(table, library):
    """Puts the table into the documentation, between the marks."""
    text = BENCHMARKS.read_text()
    if not all(mark in text for mark in MARKS):
        die(f"{BENCHMARKS}: no line \"{MARKS[0].strip()}\" or \"{MARKS[1].strip()}\"")
    head, rest = text.split(MARKS[0])
    tail = rest.split(MARKS[1])[1]
    today = datetime.date.today().isoformat()
    BENCHMARKS.write_text(f"{head}{MARKS[0]}\nMeasured on {today}:\n{machine(library)}.\n\n"
                          f"{rst_table(table)}\n{MARKS[1]}{tail}")


# ---------------------------------------------------------------------- main

def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="*", help="figures to measure; all if none is given")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    parser.add_argument("--rst", action="store_true",
                        help="put the table into Documentation/virt/libos/benchmarks.rst")
    return parser.parse_args()


def chosen(names):
    known = {figure.name for figure in FIGURES}
    for name in names:
        if name not in known:
            die(f"no figure \"{name}\"; there are: {' '.join(sorted(known))}")
    return [figure for figure in FIGURES if not names or figure.name in names]


def find_library():
    path = Path(os.environ.get("LIBLINUX") or TOP / "liblinux.so")
    if not path.exists():
        die(f"{path} does not exist: run \"make library\" first, or set LIBLINUX")
    os.environ["LIBLINUX"] = str(path)
    return path


def main():
    options = arguments()
    figures = chosen(options.name)
    if options.rst and len(figures) != len(FIGURES):
        die("--rst wants all figures")
    library = find_library()
    subprocess.run(["make", "-s", "--no-print-directory", "-C", HERE.parent], check=True)
    build({command.split()[0] for command in commands_of(figures)})

    start = time.monotonic()
    processor = pin()
    results = measure(figures, *((2, 0.2) if options.quick else (7, 0.5)))
    table = rows(figures, results)
    print(f"{machine(library)}\n")
    print_table(table)
    missed = sum(row[-1] == "NOT REACHED" for row in table)
    print(f"\n{len(table)} figures in {time.monotonic() - start:.0f} s on processor "
          f"{processor}; {missed or 'none'} not reached")

    text = json.dumps(results, indent=1) + "\n"
    (BUILD / "bench.json").write_text(text)
    if len(figures) == len(FIGURES):
        (TOP / "bench.json").write_text(text)
        print("written: bench.json")
    if options.rst:
        write_rst(table, library)


if __name__ == "__main__":
    main()
