// SPDX-License-Identifier: GPL-2.0
/*
 * cable.c - joins two devices.
 *
 * Each end has a ring of packets that its kernel sent and a ring of tokens that
 * go back to it. The sender's side of both is touched under the lock of the
 * end's instance, the other side under that of its peer's; a letter tells the
 * peer to look. A perfect line hands the kernel's own pieces of memory to the
 * peer's kernel, which copies them, and returns the tokens; a small packet is
 * copied into the ring instead, and done with at once. Between two namespaces
 * of one kernel a perfect line is that kernel's matter: it joins the devices
 * itself as long as nobody listens.
 *
 * Any other line is worked out by the receiver when it looks, from the time at
 * which each packet was sent, in three steps: the queue, where a packet waits
 * until its last bit is on the line and its token can go back; the flight; and
 * arrival, which is an event of the receiver. What flies is a copy.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/random.h"
#include "device.h"

#define DEFAULT_QUEUE	256
#define MAX_QUEUE	65536
#define NS_PER_S	1000000000ULL
#define BATCH		64
#define SMALL		256	/* bytes of a packet that is copied at once */
#define NO_TOKEN	UINT64_MAX

/* A packet on the line */
struct flight {
	struct flight *next;
	uint64_t arrival;
	struct lib_vnet vnet;
	uint32_t len;
	unsigned char data[];
};

/* A small packet in one piece */
struct small {
	struct lib_iov iov;
	unsigned char data[SMALL];
};

/* A token on its way back to the kernel, valid from a time on */
struct receipt {
	uint64_t token;
	uint64_t when;
};

/**
 * struct end - one end of a cable, and the direction that leaves it
 * @dev:	its device
 * @cable:	the cable
 * @peer:	the other end
 * @letter:	tells the peer of new packets, or of tokens of its own
 * @size:	entries of the rings, a power of two
 * @sent:	packets, with @sent_at: times; filled up to @sent_head by this
 *		end, emptied up to @sent_tail by the peer
 * @small:	copies of small ones among them
 * @receipts:	tokens; filled up to @receipts_head by the peer, emptied by this
 *		end up to @receipts_tail
 * @done:	event of this end: the first receipt is valid
 * @line:	what the direction is like; under the peer's lock, as are:
 * @perfect:	it is nothing but a way to the peer
 * @rng:	its random numbers
 * @busy_until:	when the last bit sent so far is on the line
 * @first:	flights, by time of arrival; @last of them
 * @arrive:	event of the peer: the first flight ends
 */
struct end {
	struct libos_dev dev;
	struct cable *cable;
	struct end *peer;
	struct letter letter;
	uint32_t size;

	struct lib_packet *sent;
	uint64_t *sent_at;
	struct small *small;
	uint32_t sent_head;
	uint32_t receipts_tail;
	struct event done;

	uint32_t sent_tail __attribute__((aligned(64)));
	uint32_t receipts_head;
	struct receipt *receipts;
	struct libos_line line;
	bool perfect;
	struct rng rng;
	uint64_t busy_until;
	struct flight *first;
	struct flight **last;
	struct event arrive;
};

struct cable {
	struct end end[2];
	bool cut;		/* under the locks of both */
};

static uint64_t now_of(struct libos *l)
{
	return l->host.clock_ns(l);
}

static uint32_t load(const uint32_t *index)
{
	return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *index, uint32_t value)
{
	__atomic_store_n(index, value, __ATOMIC_RELEASE);
}

/* ------------------------------------------------------------------- sender */

static void *copy_packet(void *to, const struct lib_packet *pkt)
{
	unsigned char *end = to;
	uint32_t i;

	for (i = 0; i < pkt->nr_iov; end += pkt->iov[i++].len)
		memcpy(end, pkt->iov[i].base, pkt->iov[i].len);
	return to;
}

static void send_copy(struct end *end, uint32_t at, const struct lib_packet *pkt)
{
	struct small *small = &end->small[at];

	small->iov = (struct lib_iov) { copy_packet(small->data, pkt), pkt->len };
	end->sent[at] = (struct lib_packet) {
		.iov = &small->iov, .nr_iov = 1, .len = pkt->len, .vnet = pkt->vnet,
		.token = NO_TOKEN,
	};
}

