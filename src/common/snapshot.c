#include "common/snapshot.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"

#define FIRST_SIZE 8192
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

struct row_header {
	uint32_t kind;
	uint32_t size; /* of the row, without this header */
};

static const size_t row_sizes[] = {
	[SNAPSHOT_DAEMON] = sizeof(struct snapshot_daemon),
	[SNAPSHOT_LISTENER] = sizeof(struct snapshot_listener),
	[SNAPSHOT_WORKER] = sizeof(struct snapshot_worker),
	[SNAPSHOT_PROCESS] = sizeof(struct snapshot_process),
	[SNAPSHOT_RECORD] = sizeof(struct snapshot_record),
	[SNAPSHOT_FAILURES] = sizeof(struct snapshot_failures),
	[SNAPSHOT_PLAN] = sizeof(struct snapshot_plan),
	[SNAPSHOT_STORE] = sizeof(struct snapshot_store),
	[SNAPSHOT_EVENT] = sizeof(struct snapshot_event),
	[SNAPSHOT_PAGE] = sizeof(struct snapshot_page),
	[SNAPSHOT_CLEANUP] = sizeof(struct snapshot_cleanup),
	[SNAPSHOT_PROBES] = sizeof(struct probe_source),
	[SNAPSHOT_EXITS] = sizeof(struct exit_sum),
	[SNAPSHOT_MODULE] = sizeof(struct snapshot_module),
	[SNAPSHOT_UPSTREAM] = sizeof(struct snapshot_upstream),
};

#define KINDS (sizeof(row_sizes) / sizeof(row_sizes[0]))

#define X(NAME, WORD) WORD,
static const char *const daemon_words[] = { DAEMON_STATES(X) };
static const char *const listener_words[] = { LISTENER_STATES(X) };
static const char *const child_words[] = { CHILD_STATES(X) };
static const char *const plan_words[] = { PLAN_ACTIONS(X) };
#undef X

const char *
plan_action_name(unsigned int action)
{
	return action < PLAN_ACTION_COUNT ? plan_words[action] : NULL;
}

const char *
daemon_state_name(unsigned int state)
{
	return state < DAEMON_STATE_COUNT ? daemon_words[state] : NULL;
}

const char *
listener_state_name(unsigned int state)
{
	return state < LISTENER_STATE_COUNT ? listener_words[state] : NULL;
}

const char *
child_state_name(unsigned int state)
{
	return state < CHILD_STATE_COUNT ? child_words[state] : NULL;
}

/* Rows start at multiples of 8, so that they can be read in place. */
static size_t
padded(size_t size)
{
	return (size + 7u) & ~(size_t)7u;
}

/* Make room for size bytes more. Returns it, zeroed, or NULL. */
static unsigned char *
reserve(struct snapshot_writer *w, size_t size)
{
	const size_t need = w->len + size;
	size_t want = w->size == 0 ? FIRST_SIZE : w->size;
	unsigned char *p;

	while (want < need)
		want *= 2;
	if (want != w->size) {
		p = realloc(w->bytes, want);
		if (p == NULL) {
			w->failed = 1;
			return NULL;
		}
		w->bytes = p;
		w->size = want;
	}
	p = w->bytes + w->len;
	memset(p, 0, size);
	w->len = need;
	return p;
}

/* Append the header of a row. Returns the place of the row itself, or NULL. */
static unsigned char *
begin_row(struct snapshot_writer *w, enum snapshot_kind kind, size_t size)
{
	const struct row_header h = { (uint32_t)kind, (uint32_t)size };
	unsigned char *p = reserve(w, sizeof(h) + padded(size));

	if (p == NULL)
		return NULL;
	memcpy(p, &h, sizeof(h));
	return p + sizeof(h);
}

void
snapshot_add(struct snapshot_writer *w, enum snapshot_kind kind,
    const void *row, size_t size)
{
	unsigned char *p = begin_row(w, kind, size);

	if (p != NULL)
		memcpy(p, row, size);
}

