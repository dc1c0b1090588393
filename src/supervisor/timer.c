#include "supervisor/timer.h"

#include <event2/event.h>

#include "common/clock.h"
#include "common/log.h"

static struct {
	struct event_base *base;
	LIST_HEAD(, timer) lost;
} timers = { .lost = LIST_HEAD_INITIALIZER(timers.lost) };

void
timers_configure(struct event_base *base)
{
	timers.base = base;
}

void
timer_init(struct timer *t, timer_fn *fn, void *ctx)
{
	*t = (struct timer){ .fn = fn, .ctx = ctx };
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct timer *t = arg;

	(void)fd;
	(void)what;
	t->armed = false;
	t->fn(t->ctx);
}

static int
add(struct timer *t, uint32_t ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	if (t->event == NULL)
		t->event = event_new(timers.base, -1, 0, on_due, t);
	return t->event == NULL ? -1 : event_add(t->event, &tv);
}

void
timer_arm(struct timer *t, uint32_t ms)
{
	timer_disarm(t);
	t->armed = true;
	t->due_ms = clock_mono_ms() + ms;
	if (add(t, ms) == 0)
		return;
	t->lost = true;
	LIST_INSERT_HEAD(&timers.lost, t, next);
	log_warning(NULL, NULL,
	    "a timer may be a second late: it can't be armed, for want of "
	    "memory");
}

static void
find(struct timer *t)
{
	if (t->lost)
		LIST_REMOVE(t, next);
	t->lost = false;
}

void
timer_disarm(struct timer *t)
{
	find(t);
	if (t->armed && t->event != NULL)
		(void)event_del(t->event);
	t->armed = false;
}

uint32_t
timer_left_ms(const struct timer *t)
{
	const uint64_t now = clock_mono_ms();

	if (!t->armed)
		return UINT32_MAX;
	return t->due_ms > now ? (uint32_t)(t->due_ms - now) : 0;
}

void
timer_free(struct timer *t)
{
	timer_disarm(t);
	if (t->event != NULL)
		event_free(t->event);
	t->event = NULL;
}

/* Of those that are lost, one that is due by then. */
static struct timer *
next_due(uint64_t until_ms)
{
	struct timer *t;

	LIST_FOREACH (t, &timers.lost, next)
		if (t->due_ms <= until_ms)
			return t;
	return NULL;
}

void
timers_look(void)
{
	/* Those that are armed from now on have time until the next look. */
	const uint64_t until_ms = clock_mono_ms() - 1;
	struct timer *t, *next;

	while ((t = next_due(until_ms)) != NULL) {
		timer_disarm(t);
		t->fn(t->ctx);
	}
	LIST_FOREACH_SAFE (t, &timers.lost, next, next)
		if (add(t, timer_left_ms(t)) == 0)
			find(t);
}
