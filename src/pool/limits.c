#include "pool/limits.h"

#include <time.h>

#include "common/gate.h"
#include "common/spec.h"
#include "pool/conn_list.h"

/* A place that another worker's connection leaves is seen so soon. */
#define FULL_WAIT_MS 20

/* To look again later than that would keep a new rate waiting. */
#define RATE_WAIT_MAX_MS 100

static uint64_t
now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

static struct gate_rate
rate_of(const struct listener_spec *spec)
{
	const uint32_t burst = spec->accept_burst;

	return (struct gate_rate){ .rate = spec->accept_rate,
		.burst = burst != 0 ? burst : spec->accept_rate };
}

/* What we have inside, for the supervisor, should we die. */
static void
hold(struct conn_list *list, uint64_t more)
{
	_Atomic uint64_t *held = &list->board->held;

	atomic_store_explicit(held,
	    atomic_load_explicit(held, memory_order_relaxed) + more,
	    memory_order_relaxed);
}

/* Of the listener and its protocol, the smaller one; 0: none. */
static uint32_t
places(const struct conn_list *list)
{
	const uint32_t max = list->spec->max_connections;

	if (max == 0 || (list->max_inside > 0 && list->max_inside < max))
		return list->max_inside;
	return max;
}

static bool
enter(struct conn_list *list)
{
	if (!gate_enter(list->gate, places(list)))
		return false;
	hold(list, 1);
	return true;
}

enum limit
limits_enter(struct conn_list *list, uint32_t *wait_ms)
{
	const struct gate_rate rate = rate_of(list->spec);
	uint64_t wait_us;

	if (!enter(list)) {
		*wait_ms = FULL_WAIT_MS;
		return list->spec->overflow == OVERFLOW_REJECT ? LIMIT_REJECT
							       : LIMIT_WAIT;
	}
	if (rate.rate == 0)
		return LIMIT_PASS;
	wait_us = gate_take_token(list->gate, &rate, now_us());
	if (wait_us == 0)
		return LIMIT_PASS;
	limits_leave(list);
	*wait_ms = (uint32_t)(wait_us / 1000 + 1);
	if (wait_us > RATE_WAIT_MAX_MS * 1000)
		*wait_ms = RATE_WAIT_MAX_MS;
	return LIMIT_WAIT;
}

enum limit
limits_enter_last(struct conn_list *list)
{
	return enter(list) ? LIMIT_PASS : LIMIT_REJECT;
}

void
limits_return(struct conn_list *list)
{
	const struct gate_rate rate = rate_of(list->spec);

	gate_return_token(list->gate, &rate);
	limits_leave(list);
}

void
limits_leave(struct conn_list *list)
{
	gate_leave(list->gate, 1);
	hold(list, (uint64_t)-1);
}
