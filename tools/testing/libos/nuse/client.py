# SPDX-License-Identifier: GPL-2.0
"""
client.py URL SHA256: a program that gets a file from a web server in as many ways
as Python can wait: threads, select, poll, epoll, asyncio, children of any kind.
"""
import asyncio
import concurrent.futures
import hashlib
import multiprocessing
import os
import selectors
import socket
import subprocess
import sys
import urllib.parse
import urllib.request

URL, WANTED = sys.argv[1:]
HOST, PORT = urllib.parse.urlsplit(URL).hostname, urllib.parse.urlsplit(URL).port
REQUEST = f"GET {urllib.parse.urlsplit(URL).path} HTTP/1.0\r\n\r\n".encode()
LIMIT = 20


def is_right(data):
    return hashlib.sha256(data).hexdigest() == WANTED


def get(_=None):
    with urllib.request.urlopen(URL, timeout=LIMIT) as answer:
        return is_right(answer.read())


def threads():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(get, range(24)))


def forked():
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert all(pool.map(get, range(9)))


def children():
    curls = [subprocess.Popen(["curl", "-sS", URL], stdout=subprocess.PIPE) for _ in range(4)]
    for curl in curls:
        data = curl.communicate(timeout=LIMIT)[0]
        assert is_right(data), (len(data), curl.returncode)
    got = subprocess.check_output(["sh", "-c", f"curl -sS {URL} | sha256sum"], text=True)
    assert got.split()[0] == WANTED


def take(selector, key):
    """What has come; @key is done when nothing more will."""
    data = os.read(key.fd, 65536)
    key.data.extend(data)
    if not data:
        selector.unregister(key.fileobj)
        key.fileobj.close()
        assert is_right(key.data.partition(b"\r\n\r\n")[2])


def wait_with(selector):
    """For many sockets and a pipe, by which the file comes, too"""
    cat = subprocess.Popen(["sh", "-c", f"printf '\r\n\r\n'; curl -sS {URL}"],
                           stdout=subprocess.PIPE)
    selector.register(cat.stdout, selectors.EVENT_READ, bytearray())
    for _ in range(10):
        sock = socket.create_connection((HOST, PORT), timeout=LIMIT)
        sock.sendall(REQUEST)
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ, bytearray())
    while selector.get_map():
        events = selector.select(LIMIT)
        assert events
        for key, _ in events:
            take(selector, key)
    assert cat.wait(LIMIT) == 0
    selector.close()


def selects():
    for kind in (selectors.SelectSelector, selectors.PollSelector, selectors.EpollSelector):
        wait_with(kind())


async def get_async():
    reader, writer = await asyncio.open_connection(HOST, PORT)
    writer.write(REQUEST)
    data = await reader.read()
    writer.close()
    assert is_right(data.partition(b"\r\n\r\n")[2])


async def echo(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()


async def talk(address, word):
    reader, writer = await asyncio.open_connection(*address)
    writer.write(word)
    assert await reader.readline() == word
    writer.close()
    await writer.wait_closed()


async def run_async():
    await asyncio.gather(*(get_async() for _ in range(12)))
    curl = await asyncio.create_subprocess_exec("curl", "-sS", URL, stdout=subprocess.PIPE)
    assert is_right((await curl.communicate())[0])
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    await asyncio.gather(*(talk(server.sockets[0].getsockname(), b"%d\n" % i)
                           for i in range(100)))
    server.close()
    await server.wait_closed()


def descriptors():
    return len(os.listdir("/proc/self/fd"))


before = descriptors()
for way in (get, threads, forked, children, selects, lambda: asyncio.run(run_async())):
    way()
assert descriptors() == before, os.listdir("/proc/self/fd")
print("fine")
