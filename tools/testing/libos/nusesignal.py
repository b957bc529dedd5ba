#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Signals and faults of programs whose thread is inside the kernel, for which a
core for tests stands (catch/core.c): no handler runs there, and none is lost.
"""
import sys

from ktap import TOP, main
sys.path.append(f"{TOP}/tools/testing/libos/catch")
from programs import build_core, three_ways

build_core()
three_ways("inside")
main()
