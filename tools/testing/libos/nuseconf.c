// SPDX-License-Identifier: GPL-2.0
/*
 * nuseconf.c - configurations of nuse: what each source says, and the one line
 * that refuses what is faulty. A configuration is compared as a line of text.
 */
#include "harness.h"
#include <limits.h>
#include <nuse/config.h>
#include <sys/wait.h>
#include "util.h"

/* ------------------------------------------------------------ as one line */

static void show_interface(FILE *f, const struct nuse_interface *i)
{
	const struct nuse_address *address;
	const struct nuse_neigh *n;
	int v6;

	fprintf(f, "%s=%s:%s", i->name, nuse_kind_names[i->kind], i->host);
	for (address = i->addresses; address; address = address->next)
		fprintf(f, " %s/%u", address->text, address->len);
	if (i->mac[0] || i->mac[5])
		fprintf(f, " mac %02x:%02x:%02x:%02x:%02x:%02x", i->mac[0], i->mac[1], i->mac[2],
			i->mac[3], i->mac[4], i->mac[5]);
	if (i->mtu)
		fprintf(f, " mtu %u", i->mtu);
	for (v6 = 0; v6 < 2; v6++) {
		if (*i->gateway[v6])
			fprintf(f, " gw %s", i->gateway[v6]);
		if (*i->source_gateway[v6])
			fprintf(f, " ifgw %s", i->source_gateway[v6]);
	}
	for (n = i->neighs; n; n = n->next)
		fprintf(f, " neigh %s %02x..%02x", n->address, n->mac[0], n->mac[5]);
	if (*i->qdisc)
		fprintf(f, " qdisc %s", i->qdisc);
	if (i->pcap)
		fprintf(f, " pcap %s", i->pcap);
	fprintf(f, "; ");
}

static void show_text(FILE *f, const char *key, const char *text)
{
	if (text)
		fprintf(f, "%s %s; ", key, text);
}

static void show_general(FILE *f, const struct nuse_config *c)
{
	const struct nuse_string *string;
	const struct nuse_sysctl *sysctl;

	for (sysctl = c->sysctls; sysctl; sysctl = sysctl->next)
		fprintf(f, "%s=%s; ", sysctl->name, sysctl->value);
	for (string = c->nameservers; string; string = string->next)
		show_text(f, "nameserver", string->text);
	for (string = c->search; string; string = string->next)
		show_text(f, "search", string->text);
	show_text(f, "name", c->name);
	show_text(f, "kernel", c->kernel);
	show_text(f, "cmdline", c->cmdline);
	show_text(f, "pcap", c->pcap);
	if (c->memory)
		fprintf(f, "memory %llu; ", (unsigned long long)c->memory);
	if (c->verbose)
		fprintf(f, "verbose; ");
	if (c->keep)
		fprintf(f, "keep; ");
	show_text(f, "warning", *c->warning ? c->warning : NULL);
}

/* To be freed */
static char *show(const struct nuse_config *c)
{
	const struct nuse_interface *i;
	const struct nuse_route *r;
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (i = c->interfaces; i; i = i->next)
		show_interface(f, i);
	for (r = c->routes; r; r = r->next)
		fprintf(f, "%s/%u%s%s%s%s; ", r->network.text, r->network.len,
			*r->gateway ? " via " : "", r->gateway, *r->dev ? " dev " : "", r->dev);
	show_general(f, c);
	fclose(f);
	if (len)
		text[len - 2] = 0;
	return text;
}

/* What a text says, or the line that refuses it; to be freed */
static char *verdict(const char *name, const char *text)
{
	struct nuse_config config = { 0 };
	char error[NUSE_LINE] = "", *line;
	int err = nuse_config_parse(&config, name, text, strlen(text), error);

	line = err ? strdup(error) : show(&config);
	nuse_config_free(&config);
	return line;
}

struct example {
	const char *text;
	const char *says;
};

static int count_wrong(const char *name, const struct example *e, size_t nr)
{
	int wrong = 0;
	char *line;

	for (; nr--; e++) {
		line = verdict(name, e->text);
		if (strcmp(line, e->says)) {
			complain("%s\nsays  %s\nnot   %s", e->text, line, e->says);
			wrong++;
		}
		free(line);
	}
	return wrong;
}

/* --------------------------------------------------------------- nuse.conf */

static const char sample[] =
	"\n\n"
	"interface eth0\n"
	"\taddress 192.168.0.10\n"
	"\tnetmask 255.255.255.0\n"
	"\tmacaddr 00:01:01:01:01:01\n"
	"\tviftype TAP\n"
	"\n"
	"interface p1p1\n"
	"\taddress 172.16.0.1\n"
	"\tnetmask 255.255.255.0\n"
	"\tmacaddr 00:01:01:01:01:02\n"
	"\n"
	"route\n"
	"\tnetwork 172.16.1.0\n"
	"\tnetmask 255.255.255.0\n"
	"\tgateway 172.16.0.2\n"
	"\n"
	"route\n"
	"\tnetwork 0.0.0.0\n"
	"\tnetmask 0.0.0.0\n"
	"\tgateway 192.168.0.1\n";

#define SAMPLE_SAYS							\
	"eth0=TAP:nuse-eth0 192.168.0.10/24 mac 00:01:01:01:01:01; "	\
	"p1p1=RAW:p1p1 172.16.0.1/24 mac 00:01:01:01:01:02; "		\
	"172.16.1.0/24 via 172.16.0.2; 0.0.0.0/0 via 192.168.0.1"

#define TAP0	"interface eth0\nviftype TAP\n"
#define SAYS0	"eth0=TAP:nuse-eth0"

