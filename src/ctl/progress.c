#include "ctl/progress.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "ctl/clip.h"
#include "ctl/listener_text.h"
#include "ctl/look.h"
#include "ctl/output.h"

/* What is done sooner needs no line. */
#define BEGIN_AFTER_MS 400u

#define ASK_EVERY_MS 500u
#define SHOW_EVERY_MS 250u

/* From the first column on, and nothing behind it. */
#define CLEAR "\r\033[K"

static const int enders[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

#define ENDERS (sizeof(enders) / sizeof(enders[0]))

/* No line is left when somebody has had enough. */
static void
on_signal(int number)
{
	if (write(STDERR_FILENO, CLEAR, sizeof(CLEAR) - 1) == -1)
		_exit(128 + number);
	(void)raise(number); /* as it was before: SA_RESETHAND */
}

static void
handle(bool on)
{
	struct sigaction action = { .sa_flags = (int)SA_RESETHAND };
	size_t i;

	action.sa_handler = on ? on_signal : SIG_DFL;
	for (i = 0; i < ENDERS; i++) {
		struct sigaction before;

		/* Who ignores it, as nohup(1) does, goes on doing so. */
		if (sigaction(enders[i], NULL, &before) == 0 &&
		    before.sa_handler != SIG_IGN)
			(void)sigaction(enders[i], &action, NULL);
	}
}

static uint64_t
connections_of(const json_t *answer)
{
	const json_t *listeners = json_object_get(answer, "listeners"), *l;
	uint64_t sum = 0;
	size_t i;

	if (listeners == NULL)
		return listener_number(answer, "connections");
	json_array_foreach (listeners, i, l)
		sum += listener_number(l, "connections");
	return sum;
}

/* The daemon knows when the last connections of a listener are cut. */
static void
note_deadline(struct progress *p, const json_t *listener, uint64_t now_ms)
{
	const uint64_t at_ms =
	    now_ms + listener_number(listener, "drain_left_ms");

	if (!json_is_integer(json_object_get(listener, "drain_left_ms")))
		return;
	p->drains = true;
	if (at_ms > p->deadline_ms)
		p->deadline_ms = at_ms;
}

static void
note_deadlines(struct progress *p, const json_t *answer, uint64_t now_ms)
{
	const json_t *listeners = json_object_get(answer, "listeners"), *l;
	const uint64_t before_ms = p->deadline_ms;
	size_t i;

	p->deadline_ms = 0;
	note_deadline(p, answer, now_ms);
	json_array_foreach (listeners, i, l)
		note_deadline(p, l, now_ms);
	if (p->deadline_ms == 0)
		p->deadline_ms = before_ms;
}

void
progress_note(struct progress *p, const json_t *answer, uint64_t now_ms)
{
	if (p->kind == PROGRESS_DRAIN) {
		p->left = connections_of(answer);
		note_deadlines(p, answer, now_ms);
	}
	if (p->left > p->most)
		p->most = p->left;
	p->known = true;
}

bool
progress_text(const struct progress *p, uint64_t now_ms,
    char out[static PROGRESS_SIZE])
{
	const uint64_t s = (now_ms - p->began_ms) / 1000;
	uint64_t left_s = 0;
	int len;

	if (p->kind == PROGRESS_RESTART) {
		(void)snprintf(out, PROGRESS_SIZE,
		    "waiting for the new workers, %" PRIu64 "s", s);
		return true;
	}
	if (!p->known || p->most == 0)
		return false;
	/* A lame duck serves on for a while. */
	len = snprintf(out, PROGRESS_SIZE,
	    "%s: %" PRIu64 " of %" PRIu64 " connection%s left, ",
	    p->drains ? "draining" : "to be drained", p->left, p->most,
	    p->most == 1 ? "" : "s");
	if (p->deadline_ms > now_ms)
		left_s = (p->deadline_ms - now_ms + 999) / 1000;
	if (p->deadline_ms == 0 || !p->drains)
		(void)snprintf(out + len, PROGRESS_SIZE - (size_t)len,
		    "%" PRIu64 "s so far", s);
	else
		(void)snprintf(out + len, PROGRESS_SIZE - (size_t)len,
		    "%" PRIu64 "s to the deadline", left_s);
	return true;
}

static void
ask(struct progress *p, uint64_t now_ms)
{
	const char *method =
	    p->name == NULL ? "daemon.status" : "listener.status";
	struct failure f;
	json_t *params = NULL;

	p->next_ms = now_ms + ASK_EVERY_MS;
	if (p->client.fd == -1 &&
	    client_open(&p->client, p->o->socket, false, now_ms, &f) == -1)
		return;
	if (p->name != NULL)
		params = json_pack("{s:s}", "name", p->name);
	/* The deadline has passed: it is sent at once, or not at all. */
	if (client_ask(&p->client, method, params, now_ms, &f) == -1)
		client_close(&p->client);
	else
		p->waiting = true;
}

static void
look_for_answer(struct progress *p, uint64_t now_ms)
{
	json_t *answer = NULL;
	struct failure f;
	int r = client_receive(&p->client, &f);

	if (r == 0)
		r = client_answer(&p->client, &answer, &f);
	if (r == 1) {
		progress_note(p, answer, now_ms);
		json_decref(answer);
	}
	if (r == -1)
		client_close(&p->client);
	p->waiting = r == 0;
}

static void
show(struct progress *p, uint64_t now_ms)
{
	char text[PROGRESS_SIZE];
	size_t width, height;

	if (!progress_text(p, now_ms, text))
		return;
	look_size(stderr, &width, &height);
	if (p->shown_ms == 0)
		handle(true);
	p->shown_ms = now_ms;
	(void)fputs(CLEAR, stderr);
	/* A full line would be two. */
	(void)clip_print(stderr, text, strlen(text), width - 1);
	(void)fflush(stderr);
}

static void
on_tick(void *arg)
{
	struct progress *p = arg;
	const uint64_t now = clock_mono_ms();

	if (p->waiting)
		look_for_answer(p, now);
	else if (p->kind == PROGRESS_DRAIN && now >= p->next_ms)
		ask(p, now);
	if (now >= p->began_ms + BEGIN_AFTER_MS &&
	    now >= p->shown_ms + SHOW_EVERY_MS)
		show(p, now);
}

void
progress_begin(struct progress *p, struct client *c, const struct options *o,
    enum progress_kind kind, const char *name)
{
	memset(p, 0, sizeof(*p));
	p->client.fd = -1;
	p->o = o;
	p->kind = kind;
	p->name = name;
	p->on = !(o->given & OPTION_JSON) && look_is_screen(stderr);
	p->began_ms = clock_mono_ms();
	if (o->deadline != NULL)
		p->deadline_ms = p->began_ms + o->deadline_ms;
	if (!p->on)
		return;
	c->tick_arg = p;
	c->tick = on_tick;
	if (kind == PROGRESS_DRAIN)
		ask(p, p->began_ms);
}

void
progress_end(struct progress *p, struct client *c)
{
	c->tick = NULL;
	if (p->shown_ms != 0) {
		(void)fputs(CLEAR, stderr);
		(void)fflush(stderr);
		handle(false);
	}
	client_close(&p->client);
}
