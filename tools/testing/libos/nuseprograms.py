#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Programs of the distribution on nuse: clients and servers, against the host's
programs as peers behind a TAP, and between two instances joined by a wire.
"""
import contextlib
import hashlib
import json
import os
import re
import signal
import sys

import ktap
from ktap import test
from nuselab import NUSE, PATIENCE, Bench, Tap, directory, gone, instances, main, need, need_users, \
    path, serves, until

HOST, THERE = Tap.HOST, Tap.NUSE
CLIENT = f"{ktap.HERE}/nuse/client.py"
SIZE = 400000


@contextlib.contextmanager
def web():
    """A folder with a large file: its path, and that file's content"""
    folder = path("web")
    os.makedirs(folder, exist_ok=True)
    content = os.urandom(SIZE)
    with open(f"{folder}/file", "wb") as file:
        file.write(content)
    with open(f"{folder}/index.html", "w", encoding="ascii") as file:
        file.write("hello\n")
    yield folder, content


def http_server(folder, port=8000):
    return (sys.executable, "-u", "-m", "http.server", "-d", folder, str(port))


def content_of(name):
    with open(path(name), "rb") as file:
        return file.read()


# ------------------------------------------------------- interfaces and routes

# Makes things and shows them: what every kernel has.
PLAIN = """
ip link set lo up
ip link add v0 type veth peer name v1 || exit 9
ip link set v0 up; ip link set v1 up
ip address add 192.168.3.1/24 dev v1
ip address add 2001:db8::1/64 dev v1 nodad
ip route add 192.168.9.0/24 via 192.168.3.2
ip route add 2001:db8:9::/64 via 2001:db8::2
ip rule add from 192.168.3.1 table 7
ip neigh add 192.168.3.2 lladdr 02:00:00:00:00:02 dev v1
ip -4 -br address show dev v1
ip -br link show dev v1 | tr -s ' ' | cut -d' ' -f 1,2,4
ip route; ip -6 route show dev v1 | grep -v fe80; ip rule; ip neigh show dev v1
ip route get 192.168.9.9 | grep -o '192.168.9.9.*src [0-9.]*'
ip link add v0 type dummy; echo status $?
ip route add 192.168.77.0/24 via 192.168.55.1; echo status $?
ip address show dev none; echo status $?
ip -j -p route show 192.168.9.0/24
ss -Htuan
nstat -az | cut -d' ' -f 1 | grep -E '^(IpInReceives|TcpInSegs|UdpOutDatagrams)'
"""

# What not every host has, and words of what nuse shows
RICH = (
    ("ip link add br0 type bridge", ""),
    ("ip link add v0 type veth peer name v1; ip link set v0 up master br0", ""),
    ("ip link add link v1 name v1.7 type vlan id 7; ip -d link show dev v1.7", "802.1Q id 7"),
    ("bridge link", "v0@v1: .* master br0"),
    ("bridge fdb add 02:00:00:00:00:09 dev v0 master static; bridge fdb show br br0",
     "02:00:00:00:00:09 dev v0 master br0 static"),
    ("bridge vlan show", "br0 +1 PVID Egress Untagged"),
    ("tc qdisc add dev v0 root handle 1: htb default 1", ""),
    ("tc class add dev v0 parent 1: classid 1:1 htb rate 10mbit; tc class show dev v0",
     "class htb 1:1 root .*rate 10Mbit"),
    ("tc qdisc add dev v0 parent 1:1 handle 2: netem delay 5ms; tc qdisc show dev v0",
     "qdisc netem 2: parent 1:1 .*delay 5ms"),
    ("tc filter add dev v0 parent 1: protocol ip u32 match ip dst 192.168.3.9/32 flowid 1:1;"
     "tc filter show dev v0", "match c0a80309/ffffffff at 16"),
    ("tc qdisc add dev v0 root handle 1: htb || echo status $?", "Exclusivity flag on.*status 2"),
    ("(ip monitor link & sleep 0.2; ip link set v1 up; sleep 0.2; kill $!; wait $!; echo is $?)",
     "v1@v0: .*UP.*is 143"),
    ("ss -s", "TCP: "),
)


