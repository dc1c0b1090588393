/*
 * lock: that only one store at a time has a database: a lock on a file
 * beside it, which ends with the process that holds it.
 */
#ifndef MERCURY_STORE_LOCK_H
#define MERCURY_STORE_LOCK_H

struct db;

/* Begin with LOCK_NONE. */
struct lock {
	int fd; /* -1: not held */
};

#define LOCK_NONE ((struct lock){ .fd = -1 })

/*
 * Take the lock of the database at path, if it is not held already. Returns
 * 0, or DB_IN_USE (the text says by which process) or DB_NO_LOCK_FILE, kept
 * in db->code.
 */
int lock_take(struct lock *, const char *path, struct db *);

/* The file stays. One that is not held is fine. */
void lock_release(struct lock *);

#endif /* MERCURY_STORE_LOCK_H */
