/*
 * frame: what status --watch shows at a time: how all is, then as many
 * listeners as there is room for, what is wrong first. Pure.
 */
#ifndef MERCURY_CTL_FRAME_H
#define MERCURY_CTL_FRAME_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "ctl/look.h"
#include "ctl/rates.h"

struct frame {
	json_t *answer; /* of daemon.status, or of listener.status */
	uint64_t answer_at_ms;
	uint64_t answer_real_ms; /* the same on CLOCK_REALTIME */
	const struct rates_base *before;
	const char *trouble; /* why there is none that is newer; NULL: fine */
	uint64_t now_ms;
	uint64_t now_real_ms;
	struct look look;
	size_t height; /* of the screen; 0: there is room for everything */
};

/* Print it. Lines of text may be longer than the screen is wide. */
void frame_print(FILE *, const struct frame *);

#endif /* MERCURY_CTL_FRAME_H */
