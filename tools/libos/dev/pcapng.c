// SPDX-License-Identifier: GPL-2.0
/* pcapng.c - see pcapng.h; all is in the byte order of the machine, which the section tells */
#include "pcapng.h"

#define BLOCK_SECTION	0x0a0d0d0a
#define BLOCK_INTERFACE	1
#define BLOCK_PACKET	6
#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define LINKTYPE_ETHERNET 1
#define OPT_END		0
#define OPT_IF_NAME	2
#define OPT_IF_TSRESOL	9
#define OPT_EPB_FLAGS	2
#define FLAG_INBOUND	1
#define FLAG_OUTBOUND	2

struct block {
	uint32_t type;
	uint32_t len;		/* of all of it; stands at its end, too */
};

struct section {
	struct block block;
	uint32_t magic;
	uint16_t major, minor;
	int64_t length;
	uint32_t len;
} __attribute__((packed));

struct interface {
	struct block block;
	uint16_t linktype;
	uint16_t reserved;
	uint32_t snaplen;	/* 0: no limit */
};

struct packet {
	struct block block;
	uint32_t id;
	uint32_t time_high, time_low;
	uint32_t captured, len;
};

/* What stands behind the bytes of a packet and their padding */
struct packet_end {
	uint16_t flags_code, flags_len;
	uint32_t flags;
	uint16_t end_code, end_len;
	uint32_t len;
};

static uint32_t padding(uint32_t len)
{
	return -len & 3;
}

static size_t put(void *to, const void *data, size_t len)
{
	__builtin_memcpy(to, data, len);
	return len;
}

static size_t put_option(unsigned char *to, uint16_t code, const void *data, uint16_t len)
{
	const uint16_t head[2] = { code, len };
	size_t at = put(to, head, sizeof(head));

	at += put(to + at, data, len);
	return at + put(to + at, "\0\0\0", padding(len));
}

size_t pcapng_section(void *to)
{
	static const struct section section = {
		.block = { BLOCK_SECTION, sizeof(section) },
		.magic = BYTE_ORDER_MAGIC,
		.major = 1,
		.length = -1,
		.len = sizeof(section),
	};

	return put(to, &section, sizeof(section));
}

size_t pcapng_interface(void *to, const char *name)
{
	static const unsigned char nanoseconds = 9;
	struct interface head = { { BLOCK_INTERFACE, 0 }, LINKTYPE_ETHERNET, 0, 0 };
	size_t at = sizeof(head), len = 0;

	while (name[len] && len < PCAPNG_NAME)
		len++;
	at += put_option((unsigned char *)to + at, OPT_IF_NAME, name, len);
	at += put_option((unsigned char *)to + at, OPT_IF_TSRESOL, &nanoseconds, 1);
	at += put_option((unsigned char *)to + at, OPT_END, "", 0);
	head.block.len = at + sizeof(head.block.len);
	put(to, &head, sizeof(head));
	return at + put((unsigned char *)to + at, &head.block.len, sizeof(head.block.len));
}

static uint32_t packet_len(uint32_t len)
{
	return sizeof(struct packet) + len + padding(len) + sizeof(struct packet_end);
}

size_t pcapng_packet_begin(void *to, uint32_t id, uint64_t ns, uint32_t len)
{
	const struct packet head = {
		.block = { BLOCK_PACKET, packet_len(len) },
		.id = id,
		.time_high = ns >> 32,
		.time_low = ns,
		.captured = len,
		.len = len,
	};

	return put(to, &head, sizeof(head));
}

size_t pcapng_packet_end(void *to, uint32_t len, bool out)
{
	const struct packet_end end = {
		.flags_code = OPT_EPB_FLAGS,
		.flags_len = sizeof(end.flags),
		.flags = out ? FLAG_OUTBOUND : FLAG_INBOUND,
		.end_code = OPT_END,
		.len = packet_len(len),
	};
	size_t at = put(to, "\0\0\0", padding(len));

	return at + put((unsigned char *)to + at, &end, sizeof(end));
}