static const struct example keys[] = {
	{ "", "" },
	{ "\n \t\n# nothing\n", "" },
	{ sample, SAMPLE_SAYS },

	/* interfaces */
	{ "interface eth0", "eth0=RAW:eth0" },
	{ "interface eth0\nviftype raw\n", "eth0=RAW:eth0" },
	{ "interface eth0\nviftype NETMAP\n", "eth0=NETMAP:eth0" },
	{ "interface eth0\nviftype DPDK\n", "eth0=DPDK:eth0" },
	{ "interface eth0\nviftype PIPE\npipepath /tmp/a b\n", "eth0=PIPE:/tmp/a b" },
	{ "interface eth0\npipepath /tmp/a\nviftype PIPE\n", "eth0=PIPE:/tmp/a" },
	{ TAP0 "hostdev tap7\n", "eth0=TAP:tap7" },
	{ TAP0 "address 10.0.0.2/8\n", SAYS0 " 10.0.0.2/8" },
	{ TAP0 "address 10.0.0.2\nnetmask 255.128.0.0\n", SAYS0 " 10.0.0.2/9" },
	{ TAP0 "netmask 255.255.255.255\naddress 10.0.0.2\n", SAYS0 " 10.0.0.2/32" },
	{ TAP0 "address fc00:0::2/64\n", SAYS0 " fc00::2/64" },
	{ TAP0 "address 10.0.0.2/8\naddress FC00::2/128\naddress 10.1.0.2\nnetmask 255.0.0.0\n",
	  SAYS0 " 10.0.0.2/8 fc00::2/128 10.1.0.2/8" },
	{ TAP0 "macaddr 02:aB:0:f:10:ff\n", SAYS0 " mac 02:ab:00:0f:10:ff" },
	{ TAP0 "mtu 68\n", SAYS0 " mtu 68" },
	{ TAP0 "mtu 65535\naddress fc00::2/64\n", SAYS0 " fc00::2/64 mtu 65535" },
	{ TAP0 "gateway 10.0.0.1\ngateway fc00::1\n", SAYS0 " gw 10.0.0.1 gw fc00::1" },
	{ TAP0 "address 10.0.0.2/24\nifgateway 10.0.0.1\n",
	  SAYS0 " 10.0.0.2/24 ifgw 10.0.0.1" },
	{ TAP0 "neigh 10.0.0.1 00:01:02:03:04:05\nneigh fc00::1\t00:01:02:03:04:06\n",
	  SAYS0 " neigh 10.0.0.1 00..05 neigh fc00::1 00..06" },
	{ TAP0 "qdisc fq_codel\n", SAYS0 " qdisc fq_codel" },
	{ TAP0 "pcap own.pcapng\n\npcap all.pcapng\n",
	  SAYS0 " pcap own.pcapng; pcap all.pcapng" },

	/* routes */
	{ "route\nnetwork 10.0.0.0/8\ngateway 10.1.0.1\n", "10.0.0.0/8 via 10.1.0.1" },
	{ "route of mine\nnetwork 10.0.0.0/8\ndev eth0\n", "10.0.0.0/8 dev eth0" },
	{ "route\nnetwork fc00::/7\ngateway fe80::1\ndev eth0\n",
	  "fc00::/7 via fe80::1 dev eth0" },
	{ "route\nnetwork default\ngateway 10.0.0.1\n", "0.0.0.0/0 via 10.0.0.1" },
	{ "route\nnetwork default6\ngateway fc00::1\n", "::/0 via fc00::1" },

	/* general */
	{ "sysctl net.ipv4.tcp_ecn=1\n", "net.ipv4.tcp_ecn=1" },
	{ "sysctl net.ipv4.tcp_rmem = 4096 8192 16384\n", "net.ipv4.tcp_rmem=4096 8192 16384" },
	{ "sysctl net/ipv4/tcp_ecn 1\nsysctl net.ipv4.tcp_ecn=2\n",
	  "net/ipv4/tcp_ecn=1; net.ipv4.tcp_ecn=2" },
	{ "nameserver 10.0.0.1\nnameserver fc00::1\n", "nameserver 10.0.0.1; nameserver fc00::1" },
	{ "search example.org  example.net\nsearch a\n",
	  "search example.org; search example.net; search a" },
	{ "name web-1\n", "name web-1" },
	{ "kernel /lib/liblinux.so\n", "kernel /lib/liblinux.so" },
	{ "cmdline quiet net.ifnames=0\n", "cmdline quiet net.ifnames=0" },
	{ "pcap all.pcapng\n", "pcap all.pcapng" },
	{ "memory 64M\n", "memory 67108864" },
	{ "memory 2g\n", "memory 2147483648" },
	{ "memory 8M\n", "memory 8388608" },
	{ "memory 65536k\n", "memory 67108864" },
	{ "memory 33554432\n", "memory 33554432" },
	{ "verbose yes\nkeep YES\n", "verbose; keep" },
	{ "verbose no\nkeep no\n", "" },

	/* comments, blanks, ends of lines */
	{ "# a\n  # b\n" TAP0 "# not the end\n\taddress 10.0.0.2/24 # c\n",
	  SAYS0 " 10.0.0.2/24" },
	{ "pcap a#b\n", "pcap a#b" },
	{ "  interface   eth0  \r\n\tviftype\tTAP\r\n\r\nname\ta\r\n", SAYS0 "; name a" },
	{ TAP0 "sysctl net.a=1\n", SAYS0 "; net.a=1" },
	{ TAP0 "interface eth1\n", SAYS0 "; eth1=RAW:eth1" },
};

#define GENERAL_KEYS							\
	"name, memory, kernel, cmdline, sysctl, nameserver, search, pcap, verbose, keep"
#define INTERFACE_KEYS							\
	"address, netmask, macaddr, viftype, hostdev, pipepath, mtu, gateway, ifgateway, "	\
	"neigh, qdisc, pcap"
#define ROUTE_KEYS	"network, netmask, gateway, dev"
#define E_ADDRESS							\
	"; expected ADDRESS/LENGTH, as 10.0.0.2/24 or fc00::2/64, or an IPv4 address and a netmask"
#define E_NETWORK							\
	"; expected NETWORK/LENGTH, as 10.0.0.0/8 or fc00::/7, an IPv4 network and a netmask, "	\
	"default or default6"
#define E_NETMASK	"; expected one as 255.255.255.0"
#define E_MAC								\
	"; expected six bytes of a host's address in hexadecimal, as 00:01:02:0a:0b:0c"
#define E_IFNAME	"; expected at most 15 characters without / : % and blanks"
#define E_NEIGH		"; expected ADDRESS MAC, as 10.0.0.1 00:01:02:0a:0b:0c"
#define E_VIA		"; expected an address, as 10.0.0.1 or fc00::1"
#define E_NAME		"; expected at most 31 letters, digits and . _ -"
#define E_SYSCTL	"; expected NAME=VALUE, as net.ipv4.tcp_ecn=1"
#define E_STANZA	"; expected an interface or a route right above"
#define IF		"interface eth0\n"
#define RT		"route\n"

