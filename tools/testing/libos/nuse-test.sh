#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# nuse-test.sh [--extended] - the steps of the script of this name of 2015, with
# the host in a user and network namespace of its own: programs on a stack that
# nuse.conf describes, a second program on the same stack, and with --extended
# those that need a network: ping, iperf, dig, host, nslookup, wget.
#
# Says what it does; its status is 0 if all steps pass.

here=$(dirname "$(readlink -f "$0")")
PATH=${LIBOS_TOOLS:-$here/../../../build/tools}:$PATH:/usr/sbin:/sbin
export PATH LIBLINUX="${LIBLINUX:-$here/../../../liblinux.so}"

if [ "$1" != "--inside" ]; then
	case $* in
	''|--extended) exec unshare -Urn "$0" --inside "$@" ;;
	esac
	echo "nuse-test.sh: \"$*\" is not known; usage: nuse-test.sh [--extended]" >&2
	exit 2
fi
shift

work=$(mktemp -d)
export NUSECONF="$work/nuse.conf" XDG_RUNTIME_DIR="$work"
failed=0
servers=
trap 'kill $servers 2>/dev/null; wait; rm -r "$work"' EXIT

# step WORD COMMAND...: it succeeds, and prints WORD.
step() {
	word=$1
	shift
	printf '%-60s' "$*"
	if timeout -k 1 20 "$@" >"$work/out" 2>&1 </dev/null && grep -q -e "$word" "$work/out"; then
		echo PASS
	else
		echo FAIL
		failed=1
		sed 's/^/	/' "$work/out"
	fi
}

serve() {
	"$@" >/dev/null 2>&1 </dev/null &
	servers="$servers $!"
}

# await CONDITION: for ten seconds
await() {
	for i in $(seq 100); do
		eval "$1" && return
		sleep 0.1
	done
	echo "FAIL: waited in vain: $1"
	failed=1
}

# The host's side: a gateway with a TAP, a web and a name server
ip link set lo up
ip tuntap add nuse-eth0 mode tap
ip address add 192.168.209.1/24 dev nuse-eth0
ip link set nuse-eth0 up

cat >"$NUSECONF" <<END
interface eth0
	address 192.168.209.39
	netmask 255.255.255.0
	macaddr 00:01:01:01:01:02
	viftype TAP

route
	network 0.0.0.0
	netmask 0.0.0.0
	gateway 192.168.209.1

nameserver 192.168.209.1
END

echo "nuse.conf:"
sed 's/^/	/' "$NUSECONF"

step "2 received" nuse ping 127.0.0.1 -c 2
nuse --name sleeper sleep 5 &
servers="$servers $!"
await "nuse ls | grep -q ^sleeper"
step "192.168.209.39/24" nuse --join sleeper ip addr show
step "default via 192.168.209.1" nuse --join sleeper ip route
nuse rm sleeper
wait 2>/dev/null

if [ "$1" = "--extended" ]; then
	mkdir "$work/www"
	echo "a page" >"$work/www/page"
	serve python3 -m http.server -d "$work/www" -b 192.168.209.1 80
	serve dnsmasq -d -C /dev/null -x "" -R -h -z -a 192.168.209.1 \
		-A /example.test/192.168.209.1
	serve iperf -s -B 192.168.209.1
	serve iperf -s -u -B 192.168.209.1
	for port in 80 53 5001; do
		await "ss -ltnH 'sport = :$port' | grep -q :$port"
	done
	step "2 received" nuse ping 192.168.209.1 -c 2
	step "bits/sec" nuse iperf -c 192.168.209.1 -t 1
	step "bits/sec" nuse iperf -c 192.168.209.1 -u -t 1
	step "^192.168.209.1" nuse dig +short example.test
	step "example.test has address 192.168.209.1" nuse host -t A example.test
	step "Address: 192.168.209.1" nuse nslookup -type=a example.test
	step "a page" nuse wget -q -O - http://example.test/page
fi

[ $failed = 0 ] && echo "all passed"
exit $failed
