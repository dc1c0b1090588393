#include "common/event_wire.h"

#include <stdbool.h>
#include <string.h>

/* Behind it: listener, peer, reason, then the facts. */
struct wire_head {
	uint64_t at_ms;
	uint16_t size; /* with the head, and what fills it up to 8 */
	uint8_t type;
	uint8_t facts;
	uint8_t listener; /* bytes with NUL; 0: none */
	uint8_t peer;
	uint16_t reason;
};

/* A text of a fact follows it. */
struct wire_fact {
	int64_t number;
	uint8_t id;
	uint8_t text; /* bytes with NUL; 0: none */
	uint8_t unused[6];
};

struct writer {
	uint8_t *at;
	size_t left;
	bool full;
};

struct reader {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static size_t
padded(size_t size)
{
	return (size + 7u) & ~(size_t)7u;
}

/* Bytes of text that are kept: max, but never half a character. */
static size_t
kept(const char *text, size_t max)
{
	size_t len = strnlen(text, max + 1);

	if (len <= max)
		return len;
	len = max;
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static void
put(struct writer *w, const void *bytes, size_t size)
{
	if (w->full || size > w->left) {
		w->full = true;
		return;
	}
	memcpy(w->at, bytes, size);
	w->at += size;
	w->left -= size;
}

/* Returns the bytes that it takes with its NUL; 0 for no text. */
static size_t
put_text(struct writer *w, const char *text, size_t max)
{
	const size_t len = text == NULL ? 0 : kept(text, max);

	if (text == NULL)
		return 0;
	put(w, text, len);
	put(w, "", 1);
	return len + 1;
}

static void
put_padding(struct writer *w, size_t size)
{
	static const uint8_t zeros[8];

	put(w, zeros, padded(size) - size);
}

static void
put_fact(struct writer *w, const struct event_fact *f)
{
	struct wire_fact wire = { .number = f->number, .id = (uint8_t)f->id };

	if (f->text != NULL)
		wire.text = (uint8_t)(kept(f->text, EVENT_FACT_TEXT_MAX) + 1);
	put(w, &wire, sizeof(wire));
	(void)put_text(w, f->text, EVENT_FACT_TEXT_MAX);
	put_padding(w, wire.text);
}

size_t
event_encode(const struct health_event *e, uint8_t *out, size_t size)
{
	struct wire_head head = { .at_ms = e->at_ms,
		.type = (uint8_t)e->type,
		.facts = (uint8_t)e->fact_count };
	struct writer w = { .at = out, .left = size };
	size_t texts;
	unsigned int i;

	put(&w, &head, sizeof(head));
	head.listener = (uint8_t)put_text(&w, e->listener, EVENT_NAME_MAX);
	head.peer = (uint8_t)put_text(&w, e->peer, EVENT_NAME_MAX);
	head.reason = (uint16_t)put_text(&w, e->reason, EVENT_REASON_MAX);
	texts = (size_t)head.listener + head.peer + head.reason;
	put_padding(&w, texts);
	for (i = 0; i < e->fact_count; i++)
		put_fact(&w, &e->facts[i]);
	if (w.full)
		return 0;
	head.size = (uint16_t)(size - w.left);
	memcpy(out, &head, sizeof(head));
	return head.size;
}

static const void *
take(struct reader *r, size_t size)
{
	const uint8_t *at = r->at;

	if (r->bad || size > r->left) {
		r->bad = true;
		return NULL;
	}
	r->at += size;
	r->left -= size;
	return at;
}

/* A text of size bytes with its NUL, which stands nowhere else. */
static const char *
take_text(struct reader *r, size_t size)
{
	const char *text = take(r, size);

	if (size == 0 || text == NULL)
		return NULL;
	if (strnlen(text, size) == size - 1)
		return text;
	r->bad = true;
	return NULL;
}

static void
take_fact(struct reader *r, struct health_event *e)
{
	struct event_fact *f = &e->facts[e->fact_count];
	struct wire_fact wire;
	const void *p = take(r, sizeof(wire));

	if (p == NULL)
		return;
	memcpy(&wire, p, sizeof(wire));
	*f = (struct event_fact){ .id = (enum fact_id)wire.id,
		.number = wire.number,
		.text = take_text(r, wire.text) };
	(void)take(r, padded(wire.text) - wire.text);
	if (wire.id >= FACT_COUNT_OF_ALL ||
	    (fact_kind(f->id) == FACT_TEXT) != (f->text != NULL))
		r->bad = true;
	else
		e->fact_count++;
}

size_t
event_decode(const uint8_t *in, size_t size, struct health_event *e)
{
	struct reader r = { .at = in, .left = size };
	struct wire_head head;
	size_t texts;
	unsigned int i;

	memset(e, 0, sizeof(*e));
	if (size < sizeof(head))
		return 0;
	memcpy(&head, take(&r, sizeof(head)), sizeof(head));
	if (head.type >= EVENT_TYPE_COUNT || head.facts > EVENT_FACTS_MAX ||
	    head.size > size || head.size < sizeof(head) || head.size % 8 != 0)
		return 0;
	r.left = head.size - sizeof(head);
	e->at_ms = head.at_ms;
	e->type = (enum event_type)head.type;
	e->listener = take_text(&r, head.listener);
	e->peer = take_text(&r, head.peer);
	e->reason = take_text(&r, head.reason);
	texts = (size_t)head.listener + head.peer + head.reason;
	(void)take(&r, padded(texts) - texts);
	for (i = 0; i < head.facts && !r.bad; i++)
		take_fact(&r, e);
	return r.bad || r.left != 0 ? 0 : head.size;
}

uint32_t
event_batch_count(const uint8_t *datagram, size_t size)
{
	struct event_batch head;

	if (size < sizeof(head) || size > EVENT_BATCH_SIZE)
		return 0;
	memcpy(&head, datagram, sizeof(head));
	if (head.version != EVENT_WIRE_VERSION ||
	    head.count > size / sizeof(struct wire_head))
		return 0;
	return head.count;
}
