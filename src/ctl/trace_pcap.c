#include "ctl/trace_pcap.h"

#include <sys/tree.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "ctl/packet.h"
#include "ctl/pcapng.h"
#include "ctl/trace_note.h"

/* An ACK of its own comes when so much is not acknowledged. */
#define ACK_EVERY_BYTES (PACKET_WINDOW_BYTES / 4)

#define COMMENT_SIZE 160

/* One direction of a connection. */
struct half {
	struct packet_end from;
	uint32_t first; /* the sequence number of the byte at base */
	bool based;
	uint64_t base;  /* the offset at which it was first seen */
	uint64_t next;  /* the offset behind what was sent */
	uint64_t acked; /* and behind what the other side has said to have */
};

struct flow {
	RB_ENTRY(flow) by_id;
	uint64_t id;
	uint64_t pid; /* of its worker */
	struct half in, out;
};

RB_HEAD(flow_tree, flow);

struct trace_pcap {
	struct pcapng *out;
	struct flow_tree flows;
	uint64_t unix_count; /* of those that got an address from us */
	uint64_t at_us;      /* of the last note */
	uint64_t packets;
	uint64_t lost;              /* records */
	char comment[COMMENT_SIZE]; /* for the next packet */
};

static int
compare_ids(const struct flow *a, const struct flow *b)
{
	return (a->id > b->id) - (a->id < b->id);
}

RB_PROTOTYPE(flow_tree, flow, by_id, compare_ids)
RB_GENERATE(flow_tree, flow, by_id, compare_ids)

/* --- packets --- */

static uint32_t
seq_of(const struct half *h, uint64_t offset)
{
	return h->first + (uint32_t)(offset - h->base);
}

/* One packet from a to b; n has its data, NULL: none. */
static void
put(struct trace_pcap *t, struct half *a, struct half *b, unsigned int flags,
    const struct trace_note *n)
{
	struct packet p = { .from = &a->from,
		.to = &b->from,
		.seq = seq_of(a, a->next) - (flags & PACKET_SYN ? 1 : 0),
		.ack = flags & PACKET_ACK ? seq_of(b, b->next) : 0,
		.flags = flags };
	uint8_t head[PACKET_HEAD_MAX];
	struct pcapng_packet out = { .at_us = t->at_us, .head = head };

	if (n != NULL) {
		p.data = out.data = n->data;
		p.len = out.data_len = n->len;
	}
	out.head_len = packet_head(&p, head);
	out.comment = t->comment[0] == '\0' ? NULL : t->comment;
	pcapng_add(t->out, &out);
	t->comment[0] = '\0';
	t->packets++;
	a->next += p.len;
	if (flags & PACKET_ACK)
		b->acked = b->next;
}

static void
put_handshake(struct trace_pcap *t, struct flow *f)
{
	put(t, &f->in, &f->out, PACKET_SYN, NULL);
	put(t, &f->out, &f->in, PACKET_SYN | PACKET_ACK, NULL);
	put(t, &f->in, &f->out, PACKET_ACK, NULL);
}

/* a has ended it, and b has seen that. */
static void
put_fins(struct trace_pcap *t, struct half *a, struct half *b)
{
	put(t, a, b, PACKET_FIN | PACKET_ACK, NULL);
	a->next++;
	put(t, b, a, PACKET_FIN | PACKET_ACK, NULL);
	b->next++;
	put(t, a, b, PACKET_ACK, NULL);
}

static void
put_end(struct trace_pcap *t, struct flow *f, const char *reason)
{
	if (strcmp(reason, "peer_closed") == 0)
		put_fins(t, &f->in, &f->out);
	else if (strcmp(reason, "peer_reset") == 0)
		put(t, &f->in, &f->out, PACKET_RST | PACKET_ACK, NULL);
	else if (strcmp(reason, "user_timeout") == 0 ||
	    strcmp(reason, "keepalive") == 0 ||
	    strcmp(reason, "worker_crash") == 0)
		put(t, &f->out, &f->in, PACKET_RST | PACKET_ACK, NULL);
	else
		put_fins(t, &f->out, &f->in);
}

/* --- flows --- */

/* Returns 0, or -1 when text is no "address:port". */
static int
read_end(const char *text, struct packet_end *out)
{
	const char *colon = text == NULL ? NULL : strrchr(text, ':');
	char host[64];
	union addr a;
	size_t len;

	if (colon == NULL)
		return -1;
	len = (size_t)(colon - text);
	if (len > 1 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len >= sizeof(host))
		return -1;
	memcpy(host, text, len);
	host[len] = '\0';
	out->port = (uint16_t)strtoul(colon + 1, NULL, 10);
	return addr_parse(host, out->port, &a) != 0 &&
		addr_bytes(&a, out->address)
	    ? 0
	    : -1;
}

/*
 * The ends of a Unix socket: from 198.18.0.0/15, which is for tests, each
 * connection a port of its own, to 192.0.2.1, which is for examples.
 */
static void
make_up_ends(struct trace_pcap *t, struct flow *f)
{
	const uint64_t n = t->unix_count++;
	const uint32_t host = (uint32_t)(n / 64000) & 0x1ffff;

	f->in.from = (struct packet_end){ .address = { [10] = 0xff,
					      0xff,
					      198,
					      18 | (uint8_t)(host >> 16),
					      (uint8_t)(host >> 8),
					      (uint8_t)host },
		.port = (uint16_t)(1024 + n % 64000) };
	f->out.from =
	    (struct packet_end){ .address = { [10] = 0xff, 0xff, 192, 0, 2, 1 },
		    .port = 1 };
}

