#include "supervisor/intensity.h"

#include <stdlib.h>

/* The newest is 0 back, the oldest count - 1. */
static uint64_t
time_back(const struct intensity *in, uint32_t back)
{
	uint64_t newest = (uint64_t)in->next + in->size - 1;

	return in->times_ms[(newest - back) % in->size];
}

/* Has max_seconds not passed yet since then? */
static bool
in_window(const struct intensity *in, uint64_t then_ms, uint64_t now_ms)
{
	return then_ms >= now_ms ||
	    now_ms - then_ms <= (uint64_t)in->max_seconds * 1000;
}

int
intensity_init(struct intensity *in, uint32_t max_restarts,
    uint32_t max_seconds, struct err *err)
{
	*in = (struct intensity){ 0 };
	return intensity_configure(in, max_restarts, max_seconds, err);
}

/* A full ring holds max_restarts + 1: too many if even the oldest counts. */
bool
intensity_exceeded(struct intensity *in, uint64_t now_ms)
{
	if (in->size == 0)
		return true;
	in->times_ms[in->next] = now_ms;
	in->next = (in->next + 1) % in->size;
	if (in->count < in->size)
		in->count++;
	return in->count == in->size &&
	    in_window(in, time_back(in, in->size - 1), now_ms);
}

int
intensity_configure(struct intensity *in, uint32_t max_restarts,
    uint32_t max_seconds, struct err *err)
{
	struct intensity to = { .max_restarts = max_restarts,
		.max_seconds = max_seconds };
	uint32_t back;

	if (max_restarts > INTENSITY_RESTARTS_MAX)
		return err_set(err, ERR_INVALID, "max_restarts: too many");
	to.size = max_restarts + 1;
	to.times_ms = reallocarray(NULL, to.size, sizeof(to.times_ms[0]));
	if (to.times_ms == NULL)
		return err_set(err, ERR_UNAVAILABLE, "out of memory");
	to.count = in->count < to.size ? in->count : to.size;
	for (back = 0; back < to.count; back++)
		to.times_ms[to.count - 1 - back] = time_back(in, back);
	to.next = to.count % to.size;
	free(in->times_ms);
	*in = to;
	return 0;
}

void
intensity_clear(struct intensity *in)
{
	in->count = 0;
	in->next = 0;
}

void
intensity_free(struct intensity *in)
{
	free(in->times_ms);
	*in = (struct intensity){ 0 };
}
