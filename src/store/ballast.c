#include "store/ballast.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <unistd.h>

#include "store/db.h"

#define MIN_BYTES (64u << 10)
#define MAX_BYTES (4u << 20)

/* Less than that and SQLite can't write a page of each kind. */
#define FULL_BYTES (32u << 10)

struct room {
	uint64_t size; /* bytes */
	uint64_t free;
};

static int
look(const char *path, struct room *r)
{
	char copy[DB_PATH_SIZE];
	struct statvfs fs;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	if (statvfs(dirname(copy), &fs) == -1)
		return -1;
	r->size = (uint64_t)fs.f_blocks * fs.f_frsize;
	r->free = (uint64_t)fs.f_bavail * fs.f_frsize;
	return 0;
}

static void
name_it(const char *path, char out[static DB_PATH_SIZE + 8])
{
	(void)snprintf(out, DB_PATH_SIZE + 8, "%s.ballast", path);
}

uint64_t
ballast_size(uint64_t file_system_bytes)
{
	const uint64_t size = file_system_bytes / 8;

	if (size < MIN_BYTES)
		return MIN_BYTES;
	return size > MAX_BYTES ? MAX_BYTES : size;
}

uint64_t
ballast_size_at(const char *path)
{
	struct room r;

	return ballast_size(look(path, &r) == 0 ? r.size : 0);
}

bool
ballast_make(const char *path)
{
	char name[DB_PATH_SIZE + 8];
	struct stat st;
	struct room r;
	bool made;
	int fd;

	name_it(path, name);
	if (lstat(name, &st) == 0 && st.st_size > 0)
		return true;
	if (look(path, &r) == -1 || r.free < 2 * ballast_size(r.size))
		return false;
	fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd == -1)
		return false;
	made = posix_fallocate(fd, 0, (off_t)ballast_size(r.size)) == 0;
	(void)close(fd);
	if (!made)
		(void)unlink(name);
	return made;
}

bool
ballast_release(const char *path)
{
	char name[DB_PATH_SIZE + 8];

	name_it(path, name);
	return unlink(name) == 0;
}

bool
ballast_disk_is_full(const char *path)
{
	struct room r;

	return look(path, &r) == 0 && r.free < FULL_BYTES;
}
