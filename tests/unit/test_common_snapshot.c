#include <sys/mman.h>
#include <sys/stat.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/snapshot.h"
#include "scratch.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int
seal(struct snapshot_writer *w)
{
	struct err err = { 0 };
	const int fd = snapshot_seal(w, &err);

	cr_assert_neq(fd, -1, "%s", err.text);
	return fd;
}

static struct snapshot_reader
open_reader(int fd)
{
	struct snapshot_reader r;
	struct err err = { 0 };

	cr_assert_eq(snapshot_open(&r, fd, &err), 0, "%s", err.text);
	return r;
}

/* The next row, which must be of this kind. */
static const void *
expect_row(struct snapshot_reader *r, enum snapshot_kind want)
{
	enum snapshot_kind kind = (enum snapshot_kind)0;
	const void *row = snapshot_next(r, &kind);

	cr_assert_not_null(row);
	cr_expect_eq(kind, want);
	cr_expect_eq((uintptr_t)row % 8, 0);
	return row;
}

static void
expect_end(struct snapshot_reader *r)
{
	enum snapshot_kind kind;

	cr_expect_null(snapshot_next(r, &kind));
	cr_expect_null(snapshot_next(r, &kind));
}

Test(snapshot, without_a_row)
{
	struct snapshot_writer w = { 0 };
	const int fd = seal(&w);
	struct snapshot_reader r = open_reader(fd);

	expect_end(&r);
	snapshot_close(&r);
	(void)close(fd);
}

Test(snapshot, is_read_as_it_was_written)
{
	const struct snapshot_daemon d = { .pid = 42,
		.state = DAEMON_RUNNING,
		.ready = 1,
		.uptime_ms = UINT64_MAX };
	const struct snapshot_listener l = { .spec = { .name = "pos" },
		.generation = 3,
		.port = 7007,
		.counters = { 1, 2, 3 },
		.last_error = "none of note" };
	const struct snapshot_worker a = { .slot = 0, .pid = 43 };
	const struct snapshot_worker b = { .slot = 1, .pid = 44 };
	const struct snapshot_process p = { .role = "control", .pid = 45 };
	struct snapshot_writer w = { 0 };
	struct snapshot_reader r;
	int fd;

	snapshot_add(&w, SNAPSHOT_DAEMON, &d, sizeof(d));
	snapshot_add(&w, SNAPSHOT_LISTENER, &l, sizeof(l));
	snapshot_add(&w, SNAPSHOT_WORKER, &a, sizeof(a));
	snapshot_add(&w, SNAPSHOT_WORKER, &b, sizeof(b));
	snapshot_add(&w, SNAPSHOT_PROCESS, &p, sizeof(p));
	fd = seal(&w);
	r = open_reader(fd);
	/* Borrowed: the mapping lives on. */
	(void)close(fd);
	cr_expect_eq(memcmp(expect_row(&r, SNAPSHOT_DAEMON), &d, sizeof(d)), 0);
	cr_expect_eq(memcmp(expect_row(&r, SNAPSHOT_LISTENER), &l, sizeof(l)),
	    0);
	cr_expect_eq(memcmp(expect_row(&r, SNAPSHOT_WORKER), &a, sizeof(a)), 0);
	cr_expect_eq(memcmp(expect_row(&r, SNAPSHOT_WORKER), &b, sizeof(b)), 0);
	cr_expect_eq(memcmp(expect_row(&r, SNAPSHOT_PROCESS), &p, sizeof(p)),
	    0);
	expect_end(&r);
	snapshot_close(&r);
	expect_end(&r);
	snapshot_close(&r);
}

/* Far beyond the memory that a writer starts with. */
Test(snapshot, grows)
{
	struct snapshot_writer w = { 0 };
	struct snapshot_listener l = { .port = 1 };
	struct snapshot_reader r;
	const struct snapshot_listener *got;
	uint32_t i;

	for (i = 0; i < 3000; i++) {
		l.generation = i;
		snapshot_add(&w, SNAPSHOT_LISTENER, &l, sizeof(l));
	}
	r = open_reader(seal(&w));
	for (i = 0; i < 3000; i++) {
		got = expect_row(&r, SNAPSHOT_LISTENER);
		cr_assert_eq(got->generation, i);
	}
	expect_end(&r);
	snapshot_close(&r);
}