static const struct example faults[] = {
	/* keys */
	{ "interfaces eth0\n",
	  "f:1: \"interfaces\" is no key; expected interface, route, " GENERAL_KEYS },
	{ "\n\nx\n", "f:3: \"x\" is no key; expected interface, route, " GENERAL_KEYS },
	{ "{x}\n", "f:1: quoted object property name expected; expected JSON" },
	{ IF "addressXYZ 10.0.0.1/8\n",
	  "f:2: \"addressXYZ\" is no key of an interface; expected " INTERFACE_KEYS },
	{ IF "network 10.0.0.0/8\n",
	  "f:2: \"network\" is no key of an interface; expected " INTERFACE_KEYS },
	{ RT "address 10.0.0.0/8\n",
	  "f:2: \"address\" is no key of a route; expected " ROUTE_KEYS },
	{ "address 10.0.0.0/8\n", "f:1: \"address\" stands in no stanza" E_STANZA },
	{ IF "\nmtu 1400\n", "f:3: \"mtu\" stands in no stanza" E_STANZA },
	{ IF "name a\nmtu 1400\n", "f:3: \"mtu\" stands in no stanza" E_STANZA },
	{ IF "mtu 1400\nmtu 1400\n", "f:3: mtu is given a second time; expected it once" },
	{ "name a\n\nname a\n", "f:3: name is given a second time; expected it once" },
	{ "a\x01\x1b[2Jb c\n",
	  "f:1: \"a??[2Jb\" is no key; expected interface, route, " GENERAL_KEYS },

	/* interfaces */
	{ "interface\n", "f:1: interface \"\" is no name of an interface" E_IFNAME ", not lo" },
	{ "interface a b\n",
	  "f:1: interface \"a b\" is no name of an interface" E_IFNAME ", not lo" },
	{ "interface eth%d\n",
	  "f:1: interface \"eth%d\" is no name of an interface" E_IFNAME ", not lo" },
	{ "interface ..\n", "f:1: interface \"..\" is no name of an interface" E_IFNAME ", not lo" },
	{ "interface sixteen-letters-\n",
	  "f:1: interface \"sixteen-letters-\" is too long" E_IFNAME ", not lo" },
	{ "interface lo\n", "f:1: interface \"lo\" is there already" E_IFNAME ", not lo" },
	{ IF "\n" IF, "f:3: interface \"eth0\" is given a second time; expected another name" },
	{ IF "address\n", "f:2: address has no value" E_ADDRESS },
	{ IF "address 10.0.0.300/24\n",
	  "f:2: address \"10.0.0.300/24\" is no IPv4 or IPv6 address" E_ADDRESS },
	{ IF "address fc00::g/24\n",
	  "f:2: address \"fc00::g/24\" is no IPv4 or IPv6 address" E_ADDRESS },
	{ IF "address 10.0.0.1/33\n",
	  "f:2: address \"10.0.0.1/33\" has a wrong prefix length" E_ADDRESS },
	{ IF "address 10.0.0.1/\n",
	  "f:2: address \"10.0.0.1/\" has a wrong prefix length" E_ADDRESS },
	{ IF "address 10.0.0.1/0\n",
	  "f:2: address \"10.0.0.1/0\" has a wrong prefix length" E_ADDRESS },
	{ IF "address fc00::1/129\n",
	  "f:2: address \"fc00::1/129\" has a wrong prefix length" E_ADDRESS },
	{ IF "address fc00::1\n", "f:2: address \"fc00::1\" has no prefix length" E_ADDRESS },
	{ IF "mtu 1400\naddress 10.0.0.1\nqdisc fq\n",
	  "f:3: address 10.0.0.1 has neither a prefix length nor a netmask; "
	  "expected a length, as in 10.0.0.0/24, or a netmask" },
	{ IF "address 10.0.0.1\n\n\nname a\n",
	  "f:2: address 10.0.0.1 has neither a prefix length nor a netmask; "
	  "expected a length, as in 10.0.0.0/24, or a netmask" },
	{ IF "address 10.0.0.1/8\nnetmask 255.0.0.0\n",
	  "f:3: netmask has no address to go with; "
	  "expected an IPv4 address without a prefix length" },
	{ IF "address 10.0.0.1\nnetmask 255.0.255.0\n",
	  "f:3: netmask \"255.0.255.0\" has ones behind a zero" E_NETMASK },
	{ IF "address 10.0.0.1\nnetmask 24\n",
	  "f:3: netmask \"24\" is no IPv4 netmask" E_NETMASK },
	{ IF "address 10.0.0.1\nnetmask 0.0.0.0\n",
	  "f:3: netmask 0.0.0.0 is none for an address" E_NETMASK },
	{ IF "macaddr 00:01:01:01:01\n",
	  "f:2: macaddr \"00:01:01:01:01\" is no MAC address" E_MAC },
	{ IF "macaddr 00:01:01:01:01:0g\n",
	  "f:2: macaddr \"00:01:01:01:01:0g\" is no MAC address" E_MAC },
	{ IF "macaddr 00:01:01:01:01:001\n",
	  "f:2: macaddr \"00:01:01:01:01:001\" is no MAC address" E_MAC },
	{ IF "macaddr 00:01:01:01:01:01:01\n",
	  "f:2: macaddr \"00:01:01:01:01:01:01\" is no MAC address" E_MAC },
	{ IF "macaddr 0x:01:01:01:01:01\n",
	  "f:2: macaddr \"0x:01:01:01:01:01\" is no MAC address" E_MAC },
	{ IF "macaddr 01:01:01:01:01:01\n",
	  "f:2: macaddr \"01:01:01:01:01:01\" is the address of a group" E_MAC },
	{ IF "macaddr 00:00:00:00:00:00\n",
	  "f:2: macaddr \"00:00:00:00:00:00\" is no host's address" E_MAC },
	{ IF "viftype XDQ\n",
	  "f:2: viftype \"XDQ\" is no kind of device; expected RAW, TAP, NETMAP, DPDK, PIPE or WIRE" },
	{ IF "hostdev a/b\n", "f:2: hostdev \"a/b\" is no name of an interface" E_IFNAME },
	{ IF "viftype PIPE\n", "f:1: PIPE eth0 has no path; expected pipepath" },
	{ IF "pipepath /tmp/a\n",
	  "f:2: pipepath is for them, and eth0 is RAW; expected viftype PIPE or WIRE" },
	{ IF "hostdev a\npipepath /tmp/a\n",
	  "f:3: pipepath is for them, and eth0 is RAW; expected viftype PIPE or WIRE" },
	{ "interface eno16777736\nviftype TAP\n",
	  "f:1: \"nuse-eno16777736\" is too long for a device of the host; expected hostdev" },
	{ IF "\ninterface eth1\nhostdev eth0\n",
	  "f:3: eth0 is joined to eth0 already; expected another hostdev" },
	{ IF "mtu 67\n", "f:2: mtu \"67\" is out of range; expected 68 to 65535" },
	{ IF "mtu 65536\n", "f:2: mtu \"65536\" is out of range; expected 68 to 65535" },
	{ IF "mtu 99999999999999999999\n",
	  "f:2: mtu \"99999999999999999999\" is out of range; expected 68 to 65535" },
	{ IF "mtu -1\n", "f:2: mtu \"-1\" is no number; expected 68 to 65535" },
	{ IF "mtu 1500 bytes\n", "f:2: mtu \"1500 bytes\" is no number; expected 68 to 65535" },
	{ IF "mtu 1279\naddress fc00::1/64\n",
	  "f:1: mtu 1279 of eth0 is too small for IPv6; expected 1280 or more" },
	{ IF "gateway 10.0.0.1/8\n",
	  "f:2: gateway \"10.0.0.1/8\" is no IPv4 or IPv6 address" E_VIA },
	{ IF "gateway 10.0.0.1\ngateway 10.0.0.2\n",
	  "f:3: gateway \"10.0.0.2\" is a second one of its family" E_VIA },
	{ IF "ifgateway x\n", "f:2: ifgateway \"x\" is no IPv4 or IPv6 address" E_VIA },
	{ IF "address 10.0.0.1/8\nifgateway fc00::1\n",
	  "f:1: eth0 has no address that would use ifgateway fc00::1; "
	  "expected one of its family" },
	{ IF "neigh 10.0.0.1\n", "f:2: neigh \"10.0.0.1\" is no MAC address" E_NEIGH },
	{ IF "neigh 10.0.0 00:01:02:03:04:05\n",
	  "f:2: neigh \"10.0.0 00:01:02:03:04:05\" is no IPv4 or IPv6 address" E_NEIGH },
	{ IF "qdisc root fq\n",
	  "f:2: qdisc \"root fq\" is no such name; "
	  "expected the name of a queueing discipline, as fq_codel" },
	{ IF "qdisc a234567890123456\n",
	  "f:2: qdisc \"a234567890123456\" is too long; "
	  "expected the name of a queueing discipline, as fq_codel" },
	{ IF "pcap\n", "f:2: pcap has no value; expected the path of a file" },

	/* routes */
	{ RT "gateway 10.0.0.1\n", "f:1: this route has no network; expected network" },
	{ "\nroute 10.0.0.0/8 via 10.0.0.1\n",
	  "f:2: this route has no network; expected network" },
	{ RT "network 10.0.0.0/8\n",
	  "f:1: the route to 10.0.0.0/8 leads nowhere; expected gateway or dev" },
	{ RT "network 10.0.0.0\ngateway 10.0.0.1\n",
	  "f:2: network 10.0.0.0 has neither a prefix length nor a netmask; "
	  "expected a length, as in 10.0.0.0/24, or a netmask" },
	{ RT "network 10.0.0.1/8\n",
	  "f:2: network \"10.0.0.1/8\" has bits beyond its prefix length" E_NETWORK },
	{ RT "network 10.1.0.0\nnetmask 255.0.0.0\ngateway 10.0.0.1\n",
	  "f:3: network 10.1.0.0 has bits beyond its netmask; expected a longer netmask" },
	{ RT "network fc00::1/64\n",
	  "f:2: network \"fc00::1/64\" has bits beyond its prefix length" E_NETWORK },
	{ RT "network fc00::\n", "f:2: network \"fc00::\" has no prefix length" E_NETWORK },
	{ RT "network here\n", "f:2: network \"here\" is no IPv4 or IPv6 address" E_NETWORK },
	{ RT "network default\nnetmask 0.0.0.0\ngateway 10.0.0.1\n",
	  "f:3: netmask has no network to go with; "
	  "expected an IPv4 address without a prefix length" },
	{ RT "network default\ngateway fc00::1\n",
	  "f:1: gateway fc00::1 is not of the family of network 0.0.0.0; "
	  "expected both IPv4 or both IPv6" },
	{ RT "network default\ngateway there\n",
	  "f:3: gateway \"there\" is no IPv4 or IPv6 address" E_VIA },
	{ RT "dev a:b\n", "f:2: dev \"a:b\" is no name of an interface" E_IFNAME },

	/* general */
	{ "sysctl\n", "f:1: sysctl has no value" E_SYSCTL },
	{ "sysctl net.a\n", "f:1: sysctl \"net.a\" has no value for it" E_SYSCTL },
	{ "sysctl net.a=\n", "f:1: sysctl \"net.a=\" has no value for it" E_SYSCTL },
	{ "sysctl =1\n", "f:1: sysctl \"=1\" has no name of a sysctl" E_SYSCTL },
	{ "sysctl ../x=1\n", "f:1: sysctl \"../x=1\" has no name of a sysctl" E_SYSCTL },
	{ "sysctl net/../x=1\n", "f:1: sysctl \"net/../x=1\" has no name of a sysctl" E_SYSCTL },
	{ "nameserver dns\n",
	  "f:1: nameserver \"dns\" is no IPv4 or IPv6 address; "
	  "expected at most 3 addresses, as 10.0.0.1 or fc00::1" },
	{ "nameserver ::1\nnameserver ::2\nnameserver ::3\nnameserver ::4\n",
	  "f:4: nameserver \"::4\" is one too many; "
	  "expected at most 3 addresses, as 10.0.0.1 or fc00::1" },
	{ "search\n", "f:1: search has no value; expected domains" },
	{ "name a/b\n", "f:1: name \"a/b\" is no such name" E_NAME },
	{ "name .a\n", "f:1: name \".a\" is no such name" E_NAME },
	{ "name a23456789012345678901234567890123\n",
	  "f:1: name \"a23456789012345678901234567890123\" is too long" E_NAME },
	{ "memory much\n", "f:1: memory \"much\" is no size; expected 8M to 2G, as 64M" },
	{ "memory 64MB\n", "f:1: memory \"64MB\" is no size; expected 8M to 2G, as 64M" },
	{ "memory 3G\n", "f:1: memory \"3G\" is out of range; expected 8M to 2G, as 64M" },
	{ "memory 0\n", "f:1: memory \"0\" is out of range; expected 8M to 2G, as 64M" },
	{ "memory 8191k\n", "f:1: memory \"8191k\" is out of range; expected 8M to 2G, as 64M" },
	{ "kernel\n", "f:1: kernel has no value; expected the path of a liblinux.so" },
	{ "cmdline\n", "f:1: cmdline has no value; expected words for the kernel" },
	{ "verbose maybe\n", "f:1: verbose \"maybe\" is neither; expected yes or no" },
	{ "keep 1\n", "f:1: keep \"1\" is neither; expected yes or no" },
};

