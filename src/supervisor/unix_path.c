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

/* What a lock file says of our socket: its device and inode. */
#define LOCK_FORMAT "mercuryd socket %llu %llu\n"
#define LOCK_TEXT_SIZE 80

static void
lock_path(const char *path, char out[static LOCK_PATH_SIZE])
{
	(void)snprintf(out, LOCK_PATH_SIZE, "%s" LOCK_SUFFIX, path);
}

/*
 * Open the lock file of path, which need not exist yet. Returns its
 * descriptor, or -1 with *err.
 */
static int
open_lock(const char *path, const char *lock, struct err *err)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int fd;

	fd = open(lock, flags | O_CREAT | O_EXCL, 0600);
	if (fd == -1 && errno == EEXIST)
		fd = open(lock, flags);
	if (fd == -1 && errno == ENOENT)
		return err_set(err, ERR_INVALID,
		    "path: %s: its folder does not exist", path);
	return fd == -1 ? err_sys(err, "%s", lock) : fd;
}

/* What an earlier mercuryd wrote there; false: it is not a lock of ours. */
static bool
read_lock(int fd, const struct stat *lock, dev_t *dev, ino_t *ino)
{
	char text[LOCK_TEXT_SIZE] = "";
	unsigned long long d, i;
	ssize_t n;

	*dev = 0;
	*ino = 0;
	if (!S_ISREG(lock->st_mode) || lock->st_uid != geteuid())
		return false;
	n = pread(fd, text, sizeof(text) - 1, 0);
	/* Empty: we have just made it, or died when we had. */
	if (n <= 0)
		return n == 0;
	if (sscanf(text, LOCK_FORMAT, &d, &i) != 2)
		return false;
	*dev = (dev_t)d;
	*ino = (ino_t)i;
	return true;
}

/*
 * Take the lock of path; *dev and *ino tell which socket an earlier mercuryd
 * had made there. Returns its descriptor, or -1 with *err.
 */
static int
take_lock(const char *path, dev_t *dev, ino_t *ino, struct err *err)
{
	char lock[LOCK_PATH_SIZE];
	struct stat st;
	int fd;

	lock_path(path, lock);
	fd = open_lock(path, lock, err);
	if (fd == -1)
		return -1;
	/* Without a link its last holder has just removed it. */
	if (flock(fd, LOCK_EX | LOCK_NB) == -1 || fstat(fd, &st) == -1 ||
	    st.st_nlink == 0)
		(void)err_set(err, ERR_PORT_IN_USE,
		    "%s is in use: another process holds %s", path, lock);
	else if (!read_lock(fd, &st, dev, ino))
		(void)err_set(err, ERR_PORT_IN_USE,
		    "%s can't be used: %s exists and is not mercuryd's", path,
		    lock);
	else
		return fd;
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

/* Clear the way for bind(2), or say why not. dev, ino: the one we made. */
static int
clear_path(const char *path, dev_t dev, ino_t ino, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return errno == ENOENT ? 0 : err_sys(err, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_PORT_IN_USE,
		    "%s exists and is not a socket", path);
	if (!is_stale(path))
		return err_set(err, ERR_PORT_IN_USE, "%s is in use", path);
	if (st.st_dev != dev || st.st_ino != ino)
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

/* From here on the socket file is ours to remove, and the lock says so. */
static int
note_inode(const char *path, struct unix_path *made, struct err *err)
{
	char text[LOCK_TEXT_SIZE];
	struct stat st;
	int len;

	if (lstat(path, &st) == -1)
		return err_sys(err, "%s", path);
	made->dev = st.st_dev;
	made->ino = st.st_ino;
	len = snprintf(text, sizeof(text), LOCK_FORMAT,
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	if (ftruncate(made->lock_fd, 0) == -1 ||
	    pwrite(made->lock_fd, text, (size_t)len, 0) != len)
		return err_sys(err, "%s" LOCK_SUFFIX, path);
	return 0;
}

static int
set_owner(const struct listener_spec *spec, struct err *err)
{
	if (spec->owner == SPEC_NO_ID && spec->group == SPEC_NO_ID)
		return 0;
	if (lchown(spec->path, spec->owner, SPEC_NO_ID) == -1)
		return err_sys(err, "owner of %s", spec->path);
	if (lchown(spec->path, SPEC_NO_ID, spec->group) == -1)
		return err_sys(err, "group of %s", spec->path);
	return 0;
}

/* Remove the socket file if it is the one that we made. */
static void
remove_socket(const struct unix_path *u)
{
	struct stat st;

	if (u->ino != 0 && lstat(u->path, &st) == 0 && st.st_dev == u->dev &&
	    st.st_ino == u->ino)
		(void)unlink(u->path);
}

/*
 * Remove what we have made. The lock goes too, unless it names a socket that is
 * still there: one of an earlier mercuryd, which may be stale later, or ours,
 * which could not be removed.
 */
static void
give_up(struct unix_path *u, dev_t dev, ino_t ino)
{
	char lock[LOCK_PATH_SIZE];
	struct stat st;

	remove_socket(u);
	lock_path(u->path, lock);
	if (lstat(u->path, &st) == -1 || st.st_dev != dev || st.st_ino != ino)
		(void)unlink(lock);
	(void)close(u->lock_fd);
	u->lock_fd = -1;
	u->path[0] = '\0';
}

int
unix_path_bind(const struct listener_spec *spec, struct unix_path *made,
    struct err *err)
{
	dev_t dev;
	ino_t ino;
	int fd = -1;

	memset(made, 0, sizeof(*made));
	made->lock_fd = take_lock(spec->path, &dev, &ino, err);
	if (made->lock_fd == -1)
		return -1;
	(void)strlcpy(made->path, spec->path, sizeof(made->path));
	if (clear_path(spec->path, dev, ino, err) == -1)
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
	give_up(made, dev, ino);
	return -1;
}

int
unix_path_apply(const struct listener_spec *spec, const struct unix_path *u,
    struct err *err)
{
	if (u->lock_fd == -1)
		return 0;
	if (chmod(u->path, (mode_t)spec->mode) == -1)
		return err_sys(err, "mode of %s", u->path);
	return set_owner(spec, err);
}

void
unix_path_remove(struct unix_path *u)
{
	if (u->lock_fd != -1)
		give_up(u, u->dev, u->ino);
}