Test(snapshot, a_sealed_one_can_not_change)
{
	const struct snapshot_worker row = { .slot = 1 };
	struct snapshot_writer w = { 0 };
	struct stat st;
	int fd;

	snapshot_add(&w, SNAPSHOT_WORKER, &row, sizeof(row));
	fd = seal(&w);
	cr_expect_null(w.bytes);
	cr_expect_eq(w.len, 0);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_expect_eq(st.st_size, 8 + sizeof(row));
	cr_expect_eq(pwrite(fd, "x", 1, 0), -1);
	cr_expect_eq(errno, EPERM);
	cr_expect_eq(ftruncate(fd, 0), -1);
	cr_expect_eq(ftruncate(fd, st.st_size + 1), -1);
	cr_expect_eq(mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
	    MAP_FAILED);
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

Test(snapshot, a_writer_that_failed_gives_nothing)
{
	const struct snapshot_worker row = { .slot = 1 };
	struct snapshot_writer w = { 0 };
	struct err err = { 0 };
	unsigned int before;

	snapshot_add(&w, SNAPSHOT_WORKER, &row, sizeof(row));
	w.failed = 1;
	before = scratch_open_fds();
	cr_expect_eq(snapshot_seal(&w, &err), -1);
	cr_expect_eq(err.code, ERR_UNAVAILABLE);
	cr_expect_null(w.bytes);
	cr_expect_eq(scratch_open_fds(), before);
}

Test(snapshot, what_is_none_can_not_be_opened)
{
	struct snapshot_reader r;
	struct err err = { 0 };
	int ends[2];

	cr_expect_eq(snapshot_open(&r, -1, &err), -1);
	cr_assert_eq(pipe(ends), 0);
	cr_expect_eq(snapshot_open(&r, ends[0], &err), -1);
	cr_expect_neq(err.text[0], '\0');
	snapshot_close(&r);
}

struct damage_case {
	uint32_t kind;
	uint32_t size; /* as its header says */
	size_t there;  /* bytes behind the header */
};

#define WORKER_SIZE (uint32_t)sizeof(struct snapshot_worker)
#define EVENT_SIZE (uint32_t)sizeof(struct snapshot_event)

/* As those of snapshot_seal(). */
#define ALL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

ParameterizedTestParameters(snapshot, damage_ends_it)
{
	static struct damage_case cases[] = {
		{ 0, 0, 64 },
		{ 0, WORKER_SIZE, 64 },
		{ SNAPSHOT_UPSTREAM + 1, WORKER_SIZE, 64 },
		{ UINT32_MAX, WORKER_SIZE, 64 },
		{ SNAPSHOT_DAEMON, WORKER_SIZE, 64 },
		{ SNAPSHOT_WORKER, 0, 64 },
		{ SNAPSHOT_WORKER, WORKER_SIZE - 1, 64 },
		{ SNAPSHOT_WORKER, WORKER_SIZE + 1, 64 },
		{ SNAPSHOT_WORKER, WORKER_SIZE + 8, 64 },
		{ SNAPSHOT_WORKER, UINT32_MAX, 64 },
		{ SNAPSHOT_WORKER, UINT32_MAX - 7, 64 },
		/* cut off */
		{ SNAPSHOT_WORKER, WORKER_SIZE, 0 },
		{ SNAPSHOT_WORKER, WORKER_SIZE, 1 },
		{ SNAPSHOT_WORKER, WORKER_SIZE, WORKER_SIZE - 1 },
		{ SNAPSHOT_LISTENER, (uint32_t)sizeof(struct snapshot_listener),
		    64 },
		/* Only these may be larger than their struct, not smaller. */
		{ SNAPSHOT_EVENT, EVENT_SIZE - 1, 64 },
		{ SNAPSHOT_EVENT, EVENT_SIZE + 100, 64 },
		{ SNAPSHOT_EVENT, UINT32_MAX, 64 },
		{ SNAPSHOT_EVENT, UINT32_MAX - 7, 64 },
		{ SNAPSHOT_PAGE, (uint32_t)sizeof(struct snapshot_page) + 8,
		    64 },
	};

	return cr_make_param_array(struct damage_case, cases, COUNT(cases));
}

/* A file with one good row and len bytes behind it. */
static int
with_tail(const void *tail, size_t len)
{
	const struct snapshot_worker good = { .slot = 7 };
	struct snapshot_writer w = { 0 };
	const int fd = memfd_create("damaged", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	snapshot_add(&w, SNAPSHOT_WORKER, &good, sizeof(good));
	cr_assert_eq(write(fd, w.bytes, w.len), (ssize_t)w.len);
	cr_assert_eq(write(fd, tail, len), (ssize_t)len);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, ALL_SEALS), 0);
	(void)close(seal(&w));
	return fd;
}

