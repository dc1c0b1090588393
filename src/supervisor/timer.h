/*
 * timer: one that fires, late at worst, also when there is no memory to arm it:
 * deadlines and restarts hang on it. Those that could not be armed are kept in
 * a list, and their time is looked at each second.
 *
 * A struct timer is part of what owns it.
 */
#ifndef MERCURY_SUPERVISOR_TIMER_H
#define MERCURY_SUPERVISOR_TIMER_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

struct event;
struct event_base;

typedef void timer_fn(void *ctx);

struct timer {
	LIST_ENTRY(timer) next; /* while it is lost */
	timer_fn *fn;           /* may free or arm any timer */
	void *ctx;
	struct event *event; /* NULL: none was needed, or could be made */
	uint64_t due_ms;     /* CLOCK_MONOTONIC, while it is armed */
	bool armed;
	bool lost; /* armed, but the event is not */
};

/* The base is borrowed; set before the first one is armed. */
void timers_configure(struct event_base *);

/* One that is all zero but for fn and ctx is as good. */
void timer_init(struct timer *, timer_fn *, void *ctx);

/* Have it fire once, so many milliseconds from now, and not as it was to. */
void timer_arm(struct timer *, uint32_t ms);

void timer_disarm(struct timer *);

/* Until it fires; UINT32_MAX: it is not armed. */
uint32_t timer_left_ms(const struct timer *);

/* Disarm it, and free what it has; it may be armed again. */
void timer_free(struct timer *);

/* Once a second: have those fire that are lost and due. */
void timers_look(void);

#endif /* MERCURY_SUPERVISOR_TIMER_H */
