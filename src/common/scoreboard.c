#include "common/scoreboard.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

int
scoreboard_create(struct err *err)
{
	int fd;

	fd = memfd_create("scoreboard", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return err_sys(err, "memfd_create");
	/* Unsealed, a worker could shrink it and kill us with SIGBUS. */
	if (ftruncate(fd, (off_t)sizeof(struct scoreboard)) == -1 ||
	    fcntl(fd, F_ADD_SEALS, SEALS) == -1) {
		(void)err_sys(err, "sealing a scoreboard");
		(void)close(fd);
		return -1;
	}
	return fd;
}

static void *
map(int fd, int protection, struct err *err)
{
	const int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *p;

	if (fstat(fd, &st) == -1 || seals == -1 || (seals & SEALS) != SEALS ||
	    st.st_size != (off_t)sizeof(struct scoreboard)) {
		(void)err_set(err, ERR_INTERNAL, "that is no scoreboard");
		return NULL;
	}
	p = mmap(NULL, sizeof(struct scoreboard), protection, MAP_SHARED, fd,
	    0);
	if (p == MAP_FAILED) {
		(void)err_sys(err, "mapping a scoreboard");
		return NULL;
	}
	return p;
}

struct scoreboard *
scoreboard_map_write(int fd, struct err *err)
{
	struct scoreboard *s = map(fd, PROT_READ | PROT_WRITE, err);

	if (s == NULL)
		return NULL;
	atomic_store(&s->version, SCOREBOARD_VERSION);
	atomic_store(&s->pid, (uint32_t)getpid());
	return s;
}

const struct scoreboard *
scoreboard_map_read(int fd, struct err *err)
{
	return map(fd, PROT_READ, err);
}

void
scoreboard_unmap(const struct scoreboard **s)
{
	union {
		const struct scoreboard *from;
		void *to;
	} cast = { .from = *s };

	if (*s != NULL)
		(void)munmap(cast.to, sizeof(struct scoreboard));
	*s = NULL;
}

void
scoreboard_claim(struct scoreboard_entry *e, uint64_t listener_id)
{
	size_t i;

	atomic_store(&e->listener_id, 0);
	for (i = 0; i < COUNTER_COUNT; i++)
		atomic_store_explicit(&e->counters[i], 0, memory_order_relaxed);
	atomic_store(&e->listener_id, listener_id);
}
