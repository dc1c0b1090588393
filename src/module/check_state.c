#include "module/check_state.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/conn_id.h"
#include "common/log.h"
#include "common/spec.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/protocol.h"
#include "pool/stream.h"

/* What is not to be used any more. */
#define NONSENSE 0xdb

static struct mercury_conn *
outside(struct conn *c)
{
	return (struct mercury_conn *)(void *)c;
}

static void complain(struct conn *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static void
complain(struct conn *c, const char *fmt, ...)
{
	char id[CONN_ID_SIZE], text[200];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	conn_id_format(c->id, id);
	log_error("listener", c->list->spec->name,
	    "connection %s: check_state of module %s: %s", id,
	    c->use->calls->name, text);
	c->reset = true;
	stream_doom(c, CONN_END_PROTOCOL_CLOSED);
}

/* Returns how many bytes, or -1 when it was told that they are too many. */
static ssize_t
save(struct conn *c, uint8_t bytes[static MERCURY_STATE_MAX])
{
	const size_t n =
	    c->use->calls->save(outside(c), bytes, MERCURY_STATE_MAX);

	if (n <= MERCURY_STATE_MAX)
		return (ssize_t)n;
	complain(c, "save() has %zu bytes, more than %u", n, MERCURY_STATE_MAX);
	return -1;
}

/* The old state is over, and nothing can be sent meanwhile. */
static void
leave_old(struct conn *c)
{
	if (c->use->calls->closed == NULL)
		return;
	c->doomed = true;
	c->use->calls->closed(outside(c), MERCURY_END_MOVED);
	c->doomed = false;
}

/* Go to the other half of the room; the old one becomes nonsense. */
static void
shift(struct conn *c)
{
	memset(conn_state(c), NONSENSE, c->use->calls->state_size);
	c->shifted = !c->shifted;
	memset(conn_state(c), 0, c->use->calls->state_size);
}

static void
compare(struct conn *c, const uint8_t *before, const uint8_t *after, size_t len)
{
	size_t i = 0;

	while (i < len && before[i] == after[i])
		i++;
	if (i < len)
		complain(c,
		    "what save() writes after restore() differs from what it "
		    "wrote before, from byte %zu on",
		    i);
}

static void
move_saved(struct conn *c)
{
	static uint8_t before[MERCURY_STATE_MAX], after[MERCURY_STATE_MAX];
	const ssize_t had = save(c, before);
	ssize_t has;

	if (had == -1)
		return;
	leave_old(c);
	shift(c);
	if (c->use->calls->restore(outside(c), before, (size_t)had) == -1) {
		c->unopened = true;
		complain(c, "restore() refuses the %zd bytes of save()", had);
		return;
	}
	has = save(c, after);
	if (has != -1 && has != had)
		complain(c, "save() has %zd bytes, and after restore() %zd",
		    had, has);
	else if (has != -1)
		compare(c, before, after, (size_t)has);
}

static void
move_bytes(struct conn *c)
{
	static uint8_t bytes[MERCURY_STATE_MAX];
	const size_t len = c->use->calls->state_size;

	memcpy(bytes, conn_state(c), len);
	shift(c);
	memcpy(conn_state(c), bytes, len);
}

/* The other half of the room is as it was left: zeroed, or nonsense. */
static bool
is_untouched(struct conn *c)
{
	const size_t len = c->use->calls->state_size;
	const uint8_t *half;
	size_t i;

	c->shifted = !c->shifted;
	half = conn_state(c);
	c->shifted = !c->shifted;
	for (i = 0; i < len; i++)
		if (half[i] != half[0] || (half[i] != 0 && half[i] != NONSENSE))
			return false;
	return true;
}

void
check_state(struct conn *c)
{
	if (!is_untouched(c)) {
		complain(c,
		    "it was written to where the state was before: something "
		    "keeps a pointer to it");
		return;
	}
	if (c->use->calls->save != NULL)
		move_saved(c);
	else if (c->use->calls->state_size > 0)
		move_bytes(c);
}
