#include <sys/mman.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/bulk.h"
#include "common/wanted.h"
#include "scratch.h"

static struct bulk *
make(const char *text)
{
	struct err err = { 0 };
	struct bulk *b = bulk_new(text, strlen(text), &err);

	cr_assert_not_null(b, "%s", err.text);
	return b;
}

static void
expect_bytes(const struct bulk *b, const char *text)
{
	struct err err = { 0 };
	const void *bytes = bulk_map(b, &err);

	cr_assert_not_null(bytes, "%s", err.text);
	cr_assert_eq(b->ref.size, strlen(text));
	cr_expect_eq(memcmp(bytes, text, strlen(text)), 0);
	bulk_unmap(b, bytes);
}

Test(bulk, has_the_bytes_it_was_made_of)
{
	struct bulk *b = make("ten bytes.");

	expect_bytes(b, "ten bytes.");
	bulk_drop(&b);
	cr_expect_null(b);
}

Test(bulk, a_value_has_bytes_but_not_too_many)
{
	struct err err = { 0 };

	cr_expect_null(bulk_new("", 0, &err));
	cr_expect_null(bulk_new("", BULK_SIZE_MAX + 1, &err));
}

Test(bulk, is_told_from_others_by_its_reference)
{
	struct bulk *a = make("10.0.0.0/8"), *b = make("10.0.0.0/8");
	struct bulk *c = make("10.0.0.0/9");
	const struct bulk_ref none = { 0 };

	cr_expect(bulk_ref_matches(&a->ref, b));
	cr_expect_not(bulk_ref_matches(&a->ref, c));
	cr_expect_not(bulk_ref_matches(&a->ref, NULL));
	cr_expect_not(bulk_ref_matches(&none, a));
	cr_expect(bulk_ref_matches(&none, NULL));
	bulk_drop(&a);
	bulk_drop(&b);
	bulk_drop(&c);
}

Test(bulk, lives_for_as_long_as_it_is_held)
{
	const unsigned int before = scratch_open_fds();
	struct bulk *a = make("shared"), *b = bulk_hold(a);

	bulk_drop(&a);
	expect_bytes(b, "shared");
	bulk_drop(&b);
	cr_expect_eq(scratch_open_fds(), before);
	bulk_drop(&b);
	cr_expect_null(bulk_hold(NULL));
}

Test(bulk, goes_to_another_process)
{
	struct bulk *a = make("travels"), *b, *c;
	struct err err = { 0 };

	b = bulk_receive(dup(a->fd), &a->ref, &err);
	cr_assert_not_null(b, "%s", err.text);
	c = bulk_duplicate(b->fd, &a->ref, &err);
	cr_assert_not_null(c, "%s", err.text);
	bulk_drop(&a);
	bulk_drop(&b);
	expect_bytes(c, "travels");
	bulk_drop(&c);
}

/* What a hostile child may pass for a value. */
Test(bulk, that_is_not_sealed_or_of_another_size_is_refused)
{
	const unsigned int before = scratch_open_fds();
	const struct bulk_ref ref = { .size = 4 };
	struct bulk_ref other;
	struct bulk *good = make("1234");
	struct err err;
	int fd;

	fd = memfd_create("t", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	cr_assert_eq(ftruncate(fd, 4), 0);
	cr_expect_null(bulk_receive(dup(fd), &ref, &err), "no seal");
	cr_assert_eq(
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
	    0);
	cr_expect_null(bulk_receive(fd, &ref, &err), "can be written to");
	cr_expect_null(bulk_receive(open("/dev/null", O_RDONLY), &ref, &err));
	other = good->ref;
	other.size = 3;
	cr_expect_null(bulk_receive(dup(good->fd), &other, &err), "shorter");
	other.size = 0;
	cr_expect_null(bulk_receive(dup(good->fd), &other, &err), "empty");
	other.size = UINT32_MAX;
	cr_expect_null(bulk_receive(dup(good->fd), &other, &err), "endless");
	bulk_drop(&good);
	cr_expect_eq(scratch_open_fds(), before, "all were closed");
}

static struct wanted
want(const char *allow, const char *deny)
{
	struct wanted w = { .set =
				OPTION_BIT(OPT_ALLOW) | OPTION_BIT(OPT_DENY) };

	if (allow != NULL) {
		w.bulks.of[BULK_ALLOW] = make(allow);
		w.spec.bulks[BULK_ALLOW] = w.bulks.of[BULK_ALLOW]->ref;
	}
	if (deny != NULL) {
		w.bulks.of[BULK_DENY] = make(deny);
		w.spec.bulks[BULK_DENY] = w.bulks.of[BULK_DENY]->ref;
	}
	return w;
}

Test(wanted, needs_the_values_that_its_spec_refers_to)
{
	struct wanted w = want("a", "d");
	struct err err;

	cr_expect_eq(wanted_check(&w, &err), 0);
	bulk_drop(&w.bulks.of[BULK_DENY]);
	cr_expect_eq(wanted_check(&w, &err), -1);
	cr_expect_not_null(strstr(err.text, "deny"), "%s", err.text);
	memset(&w.spec.bulks[BULK_DENY], 0, sizeof(w.spec.bulks[BULK_DENY]));
	w.bulks.of[BULK_PROBES] = make("nobody asked for it");
	cr_expect_eq(wanted_check(&w, &err), 0);
	cr_expect_null(w.bulks.of[BULK_PROBES], "it is let go of");
	wanted_clear(&w);
}

Test(wanted, a_copy_holds_the_values_too)
{
	const unsigned int before = scratch_open_fds();
	struct wanted a = want("a", NULL), b;

	wanted_copy(&b, &a);
	wanted_clear(&a);
	expect_bytes(b.bulks.of[BULK_ALLOW], "a");
	wanted_clear(&b);
	cr_expect_eq(scratch_open_fds(), before);
}

Test(wanted, only_what_is_set_is_merged)
{
	struct wanted to = want("old", "kept"), from = want("new", NULL);

	wanted_merge_bulks(&to.bulks, &from.bulks, OPTION_BIT(OPT_ALLOW));
	expect_bytes(to.bulks.of[BULK_ALLOW], "new");
	expect_bytes(to.bulks.of[BULK_DENY], "kept");
	wanted_merge_bulks(&to.bulks, &from.bulks, OPTION_BIT(OPT_DENY));
	cr_expect_null(to.bulks.of[BULK_DENY], "it is taken away");
	wanted_clear(&to);
	wanted_clear(&from);
}

Test(wanted, values_are_gathered_as_they_come)
{
	struct bulks s = { 0 };
	struct bulk *a = make("first"), *b = make("second");
	struct msg_bulk m = { .id = BULK_ALLOW };
	struct err err;
	int fd;

	m.ref = a->ref;
	fd = dup(a->fd);
	cr_expect_eq(bulks_take(&s, &m, &fd, &err), 0);
	cr_expect_eq(fd, -1);
	m.ref = b->ref;
	fd = dup(b->fd);
	cr_expect_eq(bulks_take(&s, &m, &fd, &err), 0);
	expect_bytes(s.of[BULK_ALLOW], "second");
	m.id = BULK_COUNT;
	fd = dup(b->fd);
	cr_expect_eq(bulks_take(&s, &m, &fd, &err), -1, "unknown kind");
	cr_expect_eq(fd, -1);
	bulks_drop(&s);
	bulk_drop(&a);
	bulk_drop(&b);
}
