#include "common/bulk.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/fd.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

/* FNV-1a, which tells values apart that nobody made to look alike. */
static uint64_t
digest(const unsigned char *bytes, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325u;
	size_t i;

	for (i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	return hash;
}

/* Takes fd. */
static struct bulk *
make(int fd, const struct bulk_ref *ref, struct err *err)
{
	struct bulk *b = malloc(sizeof(*b));

	if (b == NULL) {
		(void)err_sys(err, "a value");
		(void)close(fd);
		return NULL;
	}
	*b = (struct bulk){ .ref = *ref, .holders = 1, .fd = fd };
	return b;
}

struct bulk *
bulk_new(const void *bytes, size_t size, struct err *err)
{
	struct bulk_ref ref = { .size = (uint32_t)size };
	int fd;

	if (size == 0 || size > BULK_SIZE_MAX) {
		(void)err_set(err, ERR_INVALID,
		    "a value of %zu bytes: must have 1 to %u", size,
		    BULK_SIZE_MAX);
		return NULL;
	}
	ref.digest = digest(bytes, size);
	fd = memfd_create("mercury-value", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1 || fd_write_all(fd, bytes, size) == -1 ||
	    fcntl(fd, F_ADD_SEALS, SEALS) == -1) {
		(void)err_sys(err, "a value");
		if (fd != -1)
			(void)close(fd);
		return NULL;
	}
	return make(fd, &ref, err);
}

struct bulk *
bulk_receive(int fd, const struct bulk_ref *ref, struct err *err)
{
	const int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals != -1 && (seals & SEALS) == SEALS && fstat(fd, &st) == 0 &&
	    ref->size > 0 && ref->size <= BULK_SIZE_MAX &&
	    st.st_size == (off_t)ref->size)
		return make(fd, ref, err);
	(void)close(fd);
	(void)err_set(err, ERR_INTERNAL, "that is no sealed value");
	return NULL;
}

struct bulk *
bulk_duplicate(int fd, const struct bulk_ref *ref, struct err *err)
{
	const int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own != -1)
		return bulk_receive(own, ref, err);
	(void)err_sys(err, "a value");
	return NULL;
}

struct bulk *
bulk_hold(struct bulk *b)
{
	if (b != NULL)
		b->holders++;
	return b;
}

void
bulk_drop(struct bulk **bp)
{
	struct bulk *b = *bp;

	*bp = NULL;
	if (b == NULL || --b->holders > 0)
		return;
	(void)close(b->fd);
	free(b);
}

const void *
bulk_map(const struct bulk *b, struct err *err)
{
	void *p = mmap(NULL, b->ref.size, PROT_READ, MAP_SHARED, b->fd, 0);

	if (p == MAP_FAILED) {
		(void)err_sys(err, "mapping a value");
		return NULL;
	}
	if (madvise(p, b->ref.size, MADV_DONTDUMP) == -1) {
		(void)err_sys(err, "a value that is not dumped");
		bulk_unmap(b, p);
		return NULL;
	}
	return p;
}

void
bulk_unmap(const struct bulk *b, const void *bytes)
{
	if (bytes != NULL)
		(void)munmap((void *)(uintptr_t)bytes, b->ref.size);
}

void
bulks_drop(struct bulks *s)
{
	size_t i;

	for (i = 0; i < BULK_COUNT; i++)
		bulk_drop(&s->of[i]);
}

void
bulks_copy(struct bulks *to, const struct bulks *from)
{
	struct bulk *b;
	size_t i;

	for (i = 0; i < BULK_COUNT; i++) {
		b = bulk_hold(from->of[i]);
		bulk_drop(&to->of[i]);
		to->of[i] = b;
	}
}

bool
bulk_ref_matches(const struct bulk_ref *ref, const struct bulk *b)
{
	if (b == NULL)
		return ref->size == 0;
	return ref->size == b->ref.size && ref->digest == b->ref.digest;
}
