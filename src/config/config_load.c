#include "config/config_load.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int
check_file(int fd, size_t *size, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(err, "can't read the file");
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID,
		    "is a directory: must be a file");
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID, "must be a regular file");
	if ((size_t)st.st_size > CONFIG_BYTES_MAX)
		return err_set(err, ERR_INVALID,
		    "is too large: must have at most %zu bytes",
		    CONFIG_BYTES_MAX);
	*size = (size_t)st.st_size;
	return 0;
}

/* Read up to size bytes; returns how many, or -1. */
static ssize_t
read_up_to(int fd, char *bytes, size_t size)
{
	size_t have = 0;
	ssize_t n;

	while (have < size) {
		n = read(fd, bytes + have, size - have);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

char *
config_load(const char *path, size_t *len, struct err *err)
{
	char *bytes = NULL;
	ssize_t have = -1;
	size_t size = 0;
	int fd;

	/* A FIFO may not make us wait. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1) {
		(void)err_sys(err, "can't open the file");
		return NULL;
	}
	if (check_file(fd, &size, err) == -1)
		goto out;
	bytes = malloc(size + 1);
	if (bytes != NULL)
		have = read_up_to(fd, bytes, size);
	if (have == -1) {
		(void)err_sys(err, "can't read the file");
		free(bytes);
		bytes = NULL;
		goto out;
	}
	bytes[have] = '\0';
	*len = (size_t)have;
out:
	(void)close(fd);
	return bytes;
}