TEST(each_key)
{
	EXPECT_EQ(0, count_wrong("f", keys, ARRAY_SIZE(keys)));
}

TEST(each_fault)
{
	EXPECT_EQ(0, count_wrong("f", faults, ARRAY_SIZE(faults)));
}

/* -------------------------------------------------------------------- JSON */

static const struct example json[] = {
	{ "{}", "" },
	{ "\n {\n}\n", "" },
	/* the example of its documentation, without what is refused in it */
	{ "{ \"gateway\":\"192.168.0.1\", \"gateway6\":\"2001:db8:0:f101::1\",\n"
	  "  \"debug\":\"1\", \"singlecpu\":\"1\",\n"
	  "  \"sysctl\":\"net.ipv4.tcp_wmem=4096 87380 2147483647\",\n"
	  "  \"interfaces\":[ {\n"
	  "      \"mac\":\"12:34:56:78:9a:bc\", \"type\":\"tap\", \"param\":\"tap7\",\n"
	  "      \"ip\":\"192.168.0.2\", \"masklen\":\"24\", \"ifgateway\":\"192.168.0.1\",\n"
	  "      \"ipv6\":\"2001:db8:0:f101::2\", \"masklen6\":\"64\",\n"
	  "      \"ifgateway6\":\"2001:db8:0:f101::1\", \"offload\":\"0xc803\"\n"
	  "    }, { \"type\":\"tap\", \"param\":\"tap77\", \"ip\":\"192.168.1.2\",\n"
	  "      \"masklen\":\"24\", \"offload\":\"0xc803\" } ] }\n",
	  "eth0=TAP:tap7 192.168.0.2/24 2001:db8:0:f101::2/64 mac 12:34:56:78:9a:bc "
	  "ifgw 192.168.0.1 ifgw 2001:db8:0:f101::1; eth1=TAP:tap77 192.168.1.2/24; "
	  "0.0.0.0/0 via 192.168.0.1; ::/0 via 2001:db8:0:f101::1; "
	  "net.ipv4.tcp_wmem=4096 87380 2147483647; verbose; "
	  "warning j: has no effect here: singlecpu, offload" },
	{ "{\"debug\":\"0\"}", "" },
	{ "{\"debug\":\"0x100\"}", "verbose" },
	{ "{\"sysctl\":\"net.a=1;net.b=2 3\"}", "net.a=1; net.b=2 3" },
	{ "{\"boot_cmdline\":\"mem=64M\"}", "memory 67108864" },
	{ "{\"boot_cmdline\":\"quiet mem=64M  x=1\"}", "cmdline quiet x=1; memory 67108864" },
	{ "{\"mount\":\"proc,sysfs\"}", "warning j: has no effect here: mount" },
	{ "{\"dump\":\"proc\", \"delay_main\":\"5\"}",
	  "warning j: has no effect here: dump, delay_main" },
	{ "{\"interfaces\":[]}", "" },
	{ "{\"interfaces\":[{\"mtu\":\"1400\",\"qdisc\":\"root|fq\",\"type\":\"tap\"}]}",
	  "eth0=TAP:nuse-eth0 mtu 1400 qdisc fq" },
	{ "{\"interfaces\":[{\"type\":\"raw\",\"param\":\"eth9\"}]}", "eth0=RAW:eth9" },
	{ "{\"interfaces\":[{\"param\":\"/tmp/a|/tmp/b\",\"type\":\"pipe\"}]}",
	  "eth0=PIPE:/tmp/a|/tmp/b" },
	{ "{\"interfaces\":[{\"type\":\"tap\","
	  "\"neigh\":\"10.0.0.1|00:01:02:03:04:05;fc00::1|00:01:02:03:04:06\"}]}",
	  "eth0=TAP:nuse-eth0 neigh 10.0.0.1 00..05 neigh fc00::1 00..06" },
};

