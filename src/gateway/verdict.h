/*
 * verdict: what a load balancer is to hear of a listener or of the daemon:
 * ready, or why not. It comes from the health board alone; a supervisor that
 * hangs is a reason, too.
 */
#ifndef MERCURY_GATEWAY_VERDICT_H
#define MERCURY_GATEWAY_VERDICT_H

#include <stdint.h>

#include "common/health_board.h"

enum verdict_kind {
	VERDICT_READY,
	VERDICT_DRAINING, /* it serves, but is to lose its clients */
	VERDICT_PAUSED,   /* a listener that an operator has paused */
	VERDICT_DOWN,     /* not ready for any other reason */
	VERDICT_UNKNOWN   /* there is no listener of that name */
};

struct verdict {
	enum verdict_kind kind;
	/* Why it is not ready: one line, maybe with UTF-8; READY: empty. */
	char why[HEALTH_WHY_SIZE];
	/* What the board says of it; all 0 where the board says nothing. */
	struct health_entry entry;
};

/*
 * Of the listener of that name, or of the daemon (name empty); now_ms on
 * CLOCK_MONOTONIC.
 */
void verdict_get(const struct health_board *, const char *name, uint64_t now_ms,
    struct verdict *out);

/* Does the supervisor go on? READY, or DOWN. */
void verdict_supervisor(const struct health_board *, uint64_t now_ms,
    struct verdict *out);

/* Of an entry that was copied from the board; and where it could not be. */
void verdict_of(const struct health_entry *, struct verdict *out);
void verdict_torn(struct verdict *out);

#endif /* MERCURY_GATEWAY_VERDICT_H */
