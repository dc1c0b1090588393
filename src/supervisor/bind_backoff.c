#include "supervisor/bind_backoff.h"

static uint64_t
doubled(uint64_t ms, unsigned int times, uint64_t max_ms)
{
	for (; times > 0 && ms > 0 && ms < max_ms; times--)
		ms *= 2;
	return ms < max_ms ? ms : max_ms;
}

uint32_t
bind_backoff_ms(const struct listener_spec *spec, unsigned int failed,
    uint32_t random)
{
	uint64_t ms, tenth;

	ms = doubled(spec->bind_backoff_ms, failed > 0 ? failed - 1 : 0,
	    spec->bind_backoff_max_ms);
	tenth = ms / 10;
	ms = ms - tenth + (((2 * tenth + 1) * random) >> 32);
	if (ms == 0)
		return 1;
	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}
