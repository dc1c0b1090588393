/*
 * iso8583-echo: answers network management messages (0800: sign-on, sign-off,
 * echo test) as the host of a fleet of payment terminals does, and refuses
 * transactions. The messages are in iso8583.c; here is what makes a module of
 * it: framing, the state of a connection, a timer, counters.
 */
#include <mercury/protocol.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iso8583.h"

#define HEADER 2u
#define MESSAGE_MAX 4096u
#define SILENCE_MAX 86400

enum counter { ECHOES, REFUSED, BAD_FRAMES, SILENT };

static const char *const counters[] = { [ECHOES] = "echoes",
	[REFUSED] = "refused",
	[BAD_FRAMES] = "bad_frames",
	[SILENT] = "silent",
	NULL };

/* Of a listener. */
struct config {
	uint64_t silence_ms; /* 0: a terminal may say nothing for ever */
};

/*
 * Of a connection. It has values only, so that it can move to another process
 * as it is, without save() and restore().
 */
struct state {
	uint64_t heard_ms; /* the last message */
	uint8_t is_signed_on;
};

static int
configure(struct mercury_listener *listener,
    const struct mercury_option *options, size_t count, void **config,
    char *error, size_t size)
{
	struct config *own = calloc(1, sizeof(*own));
	unsigned long seconds = 0;
	char *end;
	size_t i;

	(void)listener;
	if (own == NULL) {
		(void)snprintf(error, size, "out of memory");
		return -1;
	}
	for (i = 0; i < count; i++) {
		seconds = strtoul(options[i].value, &end, 10);
		if (strcmp(options[i].name, "silence") != 0 ||
		    end == options[i].value || *end != '\0' ||
		    seconds > SILENCE_MAX) {
			(void)snprintf(error, size,
			    "%s=%s: there is only silence, the seconds that a "
			    "terminal may say nothing, from 0 (for ever) to %d",
			    options[i].name, options[i].value, SILENCE_MAX);
			free(own);
			return -1;
		}
	}
	own->silence_ms = 1000 * (uint64_t)seconds;
	*config = own;
	return 0;
}

/* It was heard: the time begins anew. */
static void
note_heard(struct mercury_conn *c)
{
	const struct config *config = mercury_config(c);
	struct state *s = mercury_state(c);

	s->heard_ms = mercury_now_ms();
	mercury_set_timer(c, config->silence_ms);
}

static void
timer(struct mercury_conn *c)
{
	const struct state *s = mercury_state(c);

	mercury_count(c, SILENT, 1);
	mercury_log(c, MERCURY_LOG_INFO, "%s and silent for %llu ms",
	    s->is_signed_on ? "signed on" : "not signed on",
	    (unsigned long long)(mercury_now_ms() - s->heard_ms));
	mercury_report(c, "silent", NULL);
	mercury_finish(c);
}

/* The message with its length in front. */
static void
send_message(struct mercury_conn *c, const struct iso8583_message *m)
{
	uint8_t frame[HEADER + MESSAGE_MAX + 16];
	const size_t len =
	    iso8583_write(m, frame + HEADER, sizeof(frame) - HEADER);

	frame[0] = (uint8_t)(len >> 8);
	frame[1] = (uint8_t)len;
	if (len > 0)
		(void)mercury_send(c, frame, HEADER + len);
}

/* Where the next message would begin may not be known any more. */
static void
bad_frame(struct mercury_conn *c, const char *why)
{
	mercury_count(c, BAD_FRAMES, 1);
	mercury_report(c, "bad_frame", why);
	mercury_reset(c);
}

static void
note_sign(struct mercury_conn *c, const struct iso8583_field *code)
{
	struct state *s = mercury_state(c);

	if (code->len == 3 && memcmp(code->data, "001", 3) == 0)
		s->is_signed_on = true;
	if (code->len == 3 && memcmp(code->data, "002", 3) == 0)
		s->is_signed_on = false;
}

/* A request: 0800 is answered by 0810, 0200 by 0210 and so on. */
static void
answer(struct mercury_conn *c, struct iso8583_message *m)
{
	/* Time, trace number, reference, terminal, merchant, what was asked. */
	static const uint8_t repeated[] = { 7, 11, 24, 37, 41, 42, 70 };
	const bool is_management = strcmp(m->mti, "0800") == 0;
	struct iso8583_message out = { .mti = "" };
	size_t i;

	memcpy(out.mti, m->mti, sizeof(out.mti));
	out.mti[2]++;
	for (i = 0; i < sizeof(repeated); i++)
		out.fields[repeated[i]] = m->fields[repeated[i]];
	/* Done, or an invalid transaction. */
	out.fields[39] = (struct iso8583_field){
		(const uint8_t *)(is_management ? "00" : "12"), 2
	};
	if (is_management)
		note_sign(c, &m->fields[70]);
	mercury_count(c, is_management ? ECHOES : REFUSED, 1);
	send_message(c, &out);
}

/* Returns false when the connection ends with it. */
static bool
take(struct mercury_conn *c, const uint8_t *data, size_t len)
{
	struct iso8583_message m;
	const char *wrong = iso8583_read(data, len, &m);

	if (wrong == NULL && ((m.mti[2] - '0') % 2 != 0 || m.mti[2] > '4'))
		wrong = "this is no request";
	if (wrong != NULL) {
		bad_frame(c, wrong);
		return false;
	}
	answer(c, &m);
	return true;
}

static size_t
received(struct mercury_conn *c, uint8_t *data, size_t len)
{
	size_t used = 0, n;

	while (len - used >= HEADER && mercury_unsent(c) == 0) {
		n = (size_t)data[used] << 8 | data[used + 1];
		if (n > MESSAGE_MAX) {
			bad_frame(c, "a message of more than 4096 bytes");
			return len;
		}
		if (n > len - used - HEADER)
			break;
		note_heard(c);
		/* One that is empty is a sign of life. */
		if (n > 0 && !take(c, data + used + HEADER, n))
			return len;
		used += HEADER + n;
	}
	return used;
}

const struct mercury_protocol mercury_module = {
	.abi = MERCURY_ABI,
	.size = sizeof(mercury_module),
	.name = "iso8583-echo",
	.state_size = sizeof(struct state),
	.counters = counters,
	.configure = configure,
	.unconfigure = free,
	.opened = note_heard,
	.received = received,
	.timer = timer,
};
