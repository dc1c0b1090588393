#include "ctl/command_trace.h"

#include <inttypes.h>
#include <stdio.h>

#include "ctl/listener_text.h"
#include "ctl/output.h"
#include "ctl/trace_show.h"
#include "ctl/waiting.h"

/* Ask for it. Gives the result; NULL with *f. */
static json_t *
start(struct client *c, const struct options *o, const char *name,
    struct failure *f)
{
	json_t *params = json_object();

	if (json_object_set_new(params, "name", json_string(name)) == -1 ||
	    (o->peer != NULL &&
		json_object_set_new(params, "peer", json_string(o->peer)) ==
		    -1)) {
		json_decref(params);
		(void)client_fail(f, CTL_USAGE, "an argument is not UTF-8");
		return NULL;
	}
	return client_call(c, "trace.start", params, command_deadline(o), f);
}

/* For people: whatever is shown, it is not this. */
static void
tell_start(const char *name, const json_t *result)
{
	const uint64_t missing = listener_number(result, "missing");

	(void)fputs("mercuryctl: tracing ", stderr);
	output_text(stderr, name);
	(void)fputs("; Ctrl-C ends it\n", stderr);
	if (missing > 0)
		(void)fprintf(stderr,
		    "mercuryctl: %" PRIu64
		    " workers do not answer: they may join later\n",
		    missing);
}

/* Returns 0, or -1 with *f. */
static int
show_news(struct client *c, struct trace_show *s, struct failure *f)
{
	struct client_note n;
	int r = 0;

	while (!s->over && !s->ended &&
	    (r = client_any_notification(c, &n, f)) == 1) {
		r = trace_show_add(s, &n, f);
		json_decref(n.object);
		if (r == -1)
			return -1;
	}
	return r == -1 ? -1 : trace_show_flush(s, f);
}

/* Show what comes until it is over. Returns 0, or -1 with *f. */
static int
follow(struct client *c, struct trace_show *s, struct failure *f)
{
	int r;

	do {
		r = show_news(c, s, f);
		if (r == -1 || s->over || s->ended)
			break;
		if (!waiting_for(c->fd, -1, trace_show_fd(s)))
			s->over = true;
		if (s->over || waiting_is_interrupted())
			break;
		r = client_receive(c, f);
	} while (r == 0);
	return r;
}

static void
tell_end(const struct trace_show *s, const char *name)
{
	if (s->ended) {
		(void)fputs("mercuryctl: ", stderr);
		output_text(stderr, name);
		(void)fputs(" was removed: the trace is over\n", stderr);
	}
	if (s->path != NULL || s->lost > 0)
		(void)fprintf(stderr,
		    "mercuryctl: %" PRIu64 " records with %" PRIu64
		    " bytes, %" PRIu64 " records lost\n",
		    s->records, s->bytes, s->lost);
}

/* Returns 0, or -1 with *f. */
static int
trace(struct client *c, const struct options *o, const char *name,
    struct trace_show *s, struct failure *f)
{
	json_t *result = start(c, o, name, f);
	struct failure ignored;
	int r;

	if (result == NULL)
		return -1;
	waiting_ignore_pipe();
	waiting_begin();
	r = trace_show_begin(s, name, f);
	if (r == 0) {
		tell_start(name, result);
		r = follow(c, s, f);
		/* Whatever ends it, the file is one that can be read. */
		if (trace_show_end(s, r == 0 ? f : &ignored) == -1)
			r = -1;
		tell_end(s, name);
	}
	json_decref(result);
	return r;
}

enum ctl_exit
command_trace(const struct options *o, char **args, int count)
{
	struct trace_show show = { .fd = -1,
		.json = o->given & OPTION_JSON,
		.count = o->count_records };
	struct failure failure;
	struct client client;
	int r = 0;

	(void)count;
	if (o->pcap != NULL && show.json)
		return command_usage_error("--json does not go with --pcap");
	if (o->pcap != NULL)
		r = trace_show_open(&show, o->pcap, &failure);
	if (r == 0)
		r = client_open(&client, o->socket, false, command_deadline(o),
		    &failure);
	if (r == 0) {
		r = trace(&client, o, args[0], &show, &failure);
		client_close(&client);
	}
	trace_show_close(&show);
	return r == -1 ? command_failed(&failure) : CTL_DONE;
}
