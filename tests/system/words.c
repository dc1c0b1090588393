/*
 * words: a module for test_module.py that does what the lines it gets say, so
 * that each of its calls and each thing that can go wrong can be asked for.
 * Built many times, with -D of what is to be wrong with it.
 */
#include <mercury/protocol.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef ABI
#define ABI MERCURY_ABI
#endif

struct config {
	char greeting[64];
	bool swallows; /* it never consumes anything */
};

struct state {
	uint64_t lines;
	struct state *self; /* with POINTS: what a state may not have */
	char *word;         /* with SAVES: the last one */
};

static const char *const counters[] = { "lines", "bytes_asked", NULL };

#ifdef UNDEFINED
void mercury_nonsense(void);
#endif

static unsigned int configs; /* that there are in this process */

static struct config *
make_config(void)
{
	struct config *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	configs++;
	return c;
}

static void
free_config(void *config)
{
	free(config);
	configs--;
}

static int
configure(struct mercury_listener *l, const struct mercury_option *options,
    size_t count, void **config, char *error, size_t size)
{
	struct config *c = make_config();
	size_t i;

#ifdef UNDEFINED
	mercury_nonsense();
#endif
	for (i = 0; i < count; i++) {
		const char *value = options[i].value;

		if (strcmp(options[i].name, "refuse") == 0 ||
		    (strcmp(options[i].name, "alone") == 0 && configs > 1)) {
			(void)snprintf(error, size, "%s", value);
			free_config(c);
			return -1;
		}
		if (strcmp(options[i].name, "crash") == 0)
			*(volatile int *)NULL = 1;
		if (strcmp(options[i].name, "swallow") == 0)
			c->swallows = true;
		if (strcmp(options[i].name, "greeting") == 0)
			(void)snprintf(c->greeting, sizeof(c->greeting), "%s",
			    value);
		if (strcmp(options[i].name, "say") == 0)
			mercury_listener_log(l, MERCURY_LOG_INFO, "%s says %s",
			    mercury_listener_name(l), value);
	}
	*config = c;
	return 0;
}

static void
say(struct mercury_conn *c, const char *text)
{
	(void)mercury_send(c, text, strlen(text));
	(void)mercury_send(c, "\n", 1);
}

static void
opened(struct mercury_conn *c)
{
	const struct config *config = mercury_config(c);
	struct state *s = mercury_state(c);

#ifdef POINTS
	s->self = s;
#endif
	s->lines = 0;
	if (config->greeting[0] != '\0')
		say(c, config->greeting);
}

static void
say_peer(struct mercury_conn *c)
{
	struct mercury_peer p = { .size = sizeof(p) };
	char text[1024];

	mercury_get_peer(c, &p);
	(void)snprintf(text, sizeof(text), "%s %u [%s] [%s] [%s] [%s] [%s]",
	    p.address, p.port, p.tls_version, p.tls_name, p.tls_subject,
	    p.tls_serial, p.server_name);
	say(c, text);
}

static void
send_much(struct mercury_conn *c, size_t len)
{
	char *much = calloc(1, len);

	mercury_count(c, 1, len);
	if (much != NULL)
		(void)mercury_send(c, much, len);
	free(much);
}

static void
say_number(struct mercury_conn *c, const char *what, uint64_t n)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%s %llu", what,
	    (unsigned long long)n);
	say(c, text);
}

static void
remember(struct mercury_conn *c, const char *word)
{
	struct state *s = mercury_state(c);

	free(s->word);
	s->word = strdup(word);
}

