#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
In virtual time equal inputs give equal packets, bit for bit: a lossy TCP transfer
is run in many processes, whose addresses are random, and every capture of it has
to be the same file.
"""
import hashlib
import tempfile

from ktap import TESTS, Skip, diagnose, main, output, test

RUNS = 20


def transfer(seed):
    """(hash of the capture, what the program says of the transfer, its stack's address)"""
    with tempfile.TemporaryDirectory() as directory:
        capture = f"{directory}/capture"
        address, *said = output(f"{TESTS}/worker-lossy", str(seed), capture).split()
        with open(capture, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest(), tuple(said), address


@test
def equal_seeds():
    """Equal captures, though every process lies elsewhere in memory"""
    runs = [transfer(2015) for _ in range(RUNS)]
    hashes = {run[0] for run in runs}
    addresses = {run[2] for run in runs}
    received, again, finished = runs[0][1]
    diagnose(f"{RUNS} runs, {len(addresses)} addresses of the stack: {received} bytes, {again} "
             f"segments sent again, {int(finished) / 1e9:.3f} s, capture {runs[0][0][:16]}")
    assert len(hashes) == 1, f"{len(hashes)} different captures: {hashes}"
    assert len({run[1] for run in runs}) == 1, "the programs saw different transfers"
    assert int(again) > 0, "nothing was lost: this transfer proves nothing"
    if len(addresses) == 1:
        raise Skip("the captures are equal, but this host does not randomise addresses")


@test
def other_seeds():
    """Another seed, another capture"""
    hashes = {transfer(seed)[0] for seed in (2015, 2016, 1)}
    assert len(hashes) == 3, f"only {len(hashes)} captures from 3 seeds"


main()
