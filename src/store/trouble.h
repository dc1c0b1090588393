/*
 * trouble: what a failure of the database means, what to do about it, and
 * when to try again. Pure.
 */
#ifndef MERCURY_STORE_TROUBLE_H
#define MERCURY_STORE_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc_msg.h"

enum trouble_action {
	TROUBLE_WAIT,      /* nothing is wrong with the handle: try again */
	TROUBLE_MAKE_ROOM, /* on the disk, and try again */
	TROUBLE_REOPEN,    /* close it, open it again */
	TROUBLE_SET_ASIDE, /* the file, and begin a new one */
	TROUBLE_LEAVE      /* it alone, and look again from time to time */
};

struct trouble {
	enum store_trouble what;
	enum trouble_action action;
	const char *help; /* for people: what would help */
};

/*
 * code: of SQLite, or enum db_code. sys: errno that came with it, or 0.
 * no_room: there is no room any more where the database is.
 */
struct trouble trouble_classify(int code, int sys, bool no_room);

/* How long to wait after so many failures in a row (at least 1). */
uint32_t trouble_retry_ms(enum trouble_action, unsigned int failures);

/* "disk_full"; NULL out of range. */
const char *trouble_name(unsigned int what);

#endif /* MERCURY_STORE_TROUBLE_H */