/* A line: a word, and what belongs to it. */
static void
obey(struct mercury_conn *c, const char *word, const char *rest)
{
	const struct state *s = mercury_state(c);

	if (strcmp(word, "crash") == 0)
		*(volatile int *)NULL = 1;
	else if (strcmp(word, "hang") == 0)
		for (;;)
			(void)mercury_now_ms();
	else if (strcmp(word, "finish") == 0)
		mercury_finish(c);
	else if (strcmp(word, "reset") == 0)
		mercury_reset(c);
	else if (strcmp(word, "log") == 0)
		mercury_log(c, MERCURY_LOG_WARNING, "%s", rest);
	else if (strcmp(word, "report") == 0)
		mercury_report(c, "word", rest);
	else if (strcmp(word, "much") == 0)
		send_much(c, strtoul(rest, NULL, 10));
	else if (strcmp(word, "ring") == 0)
		mercury_set_timer(c, strtoul(rest, NULL, 10));
	else if (strcmp(word, "peer") == 0)
		say_peer(c);
	else if (strcmp(word, "lines") == 0)
		say_number(c, "lines", s->lines);
	else if (strcmp(word, "remember") == 0)
		remember(c, rest);
	else if (strcmp(word, "recall") == 0)
		say(c, s->word == NULL ? "nothing" : s->word);
	else
		say(c, word);
}

static void
take_line(struct mercury_conn *c, char *line)
{
	struct state *s = mercury_state(c);
	char *rest = strchr(line, ' ');

#ifdef POINTS
	s = s->self;
#endif
	s->lines++;
	mercury_count(c, 0, 1);
	if (rest != NULL)
		*rest++ = '\0';
	obey(c, line, rest == NULL ? "" : rest);
}

static size_t
received(struct mercury_conn *c, uint8_t *data, size_t len)
{
	const struct config *config = mercury_config(c);
	size_t used = 0;
	uint8_t *end;

	if (config->swallows)
		return 0;
	if (len >= 7 && memcmp(data, "overrun", 7) == 0)
		return len + 1;
	while (mercury_unsent(c) == 0 &&
	    (end = memchr(data + used, '\n', len - used)) != NULL) {
		*end = '\0';
		take_line(c, (char *)data + used);
		used = (size_t)(end - data) + 1;
	}
	return used;
}

static void
writable(struct mercury_conn *c)
{
	say(c, "writable");
}

static void
timer(struct mercury_conn *c)
{
	say(c, "rung");
}

static void
closed(struct mercury_conn *c, enum mercury_end end)
{
	struct state *s = mercury_state(c);

	free(s->word);
	if (end != MERCURY_END_MOVED)
		mercury_log(c, MERCURY_LOG_INFO, "closed %d", (int)end);
}

#ifdef SAVES
static size_t
save(struct mercury_conn *c, void *bytes, size_t size)
{
	const struct state *s = mercury_state(c);
	const size_t word = s->word == NULL ? 0 : strlen(s->word) + 1;
	const size_t len = sizeof(s->lines) + word;

	if (len > size)
		return len;
	memcpy(bytes, &s->lines, sizeof(s->lines));
	if (word > 0)
		memcpy((char *)bytes + sizeof(s->lines), s->word, word);
	return len;
}

static int
restore(struct mercury_conn *c, const void *bytes, size_t size)
{
	struct state *s = mercury_state(c);

#ifdef RESTORE_REFUSES
	if (size > sizeof(s->lines))
		return -1;
#endif
#ifndef RESTORE_FORGETS
	if (size > sizeof(s->lines))
		s->word = strdup((const char *)bytes + sizeof(s->lines));
#endif
	memcpy(&s->lines, bytes, sizeof(s->lines));
	return 0;
}
#endif

#ifdef NO_TABLE
extern const struct mercury_protocol words_table;
const struct mercury_protocol words_table = {
#else
const struct mercury_protocol mercury_module = {
#endif
	.abi = ABI,
	.size = sizeof(struct mercury_protocol),
	.name = "words",
	.state_size = sizeof(struct state),
	.counters = counters,
	.configure = configure,
	.unconfigure = free_config,
	.opened = opened,
#ifndef NO_RECEIVED
	.received = received,
#endif
	.writable = writable,
	.timer = timer,
	.closed = closed,
#ifdef SAVES
	.save = save,
	.restore = restore,
#endif
};