/*
 * On a small stack of the kernel. What is done with comes first in a batch, and
 * only while half of the ring is free: the other half is for what is not.
 */
static unsigned int cable_xmit(struct libos_dev *dev, const struct lib_packet *pkts,
			       unsigned int nr)
{
	struct end *end = container_of(dev, struct end, dev);
	uint64_t now = end->perfect ? 0 : now_of(dev->l);
	uint32_t head = end->sent_head, full = load(&end->sent_tail) + end->size / 2, at;
	unsigned int done = 0, i;

	for (i = 0; i < nr; i++, head++) {
		at = head & (end->size - 1);
		if (done == i && end->perfect && head != full && pkts[i].len <= SMALL) {
			send_copy(end, at, &pkts[i]);
			done++;
		} else {
			end->sent[at] = pkts[i];
		}
		end->sent_at[at] = now;
	}
	store(&end->sent_head, head);
	mail_post(&end->letter);
	return done;
}

/* Gives back what has left: tokens whose time has come. */
static void take_receipts(struct end *end)
{
	uint32_t head = load(&end->receipts_head), tail = end->receipts_tail;
	uint64_t tokens[BATCH], now = 0;
	struct receipt *receipt;
	unsigned int nr = 0;

	for (; tail != head; tail++) {
		receipt = &end->receipts[tail & (end->size - 1)];
		if (receipt->when && !now)
			now = now_of(end->dev.l);
		if (receipt->when > now) {
			event_set(end->dev.l, &end->done, receipt->when);
			break;
		}
		tokens[nr++] = receipt->token;
		if (nr == BATCH) {
			store(&end->receipts_tail, tail + 1);
			device_tx_done(&end->dev, tokens, nr);
			nr = 0;
		}
	}
	store(&end->receipts_tail, tail);
	if (nr)
		device_tx_done(&end->dev, tokens, nr);
}

static void done_event(struct event *event)
{
	take_receipts(container_of(event, struct end, done));
}

/* ----------------------------------------------------------------- receiver */

static void put_receipt(struct end *end, uint64_t token, uint64_t when)
{
	uint32_t head = end->receipts_head;

	if (token == NO_TOKEN)
		return;
	end->receipts[head & (end->size - 1)] = (struct receipt) { token, when };
	store(&end->receipts_head, head + 1);
}

/* A perfect line: packets go straight to the kernel, in pieces of the ring. */
static void pass_on(struct end *end)
{
	uint32_t head = load(&end->sent_head), tail = end->sent_tail, at, nr, i;

	while (tail != head) {
		at = tail & (end->size - 1);
		nr = min(head - tail, end->size - at);
		device_rx(&end->peer->dev, &end->sent[at], nr);
		for (i = 0; i < nr; i++)
			put_receipt(end, end->sent[at + i].token, 0);
		tail += nr;
		store(&end->sent_tail, tail);
	}
}

static struct flight *copy(const struct lib_packet *pkt)
{
	struct flight *flight = malloc(sizeof(*flight) + pkt->len);

	if (!flight)
		return NULL;
	flight->vnet = pkt->vnet;
	flight->len = pkt->len;
	copy_packet(flight->data, pkt);
	return flight;
}

/* Into the line in order of arrival: nearly always behind all others. */
static void take_off(struct end *end, const struct lib_packet *pkt, uint64_t arrival)
{
	struct flight *flight = copy(pkt), **at = end->last;
	uint64_t bit;

	if (!flight)
		return;		/* lost */
	if (rng_chance(&end->rng, end->line.corrupt)) {
		bit = rng_next(&end->rng) % (8ULL * flight->len);
		flight->data[bit / 8] ^= 1 << bit % 8;
	}
	flight->arrival = arrival;
	if (at != &end->first && container_of(at, struct flight, next)->arrival > arrival)
		for (at = &end->first; (*at)->arrival <= arrival; at = &(*at)->next)
			;
	flight->next = *at;
	*at = flight;
	if (at == end->last)
		end->last = &flight->next;
}