ParameterizedTest(struct damage_case *k, snapshot, damage_ends_it)
{
	struct {
		uint32_t kind, size;
		unsigned char row[64];
	} tail = { .kind = k->kind, .size = k->size };
	const int fd = with_tail(&tail, 8 + k->there);
	struct snapshot_reader r = open_reader(fd);
	const struct snapshot_worker *row;

	row = expect_row(&r, SNAPSHOT_WORKER);
	cr_expect_eq(row->slot, 7);
	expect_end(&r);
	snapshot_close(&r);
}

Test(snapshot, part_of_a_header_ends_it)
{
	const uint32_t header[2] = { SNAPSHOT_WORKER, WORKER_SIZE };
	struct snapshot_reader r;
	size_t len;

	for (len = 1; len < sizeof(header); len++) {
		r = open_reader(with_tail(header, len));
		(void)expect_row(&r, SNAPSHOT_WORKER);
		expect_end(&r);
		snapshot_close(&r);
	}
}

/* Not damaged, so that the above can fail. */
Test(snapshot, a_whole_tail_is_read)
{
	struct {
		uint32_t kind, size;
		struct snapshot_worker row;
	} tail = { SNAPSHOT_WORKER, WORKER_SIZE, { .slot = 8 } };
	struct snapshot_reader r = open_reader(with_tail(&tail, sizeof(tail)));
	const struct snapshot_worker *row;

	(void)expect_row(&r, SNAPSHOT_WORKER);
	row = expect_row(&r, SNAPSHOT_WORKER);
	cr_expect_eq(row->slot, 8);
	expect_end(&r);
	snapshot_close(&r);
}

/* The store, which makes some, could cut it and so kill who reads it. */
Test(snapshot, an_unsealed_one_is_refused)
{
	static const int missing[] = { F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE,
		F_SEAL_SEAL, ALL_SEALS };
	const struct snapshot_worker row = { .slot = 7 };
	struct snapshot_writer w = { 0 };
	struct snapshot_reader r;
	struct err err;
	size_t i;
	int fd;

	snapshot_add(&w, SNAPSHOT_WORKER, &row, sizeof(row));
	for (i = 0; i < COUNT(missing); i++) {
		fd = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		cr_assert_eq(write(fd, w.bytes, w.len), (ssize_t)w.len);
		cr_assert_eq(fcntl(fd, F_ADD_SEALS, ALL_SEALS & ~missing[i]),
		    0);
		err.text[0] = '\0';
		cr_expect_eq(snapshot_open(&r, fd, &err), -1);
		cr_expect_neq(err.text[0], '\0');
		expect_end(&r);
		snapshot_close(&r);
		(void)close(fd);
	}
	(void)close(seal(&w));
}

/* --- EVENT rows --- */

static void
expect_texts(const struct snapshot_reader *r, const char *const *want)
{
	const char *texts[EVENT_TEXT_COUNT];
	int i;

	cr_assert_eq(snapshot_event_texts(r, texts), 0);
	for (i = 0; i < EVENT_TEXT_COUNT; i++)
		cr_expect_str_eq(texts[i], want[i] == NULL ? "" : want[i]);
}

Test(snapshot, events_have_their_texts)
{
	static const char *const rows[][EVENT_TEXT_COUNT] = {
		{ "worker.crashed", "error", "pos", NULL, "signal 11",
		    "{\"pid\":4711}" },
		{ "daemon.started", "info", NULL, NULL, NULL, "{}" },
		{ NULL, NULL, NULL, NULL, NULL, NULL },
		{ "connection.opened", "info", "pos", "[::1]:40000", "", "" },
	};
	struct snapshot_event e = { 0 };
	struct snapshot_writer w = { 0 };
	const struct snapshot_page page = { .last_id = 4, .more = 1 };
	const struct snapshot_event *row;
	const struct snapshot_page *end;
	struct snapshot_reader r;
	uint64_t i;

	for (i = 0; i < COUNT(rows); i++) {
		e.id = i + 1;
		e.at_ms = UINT64_MAX - i;
		snapshot_add_event(&w, &e, rows[i]);
	}
	snapshot_add(&w, SNAPSHOT_PAGE, &page, sizeof(page));
	r = open_reader(seal(&w));
	for (i = 0; i < COUNT(rows); i++) {
		row = expect_row(&r, SNAPSHOT_EVENT);
		cr_expect_eq(row->id, i + 1);
		cr_expect_eq(row->at_ms, UINT64_MAX - i);
		expect_texts(&r, rows[i]);
	}
	end = expect_row(&r, SNAPSHOT_PAGE);
	cr_expect_eq(end->last_id, 4);
	expect_end(&r);
	snapshot_close(&r);
}

