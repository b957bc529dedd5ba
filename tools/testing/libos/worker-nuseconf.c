// SPDX-License-Identifier: GPL-2.0
/*
 * worker-nuseconf.c - gives mutated configurations to nuse, as many as its
 * argument says: each is taken, or refused with one line that ends with what
 * was expected, and leaves no memory behind.
 *
 * The mutations are the same in every run.
 */
#include <ctype.h>
#include <nuse/config.h>
#include "util.h"

static const char *const seeds[] = {
	"interface eth0\n\taddress 192.168.0.10\n\tnetmask 255.255.255.0\n"
	"\tmacaddr 00:01:01:01:01:01\n\tviftype TAP\n\nroute\n\tnetwork 172.16.1.0\n"
	"\tnetmask 255.255.255.0\n\tgateway 172.16.0.2\n",

	"# all keys\nname a\nmemory 64M\nkernel /lib/l.so\ncmdline quiet\nsysctl net.a=1\n"
	"nameserver 10.0.0.1\nsearch a b\npcap all\nverbose yes\nkeep no\n"
	"interface eth0\naddress fc00::2/64\nviftype PIPE\npipepath /tmp/a\nmtu 1400\n"
	"gateway fc00::1\nifgateway fc00::3\nneigh fc00::4 00:01:02:03:04:05\nqdisc fq\npcap x\n"
	"\ninterface eth1\nhostdev tap0\nroute\nnetwork default6\ndev eth0\n",

	"{ \"gateway\":\"192.168.0.1\", \"debug\":\"1\", \"sysctl\":\"net.a=1;net.b=2\",\n"
	"\"boot_cmdline\":\"quiet mem=64M\", \"mount\":\"proc,sysfs\", \"singlecpu\":\"1\",\n"
	"\"interfaces\":[ { \"mac\":\"12:34:56:78:9a:bc\", \"type\":\"tap\",\n"
	"\"param\":\"tap7\", \"ip\":\"192.168.0.2\", \"masklen\":\"24\",\n"
	"\"ifgateway\":\"192.168.0.1\", \"neigh\":\"10.0.0.1|00:01:02:03:04:05\",\n"
	"\"qdisc\":\"root|fq\", \"offload\":\"0xc803\" } ] }\n",
};

#define ROOM	4096

static uint64_t state = 0x9e3779b97f4a7c15;

static unsigned int draw(unsigned int below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 32) % below;
}

/* Copies @len bytes within the text over or before others. */
static size_t duplicate(char *text, size_t size, bool insert)
{
	size_t from = draw(size), to = draw(size), len = draw(64);

	if (len > size - from)
		len = size - from;
	if (insert && size + len < ROOM) {
		memmove(text + to + len, text + to, size - to);
		memmove(text + to, text + (from >= to ? from + len : from), len);
		return size + len;
	}
	if (len > size - to)
		len = size - to;
	memmove(text + to, text + from, len);
	return size;
}

static size_t mutate(char *text, size_t size)
{
	static const char likely[] = "\n\n\t #/:.=;|,{}[]\"\\0123456789abcdef%\r";
	size_t at = draw(size), len;

	switch (draw(6)) {
	case 0:
		text[at] = draw(256);
		return size;
	case 1:
		text[at] = likely[draw(sizeof(likely))];
		return size;
	case 2:
		text[at] ^= 1 << draw(8);
		return size;
	case 3:
		len = draw(size - at < 32 ? size - at : 32);
		memmove(text + at, text + at + len, size - at - len);
		return size - len;
	case 4:
		return duplicate(text, size, true);
	}
	return duplicate(text, size, false);
}

/* Whether it is one line of the right form */
static bool well_put(const char *error)
{
	const char *at;

	for (at = error; *at; at++)
		if (iscntrl((unsigned char)*at))
			return false;
	return !strncmp(error, "f:", 2) && strstr(error, "; expected ") && at[-1] != ' ';
}

static int round_of(const char *seed, unsigned int nr_changes)
{
	struct nuse_config config = { 0 };
	char error[NUSE_LINE] = "", work[ROOM], *exact;
	size_t size = strlen(seed);
	int err;

	memcpy(work, seed, size);
	while (nr_changes-- && size)
		size = mutate(work, size);
	exact = malloc(size);	/* valgrind sees a byte too far */
	memcpy(exact, work, size);
	err = nuse_config_parse(&config, "f", exact, size, error);
	if (err && !well_put(error)) {
		complain("refused with \"%s\":\n%.*s", error, (int)size, exact);
		return 1;
	}
	nuse_config_free(&config);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 1000, i;

	for (i = 0; i < rounds; i++)
		if (round_of(seeds[i % ARRAY_SIZE(seeds)], 1 + draw(8)))
			return 1;
	return 0;
}