/* Bytes on the line: a large segment goes as packets with headers of their own. */
static uint64_t wire_bytes(const struct lib_packet *pkt)
{
	const struct lib_vnet *vnet = &pkt->vnet;
	uint64_t payload = pkt->len - min(vnet->hdr_len, pkt->len);

	if (vnet->gso_type == LIB_VNET_GSO_NONE || !vnet->gso_size)
		return pkt->len;
	return payload + vnet->hdr_len * ((payload + vnet->gso_size - 1) / vnet->gso_size);
}

static void send_one(struct end *end, const struct lib_packet *pkt, uint64_t sent_at)
{
	const struct libos_line *line = &end->line;
	uint64_t arrival = max(sent_at, end->busy_until);

	if (line->rate_bps)
		arrival += (wire_bytes(pkt) * 8 * NS_PER_S + line->rate_bps - 1) / line->rate_bps;
	end->busy_until = arrival;
	put_receipt(end, pkt->token, line->rate_bps ? arrival : 0);
	if (rng_chance(&end->rng, line->loss))
		return;
	if (!rng_chance(&end->rng, line->reorder))
		arrival += line->delay_ns;
	take_off(end, pkt, arrival);
	if (rng_chance(&end->rng, line->duplicate))
		take_off(end, pkt, arrival);
}

/* Lets what has arrived into the kernel. */
static void land(struct end *end)
{
	uint64_t now = end->first ? now_of(end->peer->dev.l) : 0;
	struct flight *flight, *landed = end->first, *next;
	struct lib_packet pkts[BATCH];
	struct lib_iov iov[BATCH];
	unsigned int nr = 0;

	for (flight = landed; flight && flight->arrival <= now; flight = flight->next) {
		iov[nr] = (struct lib_iov) { flight->data, flight->len };
		pkts[nr] = (struct lib_packet) {
			.iov = &iov[nr], .nr_iov = 1, .len = flight->len, .vnet = flight->vnet,
		};
		if (++nr == BATCH) {
			device_rx(&end->peer->dev, pkts, nr);
			nr = 0;
		}
	}
	if (nr)
		device_rx(&end->peer->dev, pkts, nr);
	end->first = flight;
	if (!flight)
		end->last = &end->first;
	for (; landed != flight; landed = next) {
		next = landed->next;
		free(landed);
	}
	if (flight)
		event_set(end->peer->dev.l, &end->arrive, flight->arrival);
}

static void arrive_event(struct event *event)
{
	land(container_of(event, struct end, arrive));
}

/* In the peer's instance: looks at what came, and at what comes back. */
static void cable_deliver(struct letter *letter)
{
	struct end *end = container_of(letter, struct end, letter), *peer = end->peer;
	uint32_t head = load(&end->sent_head), tail = end->sent_tail, at;
	uint32_t receipts = end->receipts_head;

	if (end->cable->cut)
		return;
	take_receipts(peer);
	if (tail == head)
		return;
	if (end->perfect && !end->first) {
		pass_on(end);
	} else {
		for (; tail != head; tail++) {
			at = tail & (end->size - 1);
			send_one(end, &end->sent[at], end->sent_at[at]);
		}
		store(&end->sent_tail, tail);
		land(end);
	}
	if (end->receipts_head != receipts)
		mail_post(&peer->letter);
}

/* --------------------------------------------------------------------- life */

static int check_probability(const char *what, double p)
{
	if (p >= 0 && p <= 1)
		return 0;
	return fail(EINVAL, "libos_line::%s is %g: a probability is between 0 and 1", what, p);
}

static int check_line(const struct libos_line *line)
{
	int err = 0;

	err = err ?: check_probability("loss", line->loss);
	err = err ?: check_probability("duplicate", line->duplicate);
	err = err ?: check_probability("corrupt", line->corrupt);
	err = err ?: check_probability("reorder", line->reorder);
	if (!err && line->reorder > 0 && !line->delay_ns)
		err = fail(EINVAL, "libos_line::reorder needs a delay to skip");
	if (!err && line->queue > MAX_QUEUE)
		err = fail(EINVAL, "libos_line::queue is %u: at most %u packets", line->queue,
			   MAX_QUEUE);
	return err;
}

