#include "gateway/verdict.h"

#include <stdio.h>
#include <string.h>

static void
put(struct verdict *v, enum verdict_kind kind, const char *why)
{
	v->kind = kind;
	(void)strlcpy(v->why, why, sizeof(v->why));
}

void
verdict_of(const struct health_entry *e, struct verdict *out)
{
	const char *why = e->why[0] == '\0' ? "it is not ready yet" : e->why;

	out->entry = *e;
	if (e->ready)
		put(out, VERDICT_READY, "");
	else if (e->paused)
		put(out, VERDICT_PAUSED, why);
	else
		put(out, e->draining ? VERDICT_DRAINING : VERDICT_DOWN, why);
}

void
verdict_torn(struct verdict *out)
{
	memset(out, 0, sizeof(*out));
	put(out, VERDICT_DOWN,
	    "the supervisor stopped while it wrote down who is ready");
}

void
verdict_supervisor(const struct health_board *board, uint64_t now_ms,
    struct verdict *out)
{
	const uint64_t age_ms = health_board_age_ms(board, now_ms);

	memset(out, 0, sizeof(*out));
	out->kind = age_ms > HEALTH_STALE_MS ? VERDICT_DOWN : VERDICT_READY;
	if (out->kind == VERDICT_DOWN)
		(void)snprintf(out->why, sizeof(out->why),
		    "the supervisor has not answered for %llu ms",
		    (unsigned long long)age_ms);
}

void
verdict_get(const struct health_board *board, const char *name, uint64_t now_ms,
    struct verdict *out)
{
	struct health_entry e;

	verdict_supervisor(board, now_ms, out);
	if (out->kind != VERDICT_READY)
		return;
	switch (health_board_find(board, name, &e)) {
	case HEALTH_FOUND:
		verdict_of(&e, out);
		break;
	case HEALTH_NO_SUCH:
		put(out, VERDICT_UNKNOWN, "there is no listener of that name");
		break;
	case HEALTH_TORN:
		verdict_torn(out);
		break;
	}
}
