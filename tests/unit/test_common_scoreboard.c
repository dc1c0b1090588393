#include <sys/mman.h>
#include <sys/stat.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "common/scoreboard.h"
#include "scratch.h"

static int fd;

static void
make_scoreboard(void)
{
	struct err err = { 0 };

	fd = scoreboard_create(&err);
	cr_assert_neq(fd, -1, "%s", err.text);
}

TestSuite(scoreboard, .init = make_scoreboard);

static struct scoreboard *
map_write(void)
{
	struct err err = { 0 };
	struct scoreboard *s = scoreboard_map_write(fd, &err);

	cr_assert_not_null(s, "%s", err.text);
	return s;
}

static const struct scoreboard *
map_read(void)
{
	struct err err = { 0 };
	const struct scoreboard *s = scoreboard_map_read(fd, &err);

	cr_assert_not_null(s, "%s", err.text);
	return s;
}

Test(scoreboard, starts_empty)
{
	const struct scoreboard *r = map_read();
	unsigned int i, k;

	cr_expect_eq(atomic_load(&r->version), 0);
	cr_expect_eq(atomic_load(&r->pid), 0);
	cr_expect_eq(atomic_load(&r->heartbeat_ms), 0);
	for (i = 0; i < SCOREBOARD_ENTRIES; i++) {
		cr_assert_eq(atomic_load(&r->entries[i].listener_id), 0);
		for (k = 0; k < COUNTER_COUNT; k++)
			cr_assert_eq(
			    scoreboard_get(&r->entries[i], (enum counter_id)k),
			    0);
	}
	scoreboard_unmap(&r);
	cr_expect_null(r);
	scoreboard_unmap(&r);
}

Test(scoreboard, a_reader_sees_what_is_written)
{
	struct scoreboard *w = map_write();
	const struct scoreboard *r = map_read();
	struct scoreboard_entry *e = &w->entries[SCOREBOARD_ENTRIES - 1];
	const struct scoreboard_entry *seen =
	    &r->entries[SCOREBOARD_ENTRIES - 1];
	unsigned int k;

	cr_expect_eq(atomic_load(&r->version), SCOREBOARD_VERSION);
	cr_expect_eq(atomic_load(&r->pid), (uint32_t)getpid());
	scoreboard_claim(e, UINT64_MAX);
	cr_expect_eq(atomic_load(&seen->listener_id), UINT64_MAX);
	for (k = 0; k < COUNTER_COUNT; k++) {
		scoreboard_add(e, (enum counter_id)k, k + 1);
		scoreboard_add(e, (enum counter_id)k, 0);
		scoreboard_add(e, (enum counter_id)k, 10);
	}
	for (k = 0; k < COUNTER_COUNT; k++)
		cr_expect_eq(scoreboard_get(seen, (enum counter_id)k), k + 11);
	/* Its neighbours were left alone. */
	cr_expect_eq(
	    scoreboard_get(&r->entries[SCOREBOARD_ENTRIES - 2], COUNTER_CUT),
	    0);
	cr_expect_eq(atomic_load(&r->entries[0].listener_id), 0);
}

Test(scoreboard, a_claimed_entry_starts_at_zero)
{
	struct scoreboard *w = map_write();
	unsigned int k;

	scoreboard_claim(&w->entries[3], 7);
	for (k = 0; k < COUNTER_COUNT; k++)
		scoreboard_add(&w->entries[3], (enum counter_id)k, 5);
	scoreboard_claim(&w->entries[3], 8);
	cr_expect_eq(atomic_load(&w->entries[3].listener_id), 8);
	for (k = 0; k < COUNTER_COUNT; k++)
		cr_expect_eq(scoreboard_get(&w->entries[3], (enum counter_id)k),
		    0);
}

Test(scoreboard, claimed_again_it_goes_on)
{
	struct scoreboard *w = map_write();

	scoreboard_claim(&w->entries[3], 7);
	scoreboard_add(&w->entries[3], COUNTER_ACCEPTED, 5);
	scoreboard_claim(&w->entries[3], 7);
	cr_expect_eq(scoreboard_get(&w->entries[3], COUNTER_ACCEPTED), 5);
}

