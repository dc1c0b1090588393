#include "gateway/verdict.h"

#include <stdio.h>
#include <string.h>

static void
put(struct verdict *v, enum verdict_kind kind, const char *why)
{
	v->kind = kind;
	(void)strlcpy(v->why, why, sizeof(v->why));
}

/* What the supervisor has said of it. */
static void
judge(struct verdict *v)
{
	const struct health_entry *e = &v->entry;

	const char *why = e->why[0] == '\0' ? "it is not ready" : e->why;

	if (e->ready)
		put(v, VERDICT_READY, "");
	else if (e->paused)
		put(v, VERDICT_PAUSED, why);
	else
		put(v, e->draining ? VERDICT_DRAINING : VERDICT_DOWN, why);
}

void
verdict_get(const struct health_board *board, const char *name, uint64_t now_ms,
    struct verdict *out)
{
	const uint64_t age_ms = health_board_age_ms(board, now_ms);

	memset(out, 0, sizeof(*out));
	if (age_ms > HEALTH_STALE_MS) {
		out->kind = VERDICT_DOWN;
		(void)snprintf(out->why, sizeof(out->why),
		    "the supervisor has not answered for %llu ms",
		    (unsigned long long)age_ms);
		return;
	}
	switch (health_board_find(board, name, &out->entry)) {
	case HEALTH_FOUND:
		judge(out);
		break;
	case HEALTH_NO_SUCH:
		put(out, VERDICT_UNKNOWN, "there is no listener of that name");
		break;
	case HEALTH_TORN:
		put(out, VERDICT_DOWN,
		    "the supervisor has stopped while it wrote");
		break;
	}
}