@test
def iproute2():
    """ip, ss and nstat show the same as on the host"""
    with Bench() as bench:
        ours = bench.run(NUSE, "bash", "-c", PLAIN)
        host = bench.start("unshare", "-n", "bash", "-c", PLAIN)
        if host.wait() == 9:
            raise ktap.Skip("the host has no veth")
    for a, b in zip(host.text().splitlines(), ours.splitlines(), strict=True):
        assert a == b, f"on the host:\n{a}\non nuse:\n{b}\nall of it:\n{ours}"


@test
def bridges_and_queues():
    """bridge, tc, ip monitor"""
    with Bench() as bench:
        text = bench.run(NUSE, "bash", "-c", "\necho ----\n".join(command for command, _ in RICH))
    for (command, words), part in zip(RICH, text.split("----"), strict=True):
        assert re.search(words, part, re.S), f"{command}\n{part}"


# ----------------------------------------------------------- the way to a host

@test
def ping():
    need("ping", "tracepath", "traceroute")
    with Tap() as tap:
        text = tap.nuse("sh", "-c", f"""set -e
            ping -c 3 -i 0.1 -w 9 {HOST}
            ping -c 3 -i 0.1 -w 9 {tap.HOST6}
            ping -q -c 20 -f -w 9 -s 20000 {HOST}
            tracepath -n {HOST}
            traceroute -n {HOST}
            traceroute -n -I {HOST}
            traceroute -n -T {HOST}""")
        assert text.count(" 0% packet loss") == 3 and "reached" in text, text
        assert len(re.findall(rf"^ 1  {HOST}( +\d+\.\d+ ms)+", text, re.M)) == 3, text
        tap.nuse("ping", "-c", "1", "-W", "0.3", "10.0.0.77", status=1)


@test
def ping_from_host():
    need("ping")
    with Tap() as tap:
        tap.on_nuse("sleep", "100")
        until(instances, "an instance")
        for address in (THERE, tap.NUSE6):
            text = tap.run("ping", "-c", "3", "-i", "0.1", "-w", "9", address)
            assert " 0% packet loss" in text, text


# ----------------------------------------------------------------- throughput

IPERF3 = ("", "-R", "-Z", "-P 4", "--bidir", "-Z -R -P 2", "-u -b 50M", "-u -R -b 50M", "-6")


def iperf3(run, peer, peer6, *options):
    """One run after the other: bytes have to arrive."""
    for words in options:
        words = words.split()
        size = "1M" if "-u" in words else "20M"
        text = run("iperf3", "-J", "-c", peer6 if "-6" in words else peer, "-n", size, *words)
        end = json.loads(text)["end"]
        received = end["sum"]["bytes"] if "-u" in words else end["sum_received"]["bytes"]
        assert received > 500000, (words, text)


@test
def iperf3_client():
    need("iperf3")
    with Tap() as tap:
        serves(tap.start("iperf3", "-s"), 5201)
        iperf3(tap.nuse, HOST, tap.HOST6, *IPERF3)
        text = tap.nuse("iperf3", "-c", HOST, "-p", "5999", status=1)
        assert "Connection refused" in text, text


@test
def iperf3_server():
    need("iperf3")
    with Tap() as tap:
        server = tap.serves(tap.on_nuse("iperf3", "-s"), 5201)
        iperf3(tap.run, THERE, tap.NUSE6, *IPERF3)
        assert server.end(signal.SIGINT) == 1 and "interrupt" in server.text(), server.text()


@test
def iperf():
    need("iperf")
    with Tap() as tap:
        serves(tap.start("iperf", "-s"), 5001)
        for words in ("", "-P 4", "-R", "--full-duplex"):
            text = tap.nuse("iperf", "-c", HOST, "-t", "0.3", *words.split())
            assert "bits/sec" in text, text
    with Tap() as tap:
        tap.serves(tap.on_nuse("iperf", "-s"), 5001)
        for words in ("", "-P 4", "-R", "--full-duplex"):
            text = tap.run("iperf", "-c", THERE, "-t", "0.3", *words.split())
            assert "bits/sec" in text, text


# ------------------------------------------------------------------------ web

