#include "common/quota.h"

#define SECOND_MS 1000

bool
quota_take(struct quota *q, uint32_t per_s, uint64_t now_ms)
{
	if (now_ms - q->since_ms >= SECOND_MS) {
		q->since_ms = now_ms;
		q->used = 0;
	}
	if (q->used >= per_s)
		return false;
	q->used++;
	return true;
}