#define J(text)		"{\n\"interfaces\": [\n{\"type\":\"tap\"}, {\n\"type\":\"raw\",\n" text "}]}"
#define E_V4		"; expected an IPv4 address, as 192.168.0.2"
#define E_V6		"; expected an IPv6 address, as fc00::2"
#define JSON_KEYS							\
	"gateway, gateway6, sysctl, boot_cmdline, debug, mount, dump, delay_main, singlecpu, "	\
	"interfaces"
#define JSON_INTERFACE_KEYS						\
	"type, param, mtu, mac, ip, masklen, ipv6, masklen6, ifgateway, ifgateway6, neigh, "	\
	"qdisc, offload"

static const struct example json_faults[] = {
	/* the text */
	{ "{", "j:1: the object has no end; expected JSON" },
	{ "{\n\"debug\": \"1\"\n", "j:3: the object has no end; expected JSON" },
	{ "{}\n\nx", "j:3: unexpected character; expected JSON" },
	{ "{\n\"debug\": 1x}", "j:2: number expected; expected JSON" },

	/* keys */
	{ "{\n\"interfaces\": [],\n\n\"mtu\":\"1\"}",
	  "j:4: \"mtu\" is no key that has a meaning here; expected " JSON_KEYS },
	{ J("\"vlan\":\"1\""),
	  "j:5: \"vlan\" is no key that has a meaning here; expected " JSON_INTERFACE_KEYS },
	{ "{\n\"debug\":1}", "j:2: \"debug\" is no string; expected a string in quotes" },
	{ "{\"debug\":null}", "j:1: \"debug\" is no string; expected a string in quotes" },
	{ "{\"debug\":\"1\\u0000\"}", "j:1: \"debug\" has a byte of value 0; expected text" },
	{ "{\"debug\":\"on\"}",
	  "j:1: debug \"on\" is no number; expected 0, or another number to see the console" },
	{ "{\"interfaces\":{}}",
	  "j:1: \"interfaces\" is no array; expected [ { ... }, { ... } ]" },
	{ "{\n\"interfaces\":[1]}", "j:2: interface 0 is no object; expected { \"type\": ... }" },
	{ "{\"interfaces\":[{\"type\":\"tap\"},\n\n{\"mtu\":\"1500\"}]}",
	  "j:3: interface 1 has no type; expected type" },

	/* values */
	{ "{\"gateway\":\"fc00::1\"}", "j:1: gateway \"fc00::1\" is no IPv4 address" E_V4 },
	{ "{\"gateway6\":\"10.0.0.1\"}", "j:1: gateway6 \"10.0.0.1\" is no IPv6 address" E_V6 },
	{ "{\"gateway\":\"10.0.0\"}",
	  "j:1: gateway \"10.0.0\" is no IPv4 or IPv6 address" E_V4 },
	{ "{\"sysctl\":\"net.a=1;net.b\"}",
	  "j:1: sysctl \"net.b\" has no value for it; expected NAME=VALUE;NAME=VALUE" },
	{ "{\"boot_cmdline\":\"ip=dhcp\"}",
	  "j:1: boot_cmdline \"ip=dhcp\" is not possible; expected ip, masklen and gateway" },
	{ "{\"boot_cmdline\":\"mem=x\"}",
	  "j:1: memory \"x\" is no size; expected 8M to 2G, as 64M" },
	{ "{\"mount\":\"proc,ext4\"}",
	  "j:1: mount \"proc,ext4\" is not possible; expected proc and sysfs" },
	{ J("\"type\":\"vde\""),
	  "j:4: type \"vde\" is no kind of device; expected raw, tap, netmap, dpdk or pipe" },
	{ J("\"param\":\"a/b\""),
	  "j:5: param \"a/b\" is no name of an interface; "
	  "expected a device of the host, or the path of a pipe" },
	{ J("\n\"mtu\":\"9\""), "j:6: mtu \"9\" is out of range; expected 68 to 65535" },
	{ J("\"mac\":\"12:34\""), "j:5: mac \"12:34\" is no MAC address" E_MAC },
	{ J("\"ip\":\"10.0.0.1\""), "j:5: ip has no masklen; expected masklen" },
	{ J("\"masklen\":\"8\""), "j:5: masklen has no ip to go with; expected ip" },
	{ J("\"ip\":\"10.0.0.1\",\n\"masklen\":\"33\""),
	  "j:5: ip \"10.0.0.1/33\" has a wrong prefix length" E_V4 ", and 1 to 32 as masklen" },
	{ J("\"ip\":\"fc00::1\",\"masklen\":\"24\""),
	  "j:5: ip \"fc00::1\" is no IPv4 address" E_V4 ", and 1 to 32 as masklen" },
	{ J("\"ipv6\":\"fc00::1\""), "j:5: ipv6 has no masklen6; expected masklen6" },
	{ J("\"ifgateway\":\"10.0.0.1\""),
	  "j:3: eth1 has no address that would use ifgateway 10.0.0.1; "
	  "expected one of its family" },
	{ J("\"neigh\":\"10.0.0.1\""),
	  "j:5: neigh \"10.0.0.1\" has no \"|\"; expected IP|MAC;IP|MAC" },
	{ J("\"neigh\":\"10.0.0.1|x\""),
	  "j:5: neigh \"10.0.0.1 x\" is no MAC address; expected IP|MAC;IP|MAC" },
	{ J("\"qdisc\":\"1:1|fq\""),
	  "j:5: qdisc \"1:1|fq\" is not at the root; expected root|NAME" },
	{ J("\"qdisc\":\"root|fq;root|pfifo\""),
	  "j:5: qdisc is given a second time; expected it once" },
};