static int check_ends(const struct libos_port *a, const struct libos_port *b,
		      const struct libos_cable *cable)
{
	if (here.inside)
		return fail(EDEADLK, "a cable cannot be made from inside %s", here.inside->name);
	if (a->libos->world != b->libos->world)
		return fail(EINVAL, "%s and %s live in different times: no cable can join them",
			    a->libos->name, b->libos->name);
	if (!cable)
		return 0;
	if (cable->size != sizeof(*cable))
		return fail(EINVAL, "libos_cable::size is %u, not %zu: set it to sizeof(struct libos_cable)",
			    cable->size, sizeof(*cable));
	if (cable->flags & ~(LIBOS_CABLE_NO_CSUM | LIBOS_CABLE_NO_GSO))
		return fail(EINVAL, "libos_cable::flags has unknown bits: %#x", cable->flags);
	return check_line(&cable->line[0]) ?: check_line(&cable->line[1]);
}

static uint32_t features(const struct libos_cable *cable, const struct libos_line *line)
{
	uint32_t bits = LIB_NETDEV_F_CSUM | LIB_NETDEV_F_TSO | LIB_NETDEV_F_USO;

	if (cable->flags & LIBOS_CABLE_NO_GSO || line->rate_bps || line->loss > 0 ||
	    line->duplicate > 0 || line->reorder > 0)
		bits &= LIB_NETDEV_F_CSUM;
	if (cable->flags & LIBOS_CABLE_NO_CSUM || line->corrupt > 0)
		bits = 0;
	return bits;
}

static void set_line(struct end *end, const struct libos_line *line)
{
	end->line = *line;
	end->perfect = !line->delay_ns && !line->rate_bps && !(line->loss > 0) &&
		       !(line->duplicate > 0) && !(line->corrupt > 0);
}

static int end_init(struct end *end, struct cable *cable, const struct libos_line *line,
		    uint64_t seed)
{
	uint32_t queue = line->queue ? line->queue : DEFAULT_QUEUE;

	end->cable = cable;
	end->peer = end == &cable->end[0] ? &cable->end[1] : &cable->end[0];
	end->last = &end->first;
	end->letter.deliver = cable_deliver;
	end->done.fn = done_event;
	end->arrive.fn = arrive_event;
	rng_seed(&end->rng, seed, end - cable->end);
	set_line(end, line);
	for (end->size = 2; end->size < 2 * queue; end->size *= 2)
		;
	end->sent = malloc(end->size * sizeof(*end->sent));
	end->sent_at = malloc(end->size * sizeof(*end->sent_at));
	end->small = malloc(end->size * sizeof(*end->small));
	end->receipts = malloc(end->size * sizeof(*end->receipts));
	return end->sent && end->sent_at && end->small && end->receipts ?
	       0 : fail(ENOMEM, "out of memory");
}

static void end_free(struct end *end)
{
	struct flight *next;

	for (; end->first; end->first = next) {
		next = end->first->next;
		free(end->first);
	}
	free(end->sent);
	free(end->sent_at);
	free(end->small);
	free(end->receipts);
}

static void cable_free(struct cable *cable)
{
	end_free(&cable->end[0]);
	end_free(&cable->end[1]);
	free(cable);
}

/* Events of an end's own instance, and room for them */
static int promise_events(struct libos *l)
{
	int err;

	enter(l);
	err = heap_promise(l->heap, 2);
	leave(l);
	return err ? fail(-err, "out of memory") : 0;
}

static void drop_events(struct end *end)
{
	struct libos *l = end->dev.l;

	enter(l);
	event_clear(l, &end->done);
	event_clear(l, &end->peer->arrive);
	heap_release(l->heap, 2);
	leave(l);
}