@test
def web_clients():
    need("curl", "wget")
    with Tap() as tap, web() as (folder, content):
        serves(tap.start(*http_server(folder)), 8000)
        url = f"http://{HOST}:8000/file"
        tap.nuse("curl", "-sS", "-o", "got", url)
        assert content_of("got") == content
        tap.nuse("wget", "-q", "-O", "got", url)
        assert content_of("got") == content
        tap.nuse("sh", "-c", f"curl -sS {url} | cat > got")
        assert content_of("got") == content
        text = tap.nuse("curl", "-sSZ", "-w", "%{http_code} ", "-o", "one", url, "-o", "two", url)
        assert "200 200" in text and content_of("one") == content_of("two") == content, text
        tap.nuse("curl", "-sS", f"http://{HOST}:8001/", status=7)
        tap.nuse("curl", "-sS", "-m", "0.3", "http://10.0.0.77:8001/", status=28)


HTTPS = """
import http.server, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
server = http.server.ThreadingHTTPServer(("", 8443), http.server.SimpleHTTPRequestHandler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


@test
def https():
    need("curl", "wget", "openssl")
    with Tap() as tap, web() as (_, content):
        tap.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
                "-subj", "/CN=lab", "-addext", f"subjectAltName=IP:{HOST},IP:{THERE}")
        serves(tap.start(sys.executable, "-c", HTTPS), 8443)
        url = f"https://{HOST}:8443/web/file"
        tap.nuse("curl", "-sS", "--cacert", "cert.pem", "-o", "got", url)
        assert content_of("got") == content
        tap.nuse("wget", "-q", "--ca-certificate=cert.pem", "-O", "got", url)
        assert content_of("got") == content
        tap.nuse("curl", "-sS", url, status=60)
    with Tap() as tap:
        tap.serves(tap.on_nuse(sys.executable, "-c", HTTPS), 8443)
        tap.run("curl", "-sS", "--cacert", "cert.pem", "-o", "got",
                f"https://{THERE}:8443/web/file")
        assert content_of("got") == content


@test
def python_client():
    """Threads, select, poll, epoll, asyncio, and children of all kinds"""
    need("curl")
    with Tap() as tap, web() as (folder, content):
        serves(tap.start(*http_server(folder)), 8000)
        text = tap.nuse(sys.executable, CLIENT, f"http://{HOST}:8000/file",
                        hashlib.sha256(content).hexdigest())
        assert text == "fine\n", text


@test
def python_server():
    need("curl")
    with Tap() as tap, web() as (folder, content):
        server = tap.serves(tap.on_nuse(*http_server(folder)), 8000)
        text = tap.run(sys.executable, CLIENT, f"http://{THERE}:8000/file",
                       hashlib.sha256(content).hexdigest())
        assert text == "fine\n", text
        assert server.end(signal.SIGINT) == 0 and "Keyboard interrupt" in server.text()


def benchmark(tap):
    """By ab, with and without keep-alive"""
    for words in (("-n", "1000"), ("-k", "-n", "3000")):
        text = tap.run("ab", "-q", "-c", "20", *words, f"http://{THERE}/")
        assert f"Complete requests:      {words[-1]}" in text, text
        assert re.search(r"Failed requests: +0$", text, re.M), text


def gets_file(tap, content):
    tap.run("curl", "-sS", "-o", "got", f"http://{THERE}/file")
    assert content_of("got") == content


@test
def nginx():
    """Two workers; reloaded; a proxy; ended by itself and by a joined program"""
    need("nginx", "ab", "curl")
    with Tap() as tap, web() as (folder, content):
        temporary = "".join(f"{kind}_temp_path {path(kind)}; "
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config = path("nginx.conf", f"""
user root; worker_processes 2; pid {path('nginx.pid')}; error_log {path('nginx.log')};
events {{ }}
http {{ access_log off; sendfile on; {temporary}
  server {{ listen 80; root {folder}; location /far/ {{ proxy_pass http://{HOST}:8000/; }} }}
}}
""")
        serves(tap.start(*http_server(folder)), 8000)
        master = tap.on_nuse("nginx", "-c", config)
        master.result()			# it has gone to the background
        tap.serves(master, 80)
        benchmark(tap)
        gets_file(tap, content)
        tap.run("curl", "-sS", "-o", "got", f"http://{THERE}/far/file")
        assert content_of("got") == content
        tap.join("nginx", "-c", config, "-s", "reload")
        gets_file(tap, content)
        tap.join("nginx", "-c", config, "-s", "stop")
        gone(tap.NAME)


@test
def lighttpd():
    need("lighttpd", "ab", "curl")
    with Tap() as tap, web() as (folder, content):
        config = path("lighttpd.conf", f"""
server.document-root = "{folder}"
server.port = 80
index-file.names = ( "index.html" )
""")
        server = tap.serves(tap.on_nuse("lighttpd", "-D", "-f", config), 80)
        benchmark(tap)
        gets_file(tap, content)
        assert server.end() == 0, server.text()


# ------------------------------------------------------------- other servers

@test
def netcat():
    need("nc")
    with Tap() as tap, web() as (folder, content):
        server = tap.serves(tap.on_nuse("sh", "-c", "exec nc -l 5000 > got"), 5000)
        tap.run("sh", "-c", f"nc -N {THERE} 5000 < {folder}/file")
        server.result()
        assert content_of("got") == content
    with Tap() as tap:
        server = serves(tap.start("sh", "-c", "exec nc -l 5000 > got"), 5000)
        tap.nuse("sh", "-c", f"nc -N {HOST} 5000 < {folder}/file")
        server.result()
        assert content_of("got") == content
        server = serves(tap.start("nc", "-u", "-l", "5000"), 5000, "udp")
        tap.nuse("sh", "-c", f"echo datagram | nc -u -w 1 {HOST} 5000")
        server.says("datagram")
        text = tap.nuse("nc", "-zv", HOST, "5001", status=1)
        assert "refused" in text, text


@test
def socat():
    """Programs that work on library sockets as their standard streams"""
    need("socat")
    with Tap() as tap, web() as (folder, content):
        command = (f"head -c {SIZE} | sha256sum; ip -4 -br address show dev eth0; "
                   "echo $SOCAT_PEERADDR")
        server = tap.serves(tap.on_nuse("socat", "TCP-LISTEN:5000,fork,reuseaddr",
                                        f"SYSTEM:{command}"), 5000)
        for _ in range(3):
            text = tap.run("sh", "-c", f"socat -t 9 - TCP:{THERE}:5000 < {folder}/file")
            assert hashlib.sha256(content).hexdigest() in text, text
            assert f"{THERE}/24" in text and text.endswith(f"{HOST}\n"), text
        assert server.end() == 143
    with Tap() as tap:
        server = tap.serves(tap.on_nuse("socat", "UDP-RECVFROM:5000,fork", "EXEC:tr a-z A-Z"),
                            5000, "udp")
        for _ in range(3):
            text = tap.run("sh", "-c", f"echo datagram | socat -t 1 - UDP:{THERE}:5000")
            assert text == "DATAGRAM\n", text
        server.end()
    with Tap() as tap:
        serves(tap.start(*http_server(folder)), 8000)
        tap.serves(tap.on_nuse("socat", "TCP-LISTEN:80,fork", f"TCP:{HOST}:8000"), 80)
        for _ in range(3):
            gets_file(tap, content)


@test
def redis():
    """All of its benchmark; a fork that saves the database; a shutdown"""
    need("redis-server", "redis-benchmark", "redis-cli")
    with Tap() as tap:
        server = tap.serves(tap.on_nuse("redis-server", "--save", "", "--protected-mode", "no",
                                        "--dbfilename", "redis.rdb"), 6379)
        for words in (("-n", "1000"), ("-n", "10000", "-P", "16", "-t", "set,get,incr,lpush"),
                      ("-n", "5000", "-c", "200", "-t", "get", "--threads", "2")):
            text = tap.run("redis-benchmark", "-h", THERE, "-q", *words)
            assert "per second" in text and "rror" not in text, text
        tap.run("redis-cli", "-h", THERE, "bgsave")
        until(lambda: "rdb_bgsave_in_progress:0" in tap.run("redis-cli", "-h", THERE, "info"),
              "the end of bgsave")
        text = tap.run("redis-cli", "-h", THERE, "info")
        assert "rdb_last_bgsave_status:ok" in text and os.path.exists(path("redis.rdb")), text
        assert tap.join("redis-cli", "ping") == "PONG\n"
        tap.run("redis-cli", "-h", THERE, "shutdown", "nosave")
        server.result()


NAMES = ("dnsmasq", "-k", "-C", "/dev/null", "--no-resolv", "--no-hosts",
         "--pid-file", "--address=/a.test/192.0.2.7", "--host-record=b.test,192.0.2.8,fd00::8",
         "--txt-record=long.test," + ",".join(["x" * 200] * 12))


def asks(run, server):
    """By UDP and by TCP, which a long answer needs, too"""
    assert run("dig", f"@{server}", "a.test", "+short") == "192.0.2.7\n"
    assert run("dig", f"@{server}", "b.test", "AAAA", "+short") == "fd00::8\n"
    assert run("dig", f"@{server}", "+tcp", "b.test", "+short") == "192.0.2.8\n"
    assert run("dig", f"@{server}", "long.test", "TXT", "+short").count("x") == 2400
    assert run("dig", f"@{server}", "-x", "192.0.2.8", "+short") == "b.test.\n"


@test
def names():
    need("dig", "dnsmasq")
    need_users()
    with Tap() as tap:
        serves(tap.start(*NAMES), 53)
        asks(tap.nuse, HOST)
    with Tap() as tap:
        server = tap.serves(tap.on_nuse(*NAMES), 53)
        asks(tap.run, THERE)
        assert server.end() == 0, server.text()


@test
def names_of_the_configuration():
    need("dnsmasq", "getent", "curl")
    need_users()
    with Tap("--nameserver", HOST, "--search", "test") as tap, web() as (folder, content):
        serves(tap.start(*NAMES, f"--host-record=web.test,{HOST}"), 53)
        serves(tap.start(*http_server(folder)), 8000)
        text = tap.nuse("getent", "ahosts", "b")
        assert "192.0.2.8" in text and "fd00::8" in text, text
        text = tap.nuse(sys.executable, "-c", "import socket\n"
                        "print(socket.getaddrinfo('b.test', 80, socket.AF_INET)[0][4])")
        assert text == "('192.0.2.8', 80)\n", text
        tap.nuse("curl", "-sS", "-o", "got", "http://web:8000/file")
        assert content_of("got") == content
        tap.nuse("curl", "-sS", "http://none.test:8000/", status=6)


@test
def tcpdump():
    need("tcpdump", "ping")
    need_users()
    with Tap() as tap:
        for words in (("-l",), ("-U", "-w", path("dump"))):
            dump = tap.on_nuse("tcpdump", "-ni", "eth0", "-c", "6", *words, "icmp")
            dump.says("listening on eth0")
            tap.run("ping", "-c", "3", "-i", "0.1", "-w", "9", THERE)
            text = dump.result()
            gone(tap.NAME)
            assert "6 packets captured" in text and "0 packets dropped" in text, text
            if "-w" in words:
                text = tap.run("tcpdump", "-nr", path("dump"))
            assert text.count("echo request") == text.count("echo reply") == 3, text
        dump = tap.on_nuse("tcpdump", "-ni", "any")
        dump.says("listening on any")
        assert dump.end(signal.SIGINT) == 0 and "packets captured" in dump.text(), dump.text()


@test
def another_user():
    """Who gives up its privileges has none in a program that it exec's"""
    need("setpriv")
    need_users()
    with Tap() as tap, web() as (folder, content):
        nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
        serves(tap.start(*http_server(folder)), 8000)
        text = tap.nuse(*nobody, "curl", "-sS", f"http://{HOST}:8000/")
        assert text == "hello\n", text
        text = tap.nuse(*nobody, "ip", "link", "set", "eth0", "down", status=2)
        assert "Operation not permitted" in text, text
        tap.nuse(*nobody, "--inh-caps", "+net_admin", "--ambient-caps", "+net_admin",
                 "ip", "link", "set", "eth0", "down")


SSHD = """
mount -t tmpfs none /run
mkdir /run/sshd
ssh-keygen -q -t ed25519 -N '' -f key
exec "$@" /usr/sbin/sshd -D -e -f /dev/null -h $PWD/key -o AuthorizedKeysFile=$PWD/key.pub \
    -o StrictModes=no -o UsePAM=no -o PidFile=none
"""


@test
def openssh():
    """Its server forks and execs itself for a client, and sandboxes itself before it is known"""
    need("/usr/sbin/sshd", "ssh", "scp")
    need_users()
    wire, content = path("wire"), os.urandom(SIZE)
    server = (NUSE, "--name", "lab", "--net", f"wire:{wire},address=10.0.0.1/24", "--")
    client = (NUSE, "--net", f"wire:{wire},address=10.0.0.2/24", "--")
    options = ("-i", path("key"), "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes",
               "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR")
    with open(path("large"), "wb") as file:
        file.write(content)
    with Bench() as bench:
        sshd = bench.start("unshare", "-m", "sh", "-ec", SSHD, "sh", *server)
        sshd.says("Server listening on ::")
        text = bench.run(*client, "ssh", *options, "10.0.0.1", "echo $SSH_CONNECTION; id -u")
        assert re.fullmatch(r"10.0.0.2 \d+ 10.0.0.1 22\n0\n", text), text
        bench.run(*client, "scp", "-O", *options, path("large"), f"10.0.0.1:{path('copy')}")
        assert content_of("copy") == content
        assert bench.run(*client, "ssh", "-tt", *options, "10.0.0.1", "tty").startswith("/dev/pts/")
        assert sshd.end() == 0


# ------------------------------------------------------------- how they end

@test
def signals():
    """Statuses are those of the host; no instance is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        for command in ("nc -l 5000", "nc -ul 5000", f"ping 127.0.0.1", "ip monitor", "sleep 100",
                        "redis-server --save '' --port 5000"):
            ends_by(number, *command.split())


def ends_by(number, *command):
    """As on the host"""
    need(command[0])
    statuses = []
    for where in ((), (NUSE,)):
        with Bench() as bench:
            program = bench.start(*where, *command)
            until(lambda: sleeps(program.process.pid, command[0]), f"{command} to sleep")
            statuses.append(program.end(number))
    assert statuses[0] == statuses[1], (command, number, statuses)


@test
def ends_while_others_work():
    """Processes that end in the middle of their threads' calls harm no other."""
    with Bench() as bench:
        text = bench.run(NUSE, sys.executable, f"{ktap.HERE}/nuse/ends.py")
        assert text == "fine\n", text


def sleeps(pid, name):
    """Whether the process has become that program, which waits"""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = re.split(r"[()]", stat.read())
    return fields[1] == name[:15] and fields[2].split()[0] == "S"


# ---------------------------------------------------------------- two of them

@test
def pair():
    """Two instances with a wire between, and nothing of the host"""
    need("iperf3", "curl", "ping")
    with Bench() as bench, web() as (folder, content):
        wire = path("wire")
        one = Tap()
        one.programs = bench.programs
        net = f"wire:{wire},address=10.0.0.1/24,address=fd00::1/64"
        other = (NUSE, "--net", f"wire:{wire},address=10.0.0.2/24,address=fd00::2/64", "--")

        def server(*command):
            return bench.start(NUSE, "--name", one.NAME, "--net", net, "--", *command)

        def client(*command, **options):
            return bench.run(*other, *command, **options)

        first = one.serves(server("iperf3", "-s"), 5201)
        client("ping", "-q", "-c", "20", "-f", "-w", "9", "10.0.0.1")
        iperf3(client, "10.0.0.1", "fd00::1", "", "-R", "-Z -P 2", "--bidir", "-u -b 50M", "-6")
        first.end()
        gone(one.NAME)
        second = one.serves(server(*http_server(folder)), 8000)
        client("curl", "-sS", "-o", "got", "http://10.0.0.1:8000/file")
        assert content_of("got") == content
        second.end()


# ------------------------------------------------------------------- endings

ACCEPT = "import socket, time; s = socket.create_server(('', 7000)).accept()[0]\n"
READ_SLOWLY = f"""{ACCEPT}
n = 0
while d := s.recv(1 << 16):
    n += len(d)
    time.sleep(.002)
print(n, 'bytes')
"""
READ_NOTHING = f"""{ACCEPT}
while len(s.recv(1 << 20, socket.MSG_PEEK)) < 60000:
    time.sleep(.01)
print('full', flush=True)
time.sleep(99)
"""


@test
def last_words():
    """What a program has sent arrives though it has ended, but nobody is waited for who is gone"""
    script = f"exec head -c 20000000 /dev/zero > /dev/tcp/{HOST}/7000"
    with Tap() as lab:
        server = serves(lab.start(sys.executable, "-c", READ_SLOWLY), 7000)
        lab.nuse("bash", "-c", script)
        assert "20000000 bytes" in server.result(), server.text()
        server = serves(lab.start(sys.executable, "-c", READ_NOTHING), 7000)
        program = lab.on_nuse("bash", "-c", script)
        server.says("full")
        ktap.output("ip", "link", "set", "tap0", "down")
        program.end()
        gone(lab.NAME)


main()