TEST(each_json_key)
{
	EXPECT_EQ(0, count_wrong("j", json, ARRAY_SIZE(json)));
}

TEST(each_json_fault)
{
	EXPECT_EQ(0, count_wrong("j", json_faults, ARRAY_SIZE(json_faults)));
}

/* ---------------------------------------------------------------- options */

/* What a command line of words says, "N: CONFIGURATION"; to be freed */
static char *options(const char *words)
{
	char *copy = strdup(words), *argv[32] = { "nuse" }, *rest, *line, *text;
	struct nuse_config config = { 0 };
	char error[NUSE_LINE] = "";
	int argc = 1, ret;

	for (argv[1] = strtok_r(copy, " ", &rest); argv[argc];)
		argv[++argc] = strtok_r(NULL, " ", &rest);
	ret = nuse_config_args(&config, argc, argv, error);
	text = show(&config);
	if (asprintf(&line, "%d: %s", ret, ret < 0 ? error : text) < 0)
		line = NULL;
	free(text);
	free(copy);
	nuse_config_free(&config);
	return line;
}

static const struct example option_lines[] = {
	{ "", "1: " },
	{ "ping -c 1", "1: " },
	{ "-- --name", "2: " },
	{ "- x", "1: " },
	{ "--name a ping", "3: name a" },
	{ "--name=a --name=b -- ping", "4: name b" },
	{ "--verbose --keep ls", "3: verbose; keep" },
	{ "--keep=no --sysctl net.a=1 --sysctl=net.b=2 ls", "5: net.a=1; net.b=2" },
	{ "--kernel ./l.so --memory 64M --pcap p --cmdline quiet",
	  "9: kernel ./l.so; cmdline quiet; pcap p; memory 67108864" },
	{ "--nameserver ::1 --search a", "5: nameserver ::1; search a" },
	{ "--net tap", "3: eth0=TAP:nuse-eth0" },
	{ "--net tap:tap0 --net raw:eth7 x", "5: eth0=TAP:tap0; eth1=RAW:eth7" },
	{ "--net pipe:/tmp/p", "3: eth0=PIPE:/tmp/p" },
	{ "--net wire:/tmp/w", "3: eth0=WIRE:/tmp/w" },
	{ "--net tap:tap0,address=10.0.0.2/24,address=fc00::2/64,mtu=9000,name=lan0,"
	  "macaddr=02:00:00:00:00:0a,gateway=10.0.0.1,qdisc=fq,pcap=f",
	  "3: lan0=TAP:tap0 10.0.0.2/24 fc00::2/64 mac 02:00:00:00:00:0a mtu 9000 "
	  "gw 10.0.0.1 qdisc fq pcap f" },
	{ "--net tap,name=eth1 --net tap --net=tap",
	  "6: eth1=TAP:nuse-eth1; eth0=TAP:nuse-eth0; eth2=TAP:nuse-eth2" },
	{ "--net tap,address=10.0.0.2,netmask=255.0.0.0", "3: eth0=TAP:nuse-eth0 10.0.0.2/8" },

	{ "--foo", "-22: nuse: \"--foo\" is no option; expected -c, --net, or -- and one of "
	  GENERAL_KEYS },
	{ "-x", "-22: nuse: \"-x\" is no option; expected -c, --net, or -- and one of "
	  GENERAL_KEYS },
	{ "--address 10.0.0.1", "-22: nuse: \"--address\" is no option; "
	  "expected -c, --net, or -- and one of " GENERAL_KEYS },
	{ "--name", "-22: nuse: --name is the last word; expected a value behind it" },
	{ "--name=", "-22: --name: name has no value" E_NAME },
	{ "--keep=maybe", "-22: --keep: keep \"maybe\" is neither; expected yes or no" },
	{ "--name a --sysctl x", "-22: --sysctl: sysctl \"x\" has no value for it" E_SYSCTL },
	{ "--net eth0", "-22: --net: viftype \"eth0\" is no kind of device; "
	  "expected RAW, TAP, NETMAP, DPDK, PIPE or WIRE" },
	{ "--net tap:", "-22: --net: hostdev has no value" E_IFNAME },
	{ "--net tap,mtu", "-22: --net: \"mtu\" has no \"=\"; expected KEY=VALUE" },
	{ "--net tap,mtu=9", "-22: --net: mtu \"9\" is out of range; expected 68 to 65535" },
	{ "--net tap,mut=9",
	  "-22: --net: \"mut\" is no key of an interface; expected " INTERFACE_KEYS },
	{ "--net tap,name=a/b",
	  "-22: --net: interface \"a/b\" is no name of an interface" E_IFNAME ", not lo" },
	{ "--net tap,name=a --net tap,name=a",
	  "-22: --net: interface \"a\" is given a second time; expected another name" },
	{ "--net tap:t --net tap:t",
	  "-22: --net: eth0 is joined to t already; expected another hostdev" },
	{ "--net tap,address=10.0.0.2", "-22: --net: address 10.0.0.2 has neither a prefix "
	  "length nor a netmask; expected a length, as in 10.0.0.0/24, or a netmask" },
	{ "-c /no/such ls",
	  "-2: /no/such: No such file or directory; expected a file that you may read" },
};

