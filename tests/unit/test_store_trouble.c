#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <sqlite3.h>

#include "store/db.h"
#include "store/trouble.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct case_of {
	int code;
	int sys;
	bool disk_full;
	enum store_trouble what;
	enum trouble_action action;
};

ParameterizedTestParameters(trouble, each_failure)
{
	static struct case_of cases[] = {
		{ SQLITE_BUSY, 0, false, STORE_TROUBLE_LOCKED, TROUBLE_WAIT },
		{ SQLITE_BUSY_SNAPSHOT, 0, true, STORE_TROUBLE_LOCKED,
		    TROUBLE_WAIT },
		{ SQLITE_FULL, ENOSPC, true, STORE_TROUBLE_DISK_FULL,
		    TROUBLE_MAKE_ROOM },
		{ SQLITE_IOERR_WRITE, EDQUOT, false, STORE_TROUBLE_DISK_FULL,
		    TROUBLE_MAKE_ROOM },
		{ SQLITE_IOERR_SHMSIZE, 0, true, STORE_TROUBLE_DISK_FULL,
		    TROUBLE_MAKE_ROOM },
		{ SQLITE_IOERR_SHMSIZE, 0, false, STORE_TROUBLE_UNAVAILABLE,
		    TROUBLE_REOPEN },
		{ SQLITE_IOERR_WRITE, EROFS, false, STORE_TROUBLE_READ_ONLY,
		    TROUBLE_REOPEN },
		{ SQLITE_IOERR_FSYNC, EIO, false, STORE_TROUBLE_UNAVAILABLE,
		    TROUBLE_REOPEN },
		{ SQLITE_READONLY, 0, false, STORE_TROUBLE_READ_ONLY,
		    TROUBLE_REOPEN },
		{ SQLITE_READONLY_DBMOVED, 0, false, STORE_TROUBLE_UNAVAILABLE,
		    TROUBLE_REOPEN },
		{ SQLITE_CANTOPEN, EACCES, false, STORE_TROUBLE_READ_ONLY,
		    TROUBLE_REOPEN },
		{ SQLITE_CANTOPEN, ENOENT, false, STORE_TROUBLE_UNAVAILABLE,
		    TROUBLE_REOPEN },
		{ SQLITE_CANTOPEN, 0, true, STORE_TROUBLE_DISK_FULL,
		    TROUBLE_REOPEN },
		{ SQLITE_CORRUPT_INDEX, 0, true, STORE_TROUBLE_CORRUPT,
		    TROUBLE_SET_ASIDE },
		{ SQLITE_NOTADB, 0, false, STORE_TROUBLE_CORRUPT,
		    TROUBLE_SET_ASIDE },
		{ SQLITE_IOERR_SHORT_READ, 0, false, STORE_TROUBLE_CORRUPT,
		    TROUBLE_SET_ASIDE },
		{ SQLITE_ERROR, 0, false, STORE_TROUBLE_UNAVAILABLE,
		    TROUBLE_REOPEN },
		{ SQLITE_CONSTRAINT_TRIGGER, 0, false,
		    STORE_TROUBLE_UNAVAILABLE, TROUBLE_WAIT },
		{ DB_NEWER, 0, false, STORE_TROUBLE_NEWER, TROUBLE_LEAVE },
		{ DB_FOREIGN, 0, false, STORE_TROUBLE_UNAVAILABLE,
		    TROUBLE_LEAVE },
		{ DB_IN_USE, 0, false, STORE_TROUBLE_LOCKED, TROUBLE_WAIT },
		{ DB_NO_LOCK_FILE, EROFS, false, STORE_TROUBLE_READ_ONLY,
		    TROUBLE_REOPEN },
		{ DB_NO_LOCK_FILE, ENOSPC, false, STORE_TROUBLE_DISK_FULL,
		    TROUBLE_REOPEN },
		{ DB_NO_LOCK_FILE, ENOENT, false, STORE_TROUBLE_UNAVAILABLE,
		    TROUBLE_REOPEN },
	};

	return cr_make_param_array(struct case_of, cases, COUNT(cases));
}

ParameterizedTest(struct case_of *k, trouble, each_failure)
{
	const struct trouble t =
	    trouble_classify(k->code, k->sys, k->disk_full);

	cr_expect_eq(t.what, k->what, "%d, %d: %s", k->code, k->sys,
	    trouble_name(t.what));
	cr_expect_eq(t.action, k->action, "%d, %d: %d", k->code, k->sys,
	    (int)t.action);
	cr_expect_not_null(t.help);
}

struct retry_case {
	enum trouble_action action;
	unsigned int failures;
	uint32_t want_ms;
};

ParameterizedTestParameters(trouble, waits_longer_but_not_too_long)
{
	static struct retry_case cases[] = {
		{ TROUBLE_WAIT, 1, 50 },
		{ TROUBLE_WAIT, 3, 200 },
		{ TROUBLE_WAIT, 100, 500 },
		{ TROUBLE_MAKE_ROOM, 1, 1000 },
		{ TROUBLE_MAKE_ROOM, 100, 1000 },
		{ TROUBLE_REOPEN, 1, 100 },
		{ TROUBLE_REOPEN, 2, 200 },
		{ TROUBLE_REOPEN, 4000000000u, 5000 },
		{ TROUBLE_LEAVE, 1, 5000 },
	};

	return cr_make_param_array(struct retry_case, cases, COUNT(cases));
}

ParameterizedTest(struct retry_case *k, trouble, waits_longer_but_not_too_long)
{
	cr_expect_eq(trouble_retry_ms(k->action, k->failures), k->want_ms,
	    "after %u: %u", k->failures,
	    trouble_retry_ms(k->action, k->failures));
}

Test(trouble, has_names)
{
	cr_expect_str_eq(trouble_name(STORE_TROUBLE_DISK_FULL), "disk_full");
	cr_expect_null(trouble_name(STORE_TROUBLE_COUNT));
}
