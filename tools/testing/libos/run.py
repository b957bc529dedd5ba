#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Builds and runs the tests: one merged KTAP stream, and at its end one line
"N passed, N failed, N skipped" that counts the subtests.

A test is a program: every .c file beside this one (but helpers) and every .py
file (but modules). It prints KTAP and is run in a session of its own; whatever
is left of that session when the test ends, or its time is up, is killed. Tests
run side by side, but for those that measure.
"""
import argparse
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.normpath(f"{HERE}/../../..")
TIME_LIMIT = 240			# seconds for one test

# Alone on the machine: they measure time, memory, or many processes.
ALONE = {"instances", "parallel"}
# Long ones go first, so that the end is not a wait for one of them.
FIRST = ["instances", "determinism", "valgrind", "tcp"]
NOT_TESTS = {"run.py", "ktap.py", "nuselab.py"}
HELPERS = {"util", "raw", "netlink"}		# as in Makefile

RESULT = re.compile(r"^(ok|not ok) (\d+)(?: -)? ?([^#]*)(?:# *(\w+) ?(.*))?$")
PLAN = re.compile(r"^1\.\.(\d+)(?: *# *SKIP ?(.*))?$")


def say(text):
    print(text, flush=True)


def die(text):
    say(f"# run.py: {text}")
    say("0 passed, 1 failed, 0 skipped")
    sys.exit(1)


def build(args):
    tools, tests = f"{args.output}/tools", f"{args.output}/tests"
    for directory, variables in (("tools/libos", [f"O={tools}"]),
                                 ("tools/testing/libos", [f"O={tests}", f"TOOLS={tools}"])):
        command = ["make", "-s", f"-j{args.jobs}", "-C", f"{TOP}/{directory}", *variables]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True)
        if done.returncode:
            say(done.stdout)
            die(f"cannot build {directory}: see above")
    return tests


def find_tests(binaries):
    """{name: command}"""
    tests = {}
    for file in sorted(os.listdir(HERE)):
        name, suffix = os.path.splitext(file)
        if suffix == ".py" and file not in NOT_TESTS:
            tests[name] = [sys.executable, f"{HERE}/{file}"]
        elif suffix == ".c" and name not in HELPERS and not name.startswith("worker-"):
            tests[name] = [f"{binaries}/{name}"]
    return tests


def end_session(session):
    """Kills what is left of a session."""
    for _ in range(10):
        left = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                    fields = stat.read().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[3] == str(session) and fields[0] not in "ZX":
                left.append(int(pid))
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)


def parse(output):
    """Results of a KTAP stream: a list of (verdict, name, why), and its plan."""
    results, plan = [], None
    for line in output.splitlines():
        if match := PLAN.match(line):
            plan = int(match[1])
            if not plan:
                results.append(("skipped", "all", match[2] or "nothing to do"))
        elif match := RESULT.match(line):
            verdict = "passed" if match[1] == "ok" else "failed"
            if (match[4] or "").upper() in ("SKIP", "XFAIL"):
                verdict = "skipped"
            results.append((verdict, match[3].strip(), match[5] or ""))
    return results, plan


def run(name, command, limit):
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True, cwd=HERE)
    late = False
    try:
        output = process.communicate(timeout=limit)[0]
    except subprocess.TimeoutExpired:
        late = True
        end_session(process.pid)
        output = process.communicate()[0]
    end_session(process.pid)
    output = output.decode(errors="replace")
    results, plan = parse(output)
    missing = (plan if plan is not None else len(results) + 1) - len(results)
    if late:
        results.append(("failed", "time limit", f"killed after {limit} s"))
    elif plan is None or missing > 0:
        results.append(("failed", "complete run", f"ended with status {process.returncode}, "
                        f"{'no plan' if plan is None else f'{missing} results missing'}"))
    elif process.returncode and not any(r[0] == "failed" for r in results):
        results.append(("failed", "exit status", f"it is {process.returncode}"))
    return name, results, output, time.monotonic() - start


def report(number, name, results, output, seconds, verbose):
    bad = any(verdict == "failed" for verdict, _, _ in results)
    say(f"  KTAP version 1\n  # Subtest: {name}\n  1..{len(results)}")
    if bad or verbose:
        for line in output.splitlines():
            if line.startswith("#"):
                say(f"  {line}")
            elif not RESULT.match(line) and not PLAN.match(line):
                say(f"  # {line}")
    for count, (verdict, test, why) in enumerate(results, 1):
        mark = "not ok" if verdict == "failed" else "ok"
        tail = f" # SKIP {why}" if verdict == "skipped" else f" # {why}" if why else ""
        say(f"  {mark} {count} {test}{tail}")
    say(f"{'not ok' if bad else 'ok'} {number} {name} # {seconds:.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="tests to run; default: all")
    parser.add_argument("-l", "--list", action="store_true", help="only list them")
    parser.add_argument("-v", "--verbose", action="store_true", help="show all diagnostics")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count(), help="at once")
    parser.add_argument("-k", "--kernel", default=f"{TOP}/liblinux.so",
                        help="the library to test (liblinux.so at the top)")
    parser.add_argument("-O", "--output", default=f"{TOP}/build", help="where to build")
    parser.add_argument("-t", "--time-limit", type=int, default=TIME_LIMIT, metavar="SECONDS")
    args = parser.parse_args()

    tests = find_tests(f"{args.output}/tests")
    for name in args.names:
        if name not in tests:
            die(f"no test \"{name}\": there are {', '.join(tests)}")
    names = args.names or sorted(tests, key=lambda n: (n in ALONE, n not in FIRST))
    if args.list:
        print("\n".join(names))
        return 0
    if not os.path.exists(args.kernel):
        die(f"{args.kernel} does not exist: run \"make library\"")
    os.environ["LIBLINUX"] = os.path.abspath(args.kernel)
    binaries = build(args)
    os.environ["LIBOS_TESTS"] = binaries
    os.environ["LIBOS_TOOLS"] = f"{args.output}/tools"

    say(f"KTAP version 1\n1..{len(names)}")
    start, number, all_results = time.monotonic(), 0, []
    groups = ([n for n in names if n not in ALONE], args.jobs), ([n for n in names if n in ALONE], 1)
    for group, jobs in groups:
        with concurrent.futures.ThreadPoolExecutor(max(jobs, 1)) as pool:
            runs = [pool.submit(run, n, tests[n], args.time_limit) for n in group]
            for done in concurrent.futures.as_completed(runs):
                number += 1
                name, results, output, seconds = done.result()
                report(number, name, results, output, seconds, args.verbose)
                all_results += [(verdict, f"{name}: {test}", why)
                                for verdict, test, why in results]

    count = {v: [r for r in all_results if r[0] == v] for v in ("passed", "failed", "skipped")}
    say(f"# {len(names)} programs in {time.monotonic() - start:.0f} s")
    for verdict in ("skipped", "failed"):
        for _, test, why in count[verdict]:
            say(f"# {verdict}: {test}{' # ' + why if why else ''}")
    say(", ".join(f"{len(count[v])} {v}" for v in count))
    return bool(count["failed"])


if __name__ == "__main__":
    sys.exit(main())