TEST(each_option)
{
	size_t i;
	char *line;

	unsetenv("NUSECONF");
	for (i = 0; i < ARRAY_SIZE(option_lines); i++) {
		line = options(option_lines[i].text);
		EXPECT_STREQ(option_lines[i].says, line) {
			TH_LOG("options: %s", option_lines[i].text);
		}
		free(line);
	}
}

/* A file whose text is @text */
static const char *file_of(const char *text, size_t len)
{
	const char *path = temp_path();
	int fd = open(path, O_WRONLY);

	if (write(fd, text, len) != (ssize_t)len)
		complain("write: %s", strerror(errno));
	close(fd);
	return path;
}

TEST(options_and_file)
{
	const char *path = file_of(sample, sizeof(sample) - 1);
	const char *other = file_of("name a\nsysctl net.a=1\nbad\n", 26);
	char words[256], *line;

	setenv("NUSECONF", path, 1);
	line = options("--name here --sysctl net.a=1 ping");
	EXPECT_STREQ("5: " SAMPLE_SAYS "; net.a=1; name here", line);
	free(line);
	snprintf(words, sizeof(words), "--name b -c %s", other);
	line = options(words);
	snprintf(words, sizeof(words), "-22: %s:3: \"bad\" is no key; expected interface, route, "
		 GENERAL_KEYS, other);
	EXPECT_STREQ(words, line);
	free(line);
	setenv("NUSECONF", other, 1);
	snprintf(words, sizeof(words), "--net tap,name=tap1 --config=%s ping", path);
	line = options(words);
	EXPECT_EQ(0, strncmp("4: eth0=TAP:nuse-eth0 ", line, 22));
	EXPECT_NE(NULL, strstr(line, "; tap1=TAP:nuse-tap1; "));
	free(line);
	setenv("NUSECONF", "", 1);
	line = options("ping");
	EXPECT_STREQ("1: ", line);
	free(line);
}

/* ------------------------------------------------------------------ files */

