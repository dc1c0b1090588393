#include "common/gate.h"

#include <stddef.h>

#include "common/shared.h"

static const char name[] = "set of gates";

int
gates_create(struct err *err)
{
	return shared_create(name, sizeof(struct gates), err);
}

struct gates *
gates_map(int fd, struct err *err)
{
	return shared_map(fd, name, sizeof(struct gates), true, err);
}

void
gates_unmap(struct gates **g)
{
	shared_unmap(*g, sizeof(**g));
	*g = NULL;
}

void
gate_reset(struct gate *g)
{
	atomic_store(&g->open, 0);
	atomic_store(&g->full_at_us, 0);
}

bool
gate_enter(struct gate *g, uint32_t max)
{
	uint64_t open = atomic_load_explicit(&g->open, memory_order_relaxed);

	do {
		if (max != 0 && open >= max)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&g->open, &open,
	    open + 1, memory_order_relaxed, memory_order_relaxed));
	return true;
}

void
gate_leave(struct gate *g, uint64_t n)
{
	uint64_t open = atomic_load_explicit(&g->open, memory_order_relaxed);

	/* A worker may have written what it likes there: not below 0. */
	while (!atomic_compare_exchange_weak_explicit(&g->open, &open,
	    open > n ? open - n : 0, memory_order_relaxed,
	    memory_order_relaxed))
		;
}

static uint64_t
interval_us(const struct gate_rate *r)
{
	return 1000000u / r->rate + (1000000u % r->rate != 0);
}

uint64_t
gate_take_token(struct gate *g, const struct gate_rate *r, uint64_t now_us)
{
	uint64_t full_at, from, step, room;

	if (r->rate == 0)
		return 0;
	step = interval_us(r);
	room = step * r->burst;
	full_at = atomic_load_explicit(&g->full_at_us, memory_order_relaxed);
	do {
		from = full_at > now_us ? full_at : now_us;
		/* Nor may what stands there keep everybody out for long. */
		if (from - now_us > room)
			from = now_us + room;
		if (from + step - now_us > room)
			return from + step - now_us - room;
	} while (!atomic_compare_exchange_weak_explicit(&g->full_at_us,
	    &full_at, from + step, memory_order_relaxed, memory_order_relaxed));
	return 0;
}

void
gate_return_token(struct gate *g, const struct gate_rate *r)
{
	if (r->rate != 0)
		(void)atomic_fetch_sub_explicit(&g->full_at_us, interval_us(r),
		    memory_order_relaxed);
}