/* From here on no packet is looked at any more. */
static void cut(struct cable *cable)
{
	struct libos *a = cable->end[0].dev.l, *b = cable->end[1].dev.l;
	struct libos *first = min(a, b), *second = max(a, b);

	enter(first);
	if (second != first)
		lock(&second->lock);
	cable->cut = true;
	if (second != first)
		unlock(&second->lock);
	leave(first);
	if (second != first) {	/* what came for it meanwhile */
		enter(second);
		leave(second);
	}
}

static void cable_close(struct libos_dev *dev)
{
	struct cable *cable = container_of(dev, struct end, dev)->cable;
	int i;

	cut(cable);
	for (i = 0; i < 2; i++)
		device_destroy(&cable->end[i].dev);
	for (i = 0; i < 2; i++)
		mail_stop(&cable->end[i].letter);
	for (i = 0; i < 2; i++)
		drop_events(&cable->end[i]);
	cable_free(cable);
}

/* Under the lock of both: whether the kernel may do it all itself */
static void set_joined(struct end *end)
{
	struct end *peer = end->peer;
	struct libos *l = end->dev.l;
	bool join = end->perfect && peer->perfect && !end->dev.pcap && !peer->dev.pcap;

	if (l == peer->dev.l)
		l->exports.netdev_join(end->dev.id, join ? peer->dev.id : 0);
}

static void cable_captured(struct libos_dev *dev)
{
	set_joined(container_of(dev, struct end, dev));
}

static const struct device_ops cable_ops = {
	.xmit = cable_xmit,
	.captured = cable_captured,
	.close = cable_close,
};

static int end_open(struct end *end, const struct libos_port *port,
		    const struct libos_port *peer, uint32_t bits)
{
	int err;

	end->dev.l = port->libos;
	end->letter.from = port->libos;
	end->letter.to = peer->libos;
	err = promise_events(port->libos);
	if (err)
		return err;
	err = device_create(&end->dev, &cable_ops, port, bits, end->line.queue);
	if (err)
		drop_events(end);
	return err;
}

int libos_cable(const struct libos_port *a, const struct libos_port *b,
		const struct libos_cable *how, struct libos_dev *dev[2])
{
	static const struct libos_cable perfect = { .size = sizeof(perfect) };
	int err = check_ends(a, b, how);
	struct cable *cable;
	uint64_t seed;

	if (err)
		return err;
	how = how ? how : &perfect;
	seed = how->seed || !a->libos->world ? how->seed : world_new_seed(a->libos->world);
	cable = aligned_alloc(64, sizeof(*cable));
	if (!cable)
		return fail(ENOMEM, "out of memory");
	memset(cable, 0, sizeof(*cable));
	err = end_init(&cable->end[0], cable, &how->line[0], seed);
	err = err ?: end_init(&cable->end[1], cable, &how->line[1], seed);
	err = err ?: end_open(&cable->end[0], a, b, features(how, &how->line[0]));
	if (err) {
		cable_free(cable);
		return err;
	}
	err = end_open(&cable->end[1], b, a, features(how, &how->line[1]));
	if (err) {
		cable->end[1].dev.l = b->libos;
		device_destroy(&cable->end[0].dev);
		drop_events(&cable->end[0]);
		cable_free(cable);
		return err;
	}
	if (a->libos == b->libos) {
		enter(a->libos);
		set_joined(&cable->end[0]);
		leave(a->libos);
	}
	if (dev) {
		dev[0] = &cable->end[0].dev;
		dev[1] = &cable->end[1].dev;
	}
	return 0;
}

int libos_cable_set(struct libos_dev *dev, const struct libos_line *line)
{
	struct end *end = container_of(dev, struct end, dev);
	int err = check_line(line);

	if (err)
		return err;
	if (dev->ops != &cable_ops)
		return fail(EINVAL, "%s is no end of a cable", dev->name);
	if (here.inside)
		return fail(EDEADLK, "a line cannot be changed from inside an instance");
	enter(end->peer->dev.l);
	set_line(end, line);
	set_joined(end);
	leave(end->peer->dev.l);
	return 0;
}