Test(snapshot, long_texts_of_an_event_are_cut)
{
	static char longer[3 * EVENT_TEXT_MAX];
	const char *const given[EVENT_TEXT_COUNT] = { longer, longer, "x",
		longer, longer, longer };
	const struct snapshot_event e = { .id = 1 };
	const char *texts[EVENT_TEXT_COUNT];
	struct snapshot_writer w = { 0 };
	struct snapshot_reader r;
	int i;

	memset(longer, 'a', sizeof(longer) - 1);
	snapshot_add_event(&w, &e, given);
	r = open_reader(seal(&w));
	(void)expect_row(&r, SNAPSHOT_EVENT);
	cr_assert_eq(snapshot_event_texts(&r, texts), 0);
	for (i = 0; i < EVENT_TEXT_COUNT; i++)
		cr_expect_eq(strlen(texts[i]),
		    given[i] == longer ? EVENT_TEXT_MAX : 1);
	expect_end(&r);
	snapshot_close(&r);
}

/* An EVENT row whose texts are these size bytes. */
static struct snapshot_reader
reader_of_texts(const char *bytes, size_t size)
{
	struct {
		uint32_t kind, size;
		struct snapshot_event e;
		char texts[64];
	} tail = { SNAPSHOT_EVENT, EVENT_SIZE + (uint32_t)size, { 1, 2 }, "" };
	const size_t padded = (size + 7) & ~(size_t)7;
	struct snapshot_reader r;

	cr_assert_leq(padded, sizeof(tail.texts));
	/* What stands behind the row is none of its texts. */
	memset(tail.texts, 0, sizeof(tail.texts));
	memcpy(tail.texts, bytes, size);
	r = open_reader(with_tail(&tail, 8 + EVENT_SIZE + padded));
	(void)expect_row(&r, SNAPSHOT_WORKER);
	(void)expect_row(&r, SNAPSHOT_EVENT);
	return r;
}

Test(snapshot, texts_of_an_event_end_within_its_row)
{
	static const char good[] = "t\0s\0l\0p\0r\0d"; /* and its NUL */
	const char *texts[EVENT_TEXT_COUNT];
	struct snapshot_reader r;
	size_t size;

	for (size = 0; size < sizeof(good); size++) {
		r = reader_of_texts(good, size);
		cr_expect_eq(snapshot_event_texts(&r, texts), -1, "%zu bytes",
		    size);
		snapshot_close(&r);
	}
	r = reader_of_texts(good, sizeof(good));
	cr_assert_eq(snapshot_event_texts(&r, texts), 0);
	cr_expect_str_eq(texts[EVENT_TEXT_TYPE], "t");
	cr_expect_str_eq(texts[EVENT_TEXT_DETAIL], "d");
	snapshot_close(&r);
}

/* These words are a contract: mercury-control(7). */
Test(snapshot, words)
{
	static const char *const daemon[] = { "starting", "running",
		"stopping" };
	static const char *const listener[] = { "starting", "listening",
		"retrying", "degraded", "paused", "failed", "draining" };
	static const char *const plan[] = { "add", "remove", "update",
		"restart", "rebind", "keep" };
	static const char *const child[] = { "down", "starting", "running",
		"stopping", "backoff" };
	unsigned int i;

	_Static_assert(COUNT(daemon) == DAEMON_STATE_COUNT,
	    "a word is missing");
	_Static_assert(COUNT(listener) == LISTENER_STATE_COUNT,
	    "a word is missing");
	_Static_assert(COUNT(child) == CHILD_STATE_COUNT, "a word is missing");
	_Static_assert(COUNT(plan) == PLAN_ACTION_COUNT, "a word is missing");
	for (i = 0; i < COUNT(plan); i++)
		cr_expect_str_eq(plan_action_name(i), plan[i]);
	cr_expect_null(plan_action_name(PLAN_ACTION_COUNT));
	for (i = 0; i < COUNT(daemon); i++)
		cr_expect_str_eq(daemon_state_name(i), daemon[i]);
	for (i = 0; i < COUNT(listener); i++)
		cr_expect_str_eq(listener_state_name(i), listener[i]);
	for (i = 0; i < COUNT(child); i++)
		cr_expect_str_eq(child_state_name(i), child[i]);
	cr_expect_null(daemon_state_name(DAEMON_STATE_COUNT));
	cr_expect_null(daemon_state_name(UINT_MAX));
	cr_expect_null(listener_state_name(LISTENER_STATE_COUNT));
	cr_expect_null(listener_state_name(UINT_MAX));
	cr_expect_null(child_state_name(CHILD_STATE_COUNT));
	cr_expect_null(child_state_name(UINT_MAX));
}
