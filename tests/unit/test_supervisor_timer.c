#include <sys/time.h>

#include <criterion/criterion.h>
#include <event2/event.h>
#include <stdbool.h>
#include <unistd.h>

#include "common/clock.h"
#include "supervisor/timer.h"

#define WAIT_MS 20000

static struct event_base *base;
static bool short_of_memory;

int __real_event_add(struct event *, const struct timeval *);
int __wrap_event_add(struct event *, const struct timeval *);
struct event *__real_event_new(struct event_base *, evutil_socket_t, short,
    event_callback_fn, void *);
struct event *__wrap_event_new(struct event_base *, evutil_socket_t, short,
    event_callback_fn, void *);

int
__wrap_event_add(struct event *ev, const struct timeval *tv)
{
	return short_of_memory ? -1 : __real_event_add(ev, tv);
}

struct event *
__wrap_event_new(struct event_base *b, evutil_socket_t fd, short what,
    event_callback_fn fn, void *arg)
{
	return short_of_memory ? NULL : __real_event_new(b, fd, what, fn, arg);
}

static void
make_base(void)
{
	base = event_base_new();
	cr_assert_not_null(base);
	timers_configure(base);
	short_of_memory = false;
}

static void
free_base(void)
{
	event_base_free(base);
}

TestSuite(timer, .init = make_base, .fini = free_base, .timeout = 60);

static void
count(void *ctx)
{
	(*(unsigned int *)ctx)++;
}

static void
turn_until(const unsigned int *fired, unsigned int want)
{
	const uint64_t end_ms = clock_mono_ms() + WAIT_MS;

	while (*fired < want && clock_mono_ms() < end_ms)
		(void)event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	cr_assert_eq(*fired, want);
}

static void
look_until(const unsigned int *fired, unsigned int want)
{
	const uint64_t end_ms = clock_mono_ms() + WAIT_MS;

	while (*fired < want && clock_mono_ms() < end_ms) {
		timers_look();
		(void)usleep(1000);
	}
	cr_assert_eq(*fired, want);
}

Test(timer, fires_once_for_each_time_that_it_was_armed)
{
	unsigned int fired = 0;
	struct timer t;

	timer_init(&t, count, &fired);
	cr_expect_eq(timer_left_ms(&t), UINT32_MAX);
	timer_arm(&t, 60000);
	cr_expect_leq(timer_left_ms(&t), 60000);
	cr_expect_gt(timer_left_ms(&t), 30000);
	timer_arm(&t, 1);
	turn_until(&fired, 1);
	cr_expect_eq(timer_left_ms(&t), UINT32_MAX);
	timer_arm(&t, 0);
	turn_until(&fired, 2);
	timer_arm(&t, 0);
	timer_disarm(&t);
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	cr_expect_eq(fired, 2);
	timer_free(&t);
}

/* It was armed before, or never was. */
Test(timer, fires_though_it_could_not_be_armed)
{
	unsigned int i, fired;
	struct timer t;

	for (i = 0; i < 2; i++) {
		fired = 0;
		timer_init(&t, count, &fired);
		if (i > 0)
			timer_arm(&t, 60000);
		short_of_memory = true;
		timer_arm(&t, 20);
		cr_expect_leq(timer_left_ms(&t), 20);
		timers_look();
		cr_expect_eq(fired, 0);
		look_until(&fired, 1);
		timers_look();
		cr_expect_eq(fired, 1);
		timer_arm(&t, 0);
		timer_disarm(&t);
		(void)usleep(3000);
		timers_look();
		cr_expect_eq(fired, 1);
		timer_arm(&t, 0);
		timer_free(&t);
		(void)usleep(3000);
		timers_look();
		cr_expect_eq(fired, 1);
		short_of_memory = false;
	}
}

Test(timer, is_armed_again_when_there_is_memory)
{
	unsigned int fired = 0;
	struct timer t;

	timer_init(&t, count, &fired);
	short_of_memory = true;
	timer_arm(&t, 300);
	short_of_memory = false;
	timers_look();
	turn_until(&fired, 1);
	timers_look();
	cr_expect_eq(fired, 1);
	timer_free(&t);
}

/* What fires may do as it likes with itself and others. */
static struct {
	struct timer self;
	struct timer other;
	unsigned int fired;
	unsigned int other_fired;
} pair;

static void
arm_again(void *ctx)
{
	(void)ctx;
	pair.fired++;
	timer_free(&pair.other);
	timer_arm(&pair.self, 0);
}

Test(timer, those_that_are_lost_may_arm_and_free)
{
	timer_init(&pair.self, arm_again, NULL);
	timer_init(&pair.other, count, &pair.other_fired);
	short_of_memory = true;
	timer_arm(&pair.other, 60000);
	timer_arm(&pair.self, 0);
	look_until(&pair.fired, 1);
	look_until(&pair.fired, 2);
	cr_expect_eq(pair.other_fired, 0);
	timer_free(&pair.self);
}
