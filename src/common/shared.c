#include "common/shared.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

int
shared_create(const char *name, size_t size, struct err *err)
{
	const int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		return err_sys(err, "memfd_create");
	/* Unsealed, a child could shrink it and kill us with SIGBUS. */
	if (ftruncate(fd, (off_t)size) == -1 ||
	    fcntl(fd, F_ADD_SEALS, SEALS) == -1) {
		(void)err_sys(err, "sealing a %s", name);
		(void)close(fd);
		return -1;
	}
	return fd;
}

void *
shared_map(int fd, const char *name, size_t size, bool write, struct err *err)
{
	const int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *p;

	if (fstat(fd, &st) == -1 || seals == -1 || (seals & SEALS) != SEALS ||
	    st.st_size != (off_t)size) {
		(void)err_set(err, ERR_INTERNAL, "that is no %s", name);
		return NULL;
	}
	p = mmap(NULL, size, write ? PROT_READ | PROT_WRITE : PROT_READ,
	    MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		(void)err_sys(err, "mapping a %s", name);
		return NULL;
	}
	return p;
}

void
shared_unmap(const void *p, size_t size)
{
	if (p != NULL)
		(void)munmap((void *)(uintptr_t)p, size);
}
