#include "supervisor/unix_path.h"

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/bind.h"

#define LOCK_SUFFIX ".lock"
#define LOCK_PATH_SIZE (SPEC_PATH_SIZE + sizeof(LOCK_SUFFIX))

static void
lock_path(const char *path, char out[static LOCK_PATH_SIZE])
{
	(void)snprintf(out, LOCK_PATH_SIZE, "%s" LOCK_SUFFIX, path);
}

/*
 * Take the lock of path; *was_there says whether an earlier mercuryd had
 * made the file. Returns its descriptor, or -1 with *err.
 */
static int
take_lock(const char *path, bool *was_there, struct err *err)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
	char lock[LOCK_PATH_SIZE];
	struct stat st;
	int fd;

	lock_path(path, lock);
	*was_there = false;
	fd = open(lock, flags | O_CREAT | O_EXCL, 0600);
	if (fd == -1 && errno == EEXIST) {
		*was_there = true;
		fd = open(lock, flags);
	}
	if (fd == -1)
		return err_sys(err, "%s", lock);
	/* Without a link its last holder has just removed it. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 &&
	    st.st_nlink > 0 && st.st_uid == geteuid())
		return fd;
	(void)err_set(err, ERR_PORT_IN_USE,
	    "%s is in use: another process holds %s", path, lock);
	(void)close(fd);
	return -1;
}

static socklen_t
make_address(const char *path, struct sockaddr_un *a)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	(void)strlcpy(a->sun_path, path, sizeof(a->sun_path));
	return sizeof(*a);
}

/* Does nobody listen on the socket at path? */
static bool
is_stale(const char *path)
{
	struct sockaddr_un a;
	const socklen_t len = make_address(path, &a);
	bool refused;
	int fd;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	refused = connect(fd, (const struct sockaddr *)&a, len) == -1 &&
	    errno == ECONNREFUSED;
	(void)close(fd);
	return refused;
}

/* Clear the way for bind(2), or say why not. */
static int
clear_path(const char *path, bool ours, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return errno == ENOENT ? 0 : err_sys(err, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_PORT_IN_USE,
		    "%s exists and is not a socket", path);
	if (!is_stale(path))
		return err_set(err, ERR_PORT_IN_USE,
		    "%s is in use by another process", path);
	if (!ours)
		return err_set(err, ERR_PORT_IN_USE,
		    "%s is a socket that nobody listens on, but mercuryd did "
		    "not make it: remove it by hand",
		    path);
	if (unlink(path) == -1)
		return err_sys(err, "removing our stale %s", path);
	return 0;
}

/* Bind with the right mode from the first moment on. */
static int
bind_with_mode(int fd, const struct listener_spec *spec, struct err *err)
{
	struct sockaddr_un a;
	const socklen_t len = make_address(spec->path, &a);
	const mode_t old = umask(0777 & ~(mode_t)spec->mode);
	int r;

	r = bind(fd, (const struct sockaddr *)&a, len);
	(void)umask(old);
	return r == -1 ? err_sys(err, "%s", spec->path) : 0;
}

/* From here on the socket file is ours to remove. */
static int
note_inode(const char *path, struct unix_path *made, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return err_sys(err, "%s", path);
	made->dev = st.st_dev;
	made->ino = st.st_ino;
	return 0;
}

static int
set_owner(const struct listener_spec *spec, struct err *err)
{
	if (spec->owner == SPEC_NO_ID && spec->group == SPEC_NO_ID)
		return 0;
	if (lchown(spec->path, spec->owner, spec->group) == -1)
		return err_sys(err, "owner of %s", spec->path);
	return 0;
}

int
unix_path_bind(const struct listener_spec *spec, struct unix_path *made,
    struct err *err)
{
	bool ours;
	int fd = -1;

	memset(made, 0, sizeof(*made));
	made->lock_fd = take_lock(spec->path, &ours, err);
	if (made->lock_fd == -1)
		return -1;
	(void)strlcpy(made->path, spec->path, sizeof(made->path));
	if (clear_path(spec->path, ours, err) == -1)
		goto out;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1) {
		(void)err_sys(err, "socket");
		goto out;
	}
	if (bind_with_mode(fd, spec, err) == 0 &&
	    note_inode(spec->path, made, err) == 0 &&
	    set_owner(spec, err) == 0 && bind_apply(spec, fd, err) == 0)
		return fd;
out:
	if (fd != -1)
		(void)close(fd);
	unix_path_remove(made);
	return -1;
}

void
unix_path_remove(struct unix_path *u)
{
	char lock[LOCK_PATH_SIZE];
	struct stat st;

	if (u->path[0] != '\0' && u->lock_fd != -1) {
		if (lstat(u->path, &st) == 0 && st.st_dev == u->dev &&
		    st.st_ino == u->ino)
			(void)unlink(u->path);
		lock_path(u->path, lock);
		(void)unlink(lock);
	}
	if (u->lock_fd != -1)
		(void)close(u->lock_fd);
	u->lock_fd = -1;
	u->path[0] = '\0';
}
