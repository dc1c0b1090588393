#include "config/config_dirs.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "option/saved.h"

/*
 * Give a directory that we have just made its mode and owner. It is opened
 * without following links: its parent may belong to somebody unprivileged.
 */
static int
adopt(const char *path, mode_t mode, uint32_t uid, uint32_t gid)
{
	int fd, saved, result = 0;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (uid != SPEC_NO_ID)
		result = fchown(fd, uid, gid);
	if (result == 0)
		result = fchmod(fd, mode);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return result;
}

static int
check_directory(const char *option, const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return err_sys(err, "%s: can't look at %s", option, path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID,
		    "%s: %s is there, but is no directory", option, path);
	return 0;
}

/* option is what to change if it fails. */
static int
make_directory(const char *option, const char *path, mode_t mode, uint32_t uid,
    uint32_t gid, struct err *err)
{
	if (mkdir(path, 0700) == -1) {
		if (errno == EEXIST)
			return check_directory(option, path, err);
		return err_sys(err,
		    "%s: can't make directory %s (make it, or set %s)", option,
		    path, option);
	}
	if (adopt(path, mode, uid, gid) == -1)
		return err_sys(err, "%s: can't set up directory %s", option,
		    path);
	return 0;
}

static int
make_state(const struct daemon_settings *d, struct err *err)
{
	char saved[sizeof(d->state_dir) + sizeof("/" SAVED_DIR)];

	(void)snprintf(saved, sizeof(saved), "%s/%s", d->state_dir, SAVED_DIR);
	if (make_directory("state_dir", d->state_dir, 0750, d->uid, d->gid,
		err) == -1)
		return -1;
	return make_directory("state_dir", saved, 0750, d->uid, d->gid, err);
}

/* The directory that the file with this absolute path is in. */
static void
copy_parent(const char *path, char *parent, size_t size)
{
	const char *slash = strrchr(path, '/');
	const int len =
	    slash == NULL || slash == path ? 1 : (int)(slash - path);

	(void)snprintf(parent, size, "%.*s", len, path);
}

int
config_dirs_make(const struct daemon_settings *d, struct err *err)
{
	char parent[sizeof(d->control_socket)];

	if (make_state(d, err) == -1)
		return -1;
	copy_parent(d->control_socket, parent, sizeof(parent));
	if (parent[1] == '\0')
		return 0;
	return make_directory("control_socket", parent, 0755, SPEC_NO_ID,
	    SPEC_NO_ID, err);
}

/* May the caller make files in path? Returns 0, or an errno. */
static int
try_to_write(const char *path)
{
	return faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == -1 ? errno
									: 0;
}

/*
 * The same for another user, as a process of that user finds out: it sees
 * every directory above and every access list.
 */
static int
try_to_write_as(const char *path, uint32_t uid, uint32_t gid)
{
	pid_t pid;
	int status;

	pid = fork();
	if (pid == 0) {
		if (setgroups(0, NULL) == -1 ||
		    setresgid(gid, gid, gid) == -1 ||
		    setresuid(uid, uid, uid) == -1)
			_exit(0);
		_exit(try_to_write(path));
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1 || !WIFEXITED(status))
		return 0; /* nothing was found out */
	return WEXITSTATUS(status);
}

/* Could the daemon's user make files in path? Returns 0, or an errno. */
static int
try_to_write_as_user(const struct daemon_settings *d, const char *path)
{
	return d->uid == SPEC_NO_ID ? try_to_write(path)
				    : try_to_write_as(path, d->uid, d->gid);
}

static uint32_t
user_of(const struct daemon_settings *d)
{
	return d->uid == SPEC_NO_ID ? (uint32_t)geteuid() : d->uid;
}

int
config_dirs_check(const struct daemon_settings *d, struct err *err)
{
	char saved[sizeof(d->state_dir) + sizeof("/" SAVED_DIR)];
	const char *path = saved;
	int why;

	(void)snprintf(saved, sizeof(saved), "%s/%s", d->state_dir, SAVED_DIR);
	if (access(saved, F_OK) == -1 && errno == ENOENT)
		path = d->state_dir;
	why = try_to_write_as_user(d, path);
	if (why == 0 || why == ENOENT)
		return 0;
	errno = why;
	return err_sys(err,
	    "state_dir: uid %u can't save listeners in %s, so --save will fail",
	    user_of(d), path);
}

int
config_dirs_store(const struct daemon_settings *d, bool make, struct err *err)
{
	char parent[sizeof(d->store.database)];
	int why;

	if (d->store.database[0] == '\0')
		return 0;
	copy_parent(d->store.database, parent, sizeof(parent));
	if (make &&
	    make_directory("database", parent, 0750, d->uid, d->gid, err) == -1)
		return -1;
	why = try_to_write_as_user(d, parent);
	if (why == 0 || why == ENOENT)
		return 0;
	errno = why;
	return err_sys(err,
	    "database: uid %u can't make files in %s, so no events are "
	    "recorded",
	    user_of(d), parent);
}