static struct flow *
find_flow(struct trace_pcap *t, uint64_t id)
{
	struct flow key = { .id = id };

	return RB_FIND(flow_tree, &t->flows, &key);
}

static void
forget(struct trace_pcap *t, struct flow *f)
{
	RB_REMOVE(flow_tree, &t->flows, f);
	free(f);
}

/* The offset at which a direction is first seen is where it begins. */
static void
base(struct half *h, uint64_t offset)
{
	if (!h->based)
		h->base = h->next = h->acked = offset;
	h->based = true;
}

/* Not the same for two that have the same addresses. */
static uint32_t
first_of(uint64_t id)
{
	return (uint32_t)((id * 0x9e3779b97f4a7c15u) >> 32);
}

/* One that is seen for the first time. NULL when out of memory. */
static struct flow *
begin_flow(struct trace_pcap *t, const struct trace_note *n)
{
	struct flow *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->id = n->conn_id;
	f->pid = n->pid;
	if (read_end(n->peer, &f->in.from) == -1 ||
	    read_end(n->local, &f->out.from) == -1)
		make_up_ends(t, f);
	f->in.first = first_of(n->conn_id);
	f->out.first = first_of(~n->conn_id);
	RB_INSERT(flow_tree, &t->flows, f);
	if (n->kind == TRACE_NOTE_OPENED)
		f->in.based = f->out.based = true;
	else if (t->comment[0] == '\0')
		(void)snprintf(t->comment, sizeof(t->comment),
		    "it was open already");
	put_handshake(t, f);
	return f;
}

static void
add_data(struct trace_pcap *t, struct flow *f, const struct trace_note *n)
{
	struct half *a = n->in ? &f->in : &f->out;
	struct half *b = n->in ? &f->out : &f->in;

	base(a, n->offset);
	a->next = n->offset; /* further on than it was when some is lost */
	put(t, a, b, PACKET_PSH | PACKET_ACK, n);
	if (a->next - a->acked >= ACK_EVERY_BYTES)
		put(t, b, a, PACKET_ACK, NULL);
}

static void
close_flow(struct trace_pcap *t, struct flow *f, const struct trace_note *n)
{
	base(&f->in, n->bytes_in);
	base(&f->out, n->bytes_out);
	f->in.next = n->bytes_in;
	f->out.next = n->bytes_out;
	if (t->comment[0] == '\0')
		(void)snprintf(t->comment, sizeof(t->comment), "closed: %s",
		    n->reason);
	put_end(t, f, n->reason);
	forget(t, f);
}

/* It is gone; lost: what it had open has ended with it. */
static void
end_worker(struct trace_pcap *t, uint64_t pid, bool lost)
{
	struct flow *f, *next;

	RB_FOREACH_SAFE (f, flow_tree, &t->flows, next) {
		if (f->pid != pid)
			continue;
		if (lost) {
			(void)snprintf(t->comment, sizeof(t->comment),
			    "closed: worker_crash");
			put_end(t, f, "worker_crash");
		}
		forget(t, f);
	}
}

static void
note_lost(struct trace_pcap *t, const struct trace_note *n)
{
	t->lost += n->records;
	(void)snprintf(t->comment, sizeof(t->comment),
	    "lost before this: %" PRIu64 " records, %" PRIu64
	    " bytes in, %" PRIu64 " out",
	    n->records, n->bytes_in, n->bytes_out);
}

/* --- */

struct trace_pcap *
trace_pcap_new(struct pcapng *out)
{
	struct trace_pcap *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->out = out;
	RB_INIT(&t->flows);
	return t;
}

static int
add_conn(struct trace_pcap *t, const struct trace_note *n)
{
	struct flow *f = find_flow(t, n->conn_id);

	if (f == NULL)
		f = begin_flow(t, n);
	if (f == NULL)
		return -1;
	if (n->kind == TRACE_NOTE_DATA)
		add_data(t, f, n);
	else if (n->kind == TRACE_NOTE_CLOSED)
		close_flow(t, f, n);
	return 0;
}

int
trace_pcap_add(struct trace_pcap *t, const struct trace_note *n)
{
	if (n->at_us != 0)
		t->at_us = n->at_us;
	switch (n->kind) {
	case TRACE_NOTE_OPENED:
	case TRACE_NOTE_DATA:
	case TRACE_NOTE_CLOSED:
		return add_conn(t, n);
	case TRACE_NOTE_LOST:
		note_lost(t, n);
		break;
	case TRACE_NOTE_WORKER:
		if (strcmp(n->state, "joined") != 0)
			end_worker(t, n->pid, strcmp(n->state, "lost") == 0);
		break;
	case TRACE_NOTE_END:
	case TRACE_NOTE_OTHER:
		break;
	}
	return 0;
}

void
trace_pcap_end(struct trace_pcap *t)
{
	pcapng_statistics(t->out, t->at_us, t->packets, t->lost);
}

void
trace_pcap_free(struct trace_pcap **tp)
{
	struct trace_pcap *t = *tp;
	struct flow *f;

	*tp = NULL;
	if (t == NULL)
		return;
	while ((f = RB_ROOT(&t->flows)) != NULL)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		forget(t, f);
	free(t);
}