/* Readers go from first to last: never more closed than accepted. */
Test(scoreboard, closed_is_read_before_accepted)
{
	cr_expect_lt((int)COUNTER_CLOSED, (int)COUNTER_ACCEPTED);
	cr_expect_eq((int)COUNTER_CLOSED, 0);
}

/* The last figures of a worker that is gone are still there. */
Test(scoreboard, outlives_its_writer)
{
	struct scoreboard *w = map_write();
	const struct scoreboard *gone = w, *r;

	scoreboard_claim(&w->entries[0], 1);
	scoreboard_add(&w->entries[0], COUNTER_ACCEPTED, 42);
	scoreboard_unmap(&gone);
	r = map_read();
	cr_expect_eq(scoreboard_get(&r->entries[0], COUNTER_ACCEPTED), 42);
}

Test(scoreboard, stays_mapped_when_the_descriptor_is_closed)
{
	struct scoreboard *w = map_write();

	(void)close(fd);
	scoreboard_add(&w->entries[0], COUNTER_ACCEPTED, 1);
	cr_expect_eq(scoreboard_get(&w->entries[0], COUNTER_ACCEPTED), 1);
}

/* read(2) into memory that may not be written fails; nothing is killed. */
static int
can_be_written(const struct scoreboard *s)
{
	union {
		const struct scoreboard *from;
		void *to;
	} cast = { .from = s };
	const int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	cr_assert_neq(zero, -1);
	n = read(zero, cast.to, 1);
	cr_assert(n == 1 || errno == EFAULT);
	(void)close(zero);
	return n == 1;
}

Test(scoreboard, a_reader_can_not_write)
{
	cr_expect(can_be_written(map_write()));
	cr_expect_not(can_be_written(map_read()));
}

/* A worker that shrank it would kill the supervisor with SIGBUS. */
Test(scoreboard, nobody_can_change_its_size)
{
	const off_t size = (off_t)sizeof(struct scoreboard);
	struct stat st;

	cr_expect_eq(ftruncate(fd, 0), -1);
	cr_expect_eq(errno, EPERM);
	cr_expect_eq(ftruncate(fd, size + 1), -1);
	cr_expect_eq(errno, EPERM);
	cr_expect_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_expect_eq(st.st_size, size);
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

Test(scoreboard, takes_memory_for_what_is_used_only)
{
	struct scoreboard *w = map_write();
	struct stat st;

	scoreboard_claim(&w->entries[0], 1);
	scoreboard_claim(&w->entries[SCOREBOARD_ENTRIES / 2], 2);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_expect_lt(st.st_blocks * 512, 64 * 1024);
}

static void
expect_refused(int bad)
{
	struct err err = { 0 };

	cr_expect_null(scoreboard_map_write(bad, &err));
	cr_expect_neq(err.text[0], '\0');
	err.text[0] = '\0';
	cr_expect_null(scoreboard_map_read(bad, &err));
	cr_expect_neq(err.text[0], '\0');
}

/* A memfd of this size with these seals. */
static int
sealed(off_t size, int seals)
{
	const int f = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	cr_assert_neq(f, -1);
	cr_assert_eq(ftruncate(f, size), 0);
	cr_assert_eq(fcntl(f, F_ADD_SEALS, seals), 0);
	return f;
}

Test(scoreboard, other_descriptors_are_refused)
{
	const off_t size = (off_t)sizeof(struct scoreboard);
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	struct err err = { 0 };
	int ends[2];

	expect_refused(-1);
	cr_assert_eq(pipe(ends), 0);
	expect_refused(ends[0]);
	expect_refused(sealed(0, seals));
	expect_refused(sealed(size - 1, seals));
	expect_refused(sealed(size + 4096, seals));
	expect_refused(sealed(size, 0));
	expect_refused(sealed(size, F_SEAL_GROW | F_SEAL_SEAL));
	expect_refused(sealed(size, F_SEAL_SHRINK | F_SEAL_SEAL));
	cr_expect_not_null(scoreboard_map_read(sealed(size, seals), &err), "%s",
	    err.text);
}

/* F_GET_SEALS fails for it: that is not "all seals". */
Test(scoreboard, a_file_that_knows_no_seals_is_refused)
{
	int f;

	scratch_make();
	f = open(scratch_path("file"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_neq(f, -1);
	cr_assert_eq(ftruncate(f, (off_t)sizeof(struct scoreboard)), 0);
	expect_refused(f);
	scratch_remove();
}
