#include "supervisor/control_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 128

static struct {
	char path[SPEC_PATH_SIZE]; /* empty: none */
	dev_t dev;
	ino_t ino;
} made;

static void
make_address(const char *path, struct sockaddr_un *a)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	(void)strlcpy(a->sun_path, path, sizeof(a->sun_path));
}

/* Refuse to take the place of a socket that is used, or is none. */
static int
check_free(const char *path, struct err *err)
{
	struct sockaddr_un a;
	struct stat st;
	bool answers;
	int fd;

	if (lstat(path, &st) == -1)
		return errno == ENOENT ? 0 : err_sys(err, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_EXISTS,
		    "control_socket: %s exists and is not a socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return err_sys(err, "socket");
	make_address(path, &a);
	/* Nothing else proves that nobody is there. */
	answers = connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0 ||
	    errno != ECONNREFUSED;
	(void)close(fd);
	if (answers)
		return err_set(err, ERR_EXISTS,
		    "control_socket: another process answers at %s", path);
	return 0;
}

/*
 * Who may connect. Rights are checked by control for each client; this only
 * keeps strangers out, which it can't when readers are another group.
 */
static int
set_rights(const char *path, const struct daemon_settings *s, struct err *err)
{
	const bool readers = s->readers_gid != SPEC_NO_ID;
	const bool group = s->control_gid != SPEC_NO_ID;
	const mode_t mode = readers ? 0666 : group ? 0660 : 0600;

	/* An ordinary user can't give it to a group that he isn't in. */
	if (lchown(path, s->uid, s->control_gid) == -1 && geteuid() == 0)
		return err_sys(err, "owner of %s", path);
	if (chmod(path, mode) == -1)
		return err_sys(err, "mode of %s", path);
	return 0;
}

static int
note_inode(const char *path, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return err_sys(err, "%s", path);
	made.dev = st.st_dev;
	made.ino = st.st_ino;
	(void)strlcpy(made.path, path, sizeof(made.path));
	return 0;
}

/*
 * Bind under another name first: at the real one there is always a socket
 * that is ready, with its rights.
 */
static int
bind_and_rename(int fd, const struct daemon_settings *s, struct err *err)
{
	const char *path = s->control_socket;
	char temporary[SPEC_PATH_SIZE];
	struct sockaddr_un a;
	mode_t old;
	int r;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.%d", path,
		(int)getpid()) >= sizeof(temporary))
		return err_set(err, ERR_INVALID,
		    "control_socket: %s is too long", path);
	/* Left by one that had our pid and was killed in this very moment. */
	(void)unlink(temporary);
	make_address(temporary, &a);
	old = umask(0177);
	r = bind(fd, (const struct sockaddr *)&a, sizeof(a));
	(void)umask(old);
	if (r == -1)
		return err_sys(err, "control_socket: %s", temporary);
	if (set_rights(temporary, s, err) == -1)
		goto out;
	if (listen(fd, BACKLOG) == -1 || rename(temporary, path) == -1) {
		(void)err_sys(err, "control_socket: %s", path);
		goto out;
	}
	return note_inode(path, err);
out:
	(void)unlink(temporary);
	return -1;
}

int
control_socket_open(const struct daemon_settings *s, struct err *err)
{
	int fd;

	if (check_free(s->control_socket, err) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return err_sys(err, "socket");
	if (bind_and_rename(fd, s, err) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

void
control_socket_remove(void)
{
	struct stat st;

	if (made.path[0] != '\0' && lstat(made.path, &st) == 0 &&
	    st.st_dev == made.dev && st.st_ino == made.ino)
		(void)unlink(made.path);
	made.path[0] = '\0';
}
