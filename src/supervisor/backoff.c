#include "supervisor/backoff.h"

uint32_t
backoff_ms(unsigned int failures)
{
	uint32_t ms = BACKOFF_FIRST_MS;

	if (failures <= 1)
		return 0;
	for (failures -= 2; failures > 0 && ms < BACKOFF_MAX_MS; failures--)
		ms *= 2;
	return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}
