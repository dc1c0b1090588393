#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/db.h"

static int
fail(struct lock *l, struct db *db, const char *name)
{
	const int sys = errno;

	lock_release(l);
	(void)db_refuse(db, DB_NO_LOCK_FILE, "%s: %s", name, strerror(sys));
	db->sys = sys;
	return DB_NO_LOCK_FILE;
}

static int
fail_in_use(struct lock *l, struct db *db)
{
	struct flock who = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	long pid = 0;

	if (fcntl(l->fd, F_GETLK, &who) == 0 && who.l_type != F_UNLCK)
		pid = who.l_pid;
	lock_release(l);
	return db_refuse(db, DB_IN_USE, "in use by pid %ld", pid);
}

int
lock_take(struct lock *l, const char *path, struct db *db)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char name[DB_PATH_SIZE + sizeof(".lock")];

	if (l->fd != -1)
		return 0;
	(void)snprintf(name, sizeof(name), "%s.lock", path);
	l->fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (l->fd == -1)
		return fail(l, db, name);
	if (fcntl(l->fd, F_SETLK, &whole) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return fail_in_use(l, db);
	return fail(l, db, name);
}

void
lock_release(struct lock *l)
{
	if (l->fd != -1)
		(void)close(l->fd);
	l->fd = -1;
}