TEST(files)
{
	struct nuse_config config = { 0 };
	char error[NUSE_LINE] = "", *big = calloc(1, (1 << 20) + 1), *text;
	const char *path;

	EXPECT_EQ(-ENOENT, nuse_config_load(&config, "/no/such", error));
	EXPECT_STREQ("/no/such: No such file or directory; expected a file that you may read",
		     error);
	EXPECT_EQ(-EISDIR, nuse_config_load(&config, "/", error));
	EXPECT_STREQ("/: Is a directory; expected a file that you may read", error);
	memset(big, '\n', (1 << 20) + 1);
	path = file_of(big, (1 << 20) + 1);
	EXPECT_EQ(-EINVAL, nuse_config_load(&config, path, error));
	EXPECT_NE(NULL, strstr(error, ": the file is too large; expected at most 1 MiB"));
	path = file_of(big, 1 << 20);
	EXPECT_EQ(0, nuse_config_load(&config, path, error));
	nuse_config_free(&config);
	path = file_of("name a\nname\0b\n", 14);
	EXPECT_EQ(-EINVAL, nuse_config_load(&config, path, error));
	EXPECT_NE(NULL, strstr(error, ":2: there is a byte of value 0; expected text"));
	path = file_of("{}\n\0x", 5);
	EXPECT_EQ(-EINVAL, nuse_config_load(&config, path, error));
	EXPECT_NE(NULL, strstr(error, ":2: there is something behind the object"));
	path = file_of(sample, sizeof(sample) - 1);
	ASSERT_EQ(0, nuse_config_load(&config, path, error));
	text = show(&config);
	EXPECT_STREQ(SAMPLE_SAYS, text);
	snprintf(error, sizeof(error), "%s:9", path);
	EXPECT_STREQ(error, config.interfaces->next->where);
	nuse_config_free(&config);
	free(text);
	free(big);
}

/* What is refused leaves the configuration as it was. */
TEST(nothing_half_done)
{
	struct nuse_config config = { 0 }, zero = { 0 };
	static const char text[] = TAP0 "\nname a\nsysctl net.a=1\nroute\n";
	char error[NUSE_LINE];
	char *argv[] = { "nuse", "--name", "a", "--net", "tap", "--memory", "x", NULL };

	EXPECT_EQ(-EINVAL, nuse_config_parse(&config, "f", text, sizeof(text) - 1, error));
	EXPECT_EQ(0, memcmp(&config, &zero, sizeof(config)));
	unsetenv("NUSECONF");
	EXPECT_EQ(-EINVAL, nuse_config_args(&config, 7, argv, error));
	EXPECT_EQ(0, memcmp(&config, &zero, sizeof(config)));
}

TEST(many)
{
	struct nuse_config config = { 0 };
	const struct nuse_interface *i;
	const struct nuse_route *r;
	char error[NUSE_LINE], *text;
	int nr, interfaces = 0, routes = 0;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (nr = 0; nr < 1000; nr++)
		fprintf(f, "interface e%d\naddress fc00::%x/64\nroute\nnetwork fc00:%x::/32\n"
			"dev e%d\n", nr, nr + 1, nr + 1, nr);
	fclose(f);
	ASSERT_EQ(0, nuse_config_parse(&config, "f", text, len, error)) {
		TH_LOG("%s", error);
	}
	for (i = config.interfaces; i; i = i->next)
		interfaces++;
	for (r = config.routes; r; r = r->next)
		routes++;
	EXPECT_EQ(1000, interfaces);
	EXPECT_EQ(1000, routes);
	nuse_config_free(&config);
	free(text);
}

/* ---------------------------------------------------------- documentation */

#define PAGE	"../../../Documentation/virt/libos/nuse.rst"

static size_t indent(const char *line)
{
	return strspn(line, " ");
}

/* Reads the literal block that follows; false at the end of the page. */
static bool next_block(FILE *page, char *block, size_t size)
{
	char line[256] = "";
	size_t deep, len = 0;

	while (!strstr(line, "::\n"))
		if (!fgets(line, sizeof(line), page))
			return false;
	deep = indent(line);
	*block = 0;
	while (fgets(line, sizeof(line), page) && (*line == '\n' || indent(line) > deep))
		if (len || *line != '\n')
			len += snprintf(block + len, size - len, "%s", line);
	fseek(page, -(long)strlen(line), SEEK_CUR);
	return true;
}

/* The page shows every key, and everything in it is taken as it stands. */
TEST(documented)
{
	struct nuse_config config = { 0 };
	char block[4096], error[NUSE_LINE], seen[16384] = "", *key, *rest;
	char general[] = GENERAL_KEYS, interface[] = INTERFACE_KEYS, route[] = ROUTE_KEYS;
	char *lists[] = { general, interface, route };
	FILE *page = fopen(PAGE, "r");
	unsigned int nr = 0, i;

	if (!page)
		SKIP(return, "there is no %s", PAGE);
	while (next_block(page, block, sizeof(block))) {
		key = block + indent(block);
		if (!strncmp(key, "nuse.conf:", 10) || !strncmp(key, "--", 2) ||
		    !strncmp(key, "make ", 5))
			continue;
		nr++;
		EXPECT_EQ(0, nuse_config_parse(&config, "page", block, strlen(block), error)) {
			TH_LOG("%s\n%s", error, block);
		}
		nuse_config_free(&config);
		strcat(seen, block);
	}
	fclose(page);
	EXPECT_LE(25, nr);
	for (i = 0; i < ARRAY_SIZE(lists); i++)
		for (key = strtok_r(lists[i], ", ", &rest); key; key = strtok_r(NULL, ", ", &rest)) {
			snprintf(error, sizeof(error), " %s ", key);
			EXPECT_NE(NULL, strstr(seen, error)) {
				TH_LOG("%s is not shown", key);
			}
		}
}

/* ------------------------------------------------------------ mutated text */

/* Runs the worker, under valgrind if @tool, for some rounds; its status. */
static int mutate(const char *tool, const char *rounds)
{
	char worker[PATH_MAX] = "", *slash;
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (readlink("/proc/self/exe", worker, sizeof(worker) - 20) < 0)
			_exit(1);
		slash = strrchr(worker, '/');
		strcpy(slash + 1, "worker-nuseconf");
		dup2(STDOUT_FILENO, STDERR_FILENO);
		if (tool)
			execlp(tool, tool, "-q", "--leak-check=full", "--error-exitcode=99",
			       worker, rounds, NULL);
		else
			execl(worker, worker, rounds, NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(mutated)
{
	EXPECT_EQ(0, mutate(NULL, "30000"));
}

TEST(mutated_under_valgrind)
{
	if (system("valgrind -q true >/dev/null 2>&1"))
		SKIP(return, "valgrind does not run: apt-get install valgrind");
	EXPECT_EQ(0, mutate("valgrind", "3000"));
}

TEST_HARNESS_MAIN
