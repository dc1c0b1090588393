#include "supervisor/pid_file.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <libutil.h>
#include <stddef.h>

static struct pidfh *handle;

int
pid_file_open(const char *path, struct err *err)
{
	pid_t other = 0;
	int fd;

	handle = pidfile_open(path, 0644, &other);
	if (handle == NULL && errno == EEXIST)
		return err_set(err, ERR_EXISTS,
		    "pid file %s is held by another mercuryd, pid %d", path,
		    (int)other);
	if (handle == NULL)
		return err_sys(err, "pid file %s", path);
	fd = pidfile_fileno(handle);
	/* Everybody may read it, whatever our umask says. */
	if (fd == -1 || fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    fchmod(fd, 0644) == -1 || pidfile_write(handle) == -1)
		return err_sys(err, "pid file %s", path);
	return 0;
}

void
pid_file_remove(void)
{
	if (handle != NULL)
		(void)pidfile_remove(handle);
	handle = NULL;
}
