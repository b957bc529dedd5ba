# SPDX-License-Identifier: GPL-2.0
"""
Processes whose threads are in the stack all the time end, by exit_group() and by
signals whose default action it is: their parent's stack is as it was.
"""
import os
import signal
import socket
import threading
import time

RECEIVER = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
RECEIVER.bind(("127.0.0.1", 0))


def send():
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while True:
        sender.sendto(b"x" * 1000, RECEIVER.getsockname())


def child(number):
    for _ in range(2):
        threading.Thread(target=send, daemon=True).start()
    if not number:
        time.sleep(0.01)
        os._exit(0)
    send()


def end_one(number):
    pid = os.fork()
    if not pid:
        child(number)
    time.sleep(0.02)
    if number:
        os.kill(pid, number)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status == -number, (status, number)
    RECEIVER.getsockname()


for _ in range(10):
    for signal_or_exit in (0, signal.SIGTERM, signal.SIGALRM, signal.SIGHUP):
        end_one(signal_or_exit)
print("fine")