void
snapshot_add_event(struct snapshot_writer *w, const struct snapshot_event *e,
    const char *const texts[EVENT_TEXT_COUNT])
{
	size_t sizes[EVENT_TEXT_COUNT], size = sizeof(*e);
	unsigned char *p;
	int i;

	for (i = 0; i < EVENT_TEXT_COUNT; i++) {
		sizes[i] =
		    texts[i] == NULL ? 0 : strnlen(texts[i], EVENT_TEXT_MAX);
		size += sizes[i] + 1;
	}
	p = begin_row(w, SNAPSHOT_EVENT, size);
	if (p == NULL)
		return;
	memcpy(p, e, sizeof(*e));
	p += sizeof(*e);
	for (i = 0; i < EVENT_TEXT_COUNT; i++) {
		if (sizes[i] > 0)
			memcpy(p, texts[i], sizes[i]);
		p += sizes[i] + 1;
	}
}

int
snapshot_event_texts(const struct snapshot_reader *r,
    const char *texts[EVENT_TEXT_COUNT])
{
	const size_t size = r->row_size - sizeof(struct snapshot_event);
	const char *row = (const char *)r->bytes + r->at - padded(r->row_size) +
	    sizeof(struct snapshot_event);
	size_t at = 0, len;
	int i;

	for (i = 0; i < EVENT_TEXT_COUNT; i++) {
		len = strnlen(row + at, size - at);
		if (len == size - at)
			return -1;
		texts[i] = row + at;
		at += len + 1;
	}
	return 0;
}

int
snapshot_seal(struct snapshot_writer *w, struct err *err)
{
	int fd = -1;

	if (w->failed) {
		(void)err_set(err, ERR_UNAVAILABLE,
		    "a snapshot: out of memory");
		goto out;
	}
	fd = memfd_create("snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1) {
		(void)err_sys(err, "memfd_create");
		goto out;
	}
	if (fd_write_all(fd, w->bytes, w->len) == -1 ||
	    fcntl(fd, F_ADD_SEALS, SEALS) == -1) {
		(void)err_sys(err, "writing a snapshot");
		(void)close(fd);
		fd = -1;
	}
out:
	free(w->bytes);
	memset(w, 0, sizeof(*w));
	return fd;
}

int
snapshot_open(struct snapshot_reader *r, int fd, struct err *err)
{
	struct stat st;
	void *p;

	memset(r, 0, sizeof(*r));
	/* The store sends some: unsealed, it could kill us with SIGBUS. */
	if (fcntl(fd, F_GET_SEALS) != SEALS || fstat(fd, &st) == -1)
		return err_set(err, ERR_INTERNAL, "that is no snapshot");
	if (st.st_size == 0)
		return 0; /* without a row; mmap(2) can't do that */
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return err_sys(err, "mapping a snapshot");
	r->bytes = p;
	r->size = (size_t)st.st_size;
	return 0;
}

void
snapshot_close(struct snapshot_reader *r)
{
	union {
		const unsigned char *from;
		void *to;
	} cast = { .from = r->bytes };

	if (r->bytes != NULL)
		(void)munmap(cast.to, r->size);
	memset(r, 0, sizeof(*r));
}

/* A row has the size of its kind; only an event's may be larger. */
static bool
fits(const struct row_header *h)
{
	if (h->kind >= KINDS || row_sizes[h->kind] == 0)
		return false;
	if (h->kind == SNAPSHOT_EVENT)
		return h->size >= row_sizes[h->kind];
	return h->size == row_sizes[h->kind];
}

const void *
snapshot_next(struct snapshot_reader *r, enum snapshot_kind *kind)
{
	struct row_header h;
	const void *row;
	size_t left;

	if (r->size - r->at < sizeof(h))
		return NULL;
	memcpy(&h, r->bytes + r->at, sizeof(h));
	left = r->size - r->at - sizeof(h);
	if (!fits(&h) || left < h.size || left < padded(h.size))
		return NULL;
	row = r->bytes + r->at + sizeof(h);
	r->row_size = h.size;
	r->at += sizeof(h) + padded(h.size);
	*kind = (enum snapshot_kind)h.kind;
	return row;
}
