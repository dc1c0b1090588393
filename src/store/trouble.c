#include "store/trouble.h"

#include <errno.h>
#include <sqlite3.h>
#include <stddef.h>

#include "store/db.h"

static const struct trouble disk_full = { STORE_TROUBLE_DISK_FULL,
	TROUBLE_MAKE_ROOM, "free some space there" };

static const struct trouble no_space_to_open = { STORE_TROUBLE_DISK_FULL,
	TROUBLE_REOPEN, "free some space there" };

static const struct trouble read_only = { STORE_TROUBLE_READ_ONLY,
	TROUBLE_REOPEN, "make file and folder writable for the daemon's user" };

static const struct trouble corrupt = { STORE_TROUBLE_CORRUPT,
	TROUBLE_SET_ASIDE, "it is set aside, and a new one begun" };

static const struct trouble unavailable = { STORE_TROUBLE_UNAVAILABLE,
	TROUBLE_REOPEN, "it is opened again from time to time" };

/* By the primary result code. */
static const struct {
	int code;
	struct trouble trouble;
} table[] = {
	{ SQLITE_BUSY,
	    { STORE_TROUBLE_LOCKED, TROUBLE_WAIT,
		"end the transaction of the other program" } },
	{ SQLITE_LOCKED,
	    { STORE_TROUBLE_LOCKED, TROUBLE_WAIT,
		"end the transaction of the other program" } },
	{ DB_IN_USE,
	    { STORE_TROUBLE_LOCKED, TROUBLE_WAIT,
		"stop that one, or give this daemon another database" } },
	{ DB_NEWER,
	    { STORE_TROUBLE_NEWER, TROUBLE_LEAVE,
		"upgrade, or move the file away" } },
	{ DB_FOREIGN,
	    { STORE_TROUBLE_UNAVAILABLE, TROUBLE_LEAVE,
		"name another database, or move the file away" } },
	{ DB_NO_WAL,
	    { STORE_TROUBLE_UNAVAILABLE, TROUBLE_LEAVE,
		"put it on a local file system" } },
	{ SQLITE_NOMEM,
	    { STORE_TROUBLE_UNAVAILABLE, TROUBLE_WAIT, "memory is short" } },
	{ SQLITE_CONSTRAINT,
	    { STORE_TROUBLE_UNAVAILABLE, TROUBLE_WAIT,
		"drop the constraint or trigger that was added by hand" } },
};

static struct trouble
by_table(int code)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].code == (code & 0xff))
			return table[i].trouble;
	return unavailable;
}

static bool
is_full(int code, int sys, bool no_room)
{
	if (sys == ENOSPC || sys == EDQUOT || (code & 0xff) == SQLITE_FULL)
		return true;
	return no_room && (code & 0xff) == SQLITE_IOERR;
}

static bool
is_read_only(int code, int sys)
{
	if (code == SQLITE_READONLY_DBMOVED)
		return false;
	return (code & 0xff) == SQLITE_READONLY || sys == EROFS ||
	    sys == EACCES || sys == EPERM;
}

struct trouble
trouble_classify(int code, int sys, bool no_room)
{
	const int primary = code & 0xff;

	if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB ||
	    code == SQLITE_IOERR_SHORT_READ)
		return corrupt;
	/* Without the lock file it is not open. */
	if (primary == SQLITE_CANTOPEN || primary == DB_NO_LOCK_FILE) {
		if (no_room || sys == ENOSPC || sys == EDQUOT)
			return no_space_to_open;
		return is_read_only(code, sys) ? read_only : unavailable;
	}
	if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
		return by_table(code);
	if (is_full(code, sys, no_room))
		return disk_full;
	return is_read_only(code, sys) ? read_only : by_table(code);
}

static uint32_t
doubled(uint32_t first_ms, uint32_t max_ms, unsigned int failures)
{
	uint32_t ms = first_ms;

	while (failures-- > 1 && ms < max_ms)
		ms *= 2;
	return ms < max_ms ? ms : max_ms;
}

uint32_t
trouble_retry_ms(enum trouble_action action, unsigned int failures)
{
	switch (action) {
	case TROUBLE_WAIT:
		return doubled(50, 500, failures);
	case TROUBLE_MAKE_ROOM:
		return 1000;
	case TROUBLE_REOPEN:
	case TROUBLE_SET_ASIDE:
		return doubled(100, 5000, failures);
	case TROUBLE_LEAVE:
		break;
	}
	return 5000;
}

const char *
trouble_name(unsigned int what)
{
	static const char *const names[STORE_TROUBLE_COUNT] = {
#define X(NAME, WORD) [STORE_TROUBLE_##NAME] = WORD,
		STORE_TROUBLES(X)
#undef X
	};

	return what < STORE_TROUBLE_COUNT ? names[what] : NULL;
}
