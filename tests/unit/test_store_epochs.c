#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "store/epochs.h"

#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)
#define BEGIN_MS 1700000000000LL

/* What may happen to a store and the clocks. */
enum step_kind {
	STEP_END,
	STEP_PASS,       /* so long, as all clocks say */
	STEP_JUMP,       /* the wall clock jumps by so much */
	STEP_ROW,        /* is written, stamped so long ago */
	STEP_ROW_AT,     /* is written with this stamp */
	STEP_RESTART,    /* the store is started again, so long after */
	STEP_KILL,       /* the same, but it saved nothing for a minute */
	STEP_REBOOT,     /* the machine was off for so long */
	STEP_REBOOT_1970 /* the same, and it can't tell */
};

struct step {
	enum step_kind kind;
	int64_t ms;
};

#define STEPS_MAX 16
#define ROWS_MAX 16
#define BEGUN_MAX 16

/* Bit n of old: the row with id n + 1 is older than retention at the end. */
struct scenario {
	int64_t retention_ms;
	struct step steps[STEPS_MAX];
	unsigned int old;
	size_t epochs; /* that were begun */
};

/* The machine and the database. */
struct world {
	struct epochs *epochs;
	struct epoch_clocks clocks;
	struct epochs_saved saved;
	struct epoch begun[BEGUN_MAX];
	size_t begun_count;
	int64_t at_ms[ROWS_MAX];
	size_t rows;
	int64_t retention_ms;
};

static void
name_boot(struct epoch_clocks *clocks, unsigned int n)
{
	(void)snprintf(clocks->boot_id, sizeof(clocks->boot_id),
	    "00000000-0000-4000-8000-%012u", n);
}

static void
start(struct world *w, const struct epochs_saved *saved)
{
	size_t i;

	w->epochs = epochs_new();
	cr_assert_not_null(w->epochs);
	for (i = 0; i < w->begun_count; i++)
		epochs_load(w->epochs, &w->begun[i]);
	epochs_start(w->epochs, saved, &w->clocks, (uint64_t)w->retention_ms);
}

static void
pass(struct world *w, int64_t ms)
{
	w->clocks.wall_ms += ms;
	w->clocks.boot_ms += ms;
}

static void
write_row(struct world *w, int64_t at_ms)
{
	struct epoch begun;

	cr_assert_lt(w->rows, ROWS_MAX);
	w->at_ms[w->rows++] = at_ms;
	if (epochs_place(w->epochs, &w->clocks, (int64_t)w->rows, at_ms,
		&begun)) {
		cr_assert_lt(w->begun_count, BEGUN_MAX);
		w->begun[w->begun_count++] = begun;
	}
}

static void
restart(struct world *w)
{
	epochs_free(&w->epochs);
	start(w, &w->saved);
}

static void
reboot(struct world *w, int64_t off_ms, bool knows_the_time)
{
	static unsigned int boots = 1;

	w->clocks.wall_ms += off_ms;
	if (!knows_the_time)
		w->clocks.wall_ms = 20 * SECOND;
	w->clocks.boot_ms = 15 * SECOND;
	name_boot(&w->clocks, ++boots);
	restart(w);
}

static void
take(struct world *w, const struct step *s)
{
	if (s->kind != STEP_KILL)
		epochs_save(w->epochs, &w->clocks, &w->saved);
	switch (s->kind) {
	case STEP_PASS:
		pass(w, s->ms);
		break;
	case STEP_JUMP:
		w->clocks.wall_ms += s->ms;
		break;
	case STEP_ROW:
		write_row(w, w->clocks.wall_ms - s->ms);
		break;
	case STEP_ROW_AT:
		write_row(w, s->ms);
		break;
	case STEP_RESTART:
	case STEP_KILL:
		pass(w, s->ms);
		restart(w);
		break;
	case STEP_REBOOT:
	case STEP_REBOOT_1970:
		reboot(w, s->ms, s->kind == STEP_REBOOT);
		break;
	case STEP_END:
		break;
	}
}

static unsigned int
old_rows(const struct world *w)
{
	const int64_t own_ms = epochs_own_ms(w->epochs, &w->clocks);
	unsigned int old = 0;
	size_t i;

	for (i = 0; i < w->rows; i++) {
		int64_t limit_ms = epochs_limit_ms(w->epochs, own_ms,
		    (uint64_t)w->retention_ms, (int64_t)i + 1);

		cr_expect_leq(limit_ms,
		    epochs_highest_limit_ms(w->epochs, own_ms,
			(uint64_t)w->retention_ms));
		if (w->at_ms[i] < limit_ms)
			old |= 1U << i;
	}
	return old;
}

static struct world
world_make(int64_t retention_ms)
{
	struct world w = { 0 };

	w.clocks.wall_ms = BEGIN_MS;
	w.clocks.boot_ms = 5 * MINUTE;
	name_boot(&w.clocks, 1);
	w.retention_ms = retention_ms;
	start(&w, NULL);
	return w;
}

/* clang-format off */
ParameterizedTestParameters(epochs, age)
{
	static struct scenario cases[] = {
		/* nothing happens but time */
		{ 30 * DAY, { { STEP_ROW, 0 }, { STEP_PASS, 29 * DAY },
		    { STEP_ROW, 0 }, { STEP_PASS, 2 * DAY } }, 0x1, 1 },
		{ 30 * DAY, { { STEP_ROW, 0 }, { STEP_PASS, 30 * DAY } },
		    0x0, 1 },
		{ 30 * DAY, { { STEP_ROW, 0 }, { STEP_PASS, 30 * DAY + 1 } },
		    0x1, 1 },
		/* forward by years: what is fresh stays, and what comes ages */
		{ 30 * DAY, { { STEP_ROW, 0 }, { STEP_JUMP, 3 * YEAR },
		    { STEP_ROW, 0 } }, 0x0, 2 },
		{ 30 * DAY, { { STEP_ROW, 0 }, { STEP_PASS, 20 * DAY },
		    { STEP_JUMP, 3 * YEAR }, { STEP_ROW, 0 },
		    { STEP_PASS, 11 * DAY } }, 0x1, 2 },
		{ 30 * DAY, { { STEP_ROW, 0 }, { STEP_JUMP, 3 * YEAR },
		    { STEP_ROW, 0 }, { STEP_PASS, 31 * DAY },
		    { STEP_ROW, 0 } }, 0x3, 2 },
		/* there and back: those stamped years ahead age as well */
		{ 30 * DAY, { { STEP_ROW, 0 }, { STEP_JUMP, 3 * YEAR },
		    { STEP_ROW, 0 }, { STEP_PASS, HOUR },
		    { STEP_JUMP, -3 * YEAR }, { STEP_ROW, 0 } }, 0x0, 3 },
		{ 30 * DAY, { { STEP_ROW, 0 }, { STEP_JUMP, 3 * YEAR },
		    { STEP_ROW, 0 }, { STEP_PASS, HOUR },
		    { STEP_JUMP, -3 * YEAR }, { STEP_ROW, 0 },
		    { STEP_PASS, 30 * DAY } }, 0x3, 3 },
		/* forward, with a restart of the store meanwhile */
		{ 30 * DAY, { { STEP_ROW, 0 }, { STEP_JUMP, 3 * YEAR },
		    { STEP_RESTART, SECOND }, { STEP_ROW, 0 } }, 0x0, 2 },
		/* back by hours, longer than what is kept */
		{ HOUR, { { STEP_ROW, 0 }, { STEP_JUMP, -5 * HOUR },
		    { STEP_ROW, 0 } }, 0x0, 2 },
		{ HOUR, { { STEP_ROW, 0 }, { STEP_JUMP, -5 * HOUR },
		    { STEP_PASS, 30 * MINUTE }, { STEP_ROW, 0 },
		    { STEP_PASS, 31 * MINUTE } }, 0x1, 2 },
		/* rows that had waited while it jumped */
		{ HOUR, { { STEP_ROW, 0 }, { STEP_JUMP, 3 * YEAR },
		    { STEP_ROW, 3 * YEAR }, { STEP_ROW, 0 },
		    { STEP_ROW, 3 * YEAR + SECOND } }, 0x0, 3 },
		{ HOUR, { { STEP_ROW, 0 }, { STEP_JUMP, -5 * HOUR },
		    { STEP_ROW, -5 * HOUR }, { STEP_ROW, 0 },
		    { STEP_ROW, SECOND - 5 * HOUR }, { STEP_ROW, 0 },
		    { STEP_PASS, HOUR + MINUTE } }, 0x1f, 4 },
		/* a row that waited, and no jump: as old as it is */
		{ HOUR, { { STEP_ROW, 0 }, { STEP_ROW, 2 * HOUR },
		    { STEP_ROW, 0 } }, 0x2, 1 },
		/* restarts in one boot: what passes while none runs counts */
		{ DAY, { { STEP_ROW, 0 }, { STEP_RESTART, 12 * HOUR },
		    { STEP_ROW, 0 }, { STEP_RESTART, 11 * HOUR } }, 0x0, 1 },
		{ DAY, { { STEP_ROW, 0 }, { STEP_RESTART, 12 * HOUR },
		    { STEP_ROW, 0 }, { STEP_RESTART, 13 * HOUR } }, 0x1, 1 },
		{ DAY, { { STEP_ROW, 0 }, { STEP_PASS, MINUTE },
		    { STEP_KILL, 23 * HOUR } }, 0x0, 1 },
		{ DAY, { { STEP_ROW, 0 }, { STEP_PASS, MINUTE },
		    { STEP_KILL, 24 * HOUR } }, 0x1, 1 },
		/* another boot: off for a while that makes sense */
		{ DAY, { { STEP_ROW, 0 }, { STEP_PASS, 13 * HOUR },
		    { STEP_REBOOT, 11 * HOUR + MINUTE }, { STEP_ROW, 0 } },
		    0x1, 1 },
		/* off for longer than half of what is kept: our clock stood */
		{ DAY, { { STEP_ROW, 0 }, { STEP_PASS, 13 * HOUR },
		    { STEP_REBOOT, 13 * HOUR }, { STEP_ROW, 0 } }, 0x0, 2 },
		{ DAY, { { STEP_ROW, 0 }, { STEP_PASS, 13 * HOUR },
		    { STEP_REBOOT, 13 * HOUR }, { STEP_ROW, 0 },
		    { STEP_PASS, 12 * HOUR } }, 0x1, 2 },
		/* the wall clock went back over the boot */
		{ DAY, { { STEP_ROW, 0 }, { STEP_REBOOT, -5 * HOUR },
		    { STEP_ROW, 0 }, { STEP_PASS, 23 * HOUR } }, 0x0, 2 },
		/* a boot in 1970, then NTP */
		{ 30 * DAY, { { STEP_ROW, 0 }, { STEP_REBOOT_1970, HOUR },
		    { STEP_ROW, 0 }, { STEP_PASS, MINUTE },
		    { STEP_JUMP, BEGIN_MS + HOUR }, { STEP_ROW, 0 } },
		    0x0, 3 },
		{ 30 * DAY, { { STEP_ROW, 0 }, { STEP_PASS, 10 * DAY },
		    { STEP_REBOOT_1970, HOUR }, { STEP_ROW, 0 },
		    { STEP_PASS, MINUTE }, { STEP_JUMP, BEGIN_MS + 10 * DAY },
		    { STEP_ROW, 0 }, { STEP_PASS, 20 * DAY } }, 0x1, 3 },
		{ 30 * DAY, { { STEP_ROW, 0 }, { STEP_REBOOT_1970, HOUR },
		    { STEP_ROW, 0 }, { STEP_PASS, MINUTE },
		    { STEP_JUMP, BEGIN_MS + HOUR }, { STEP_ROW, 0 },
		    { STEP_PASS, 30 * DAY } }, 0x3, 3 },
		/* the first boot ever is in 1970 */
		{ 30 * DAY, { { STEP_JUMP, 20 * SECOND - BEGIN_MS },
		    { STEP_RESTART, 0 }, { STEP_ROW, 0 },
		    { STEP_JUMP, BEGIN_MS }, { STEP_ROW, 0 },
		    { STEP_PASS, 29 * DAY } }, 0x0, 2 },
		{ 30 * DAY, { { STEP_JUMP, 20 * SECOND - BEGIN_MS },
		    { STEP_RESTART, 0 }, { STEP_ROW, 0 },
		    { STEP_JUMP, BEGIN_MS }, { STEP_PASS, 29 * DAY },
		    { STEP_ROW, 0 }, { STEP_PASS, 2 * DAY } }, 0x1, 2 },
		/* one second is kept */
		{ SECOND, { { STEP_ROW, 0 }, { STEP_PASS, 1000 },
		    { STEP_ROW, 0 } }, 0x0, 1 },
		{ SECOND, { { STEP_ROW, 0 }, { STEP_PASS, 1001 },
		    { STEP_ROW, 0 } }, 0x1, 1 },
		{ SECOND, { { STEP_ROW, 0 }, { STEP_JUMP, YEAR },
		    { STEP_ROW, 0 }, { STEP_PASS, 900 } }, 0x0, 2 },
		{ SECOND, { { STEP_ROW, 0 }, { STEP_JUMP, 2000 },
		    { STEP_ROW, 0 }, { STEP_PASS, 900 } }, 0x0, 2 },
		/* slow drift: no epoch for each step, one for their sum */
		{ DAY, { { STEP_ROW, 0 }, { STEP_JUMP, 25 * SECOND },
		    { STEP_ROW, 0 }, { STEP_JUMP, 25 * SECOND },
		    { STEP_ROW, 0 }, { STEP_JUMP, 25 * SECOND },
		    { STEP_ROW, 0 }, { STEP_JUMP, 25 * SECOND },
		    { STEP_ROW, 0 } }, 0x0, 2 },
		{ DAY, { { STEP_ROW, 0 }, { STEP_JUMP, MINUTE },
		    { STEP_ROW, 0 }, { STEP_JUMP, 1 }, { STEP_ROW, 0 } },
		    0x0, 2 },
		/* stamps that make no sense, from a broken sender */
		{ DAY, { { STEP_ROW, 0 }, { STEP_ROW_AT, 0 },
		    { STEP_ROW_AT, INT64_MAX }, { STEP_ROW_AT, INT64_MIN },
		    { STEP_ROW, 0 } }, 0xa, 1 },
	};

	return cr_make_param_array(struct scenario, cases,
	    sizeof(cases) / sizeof(cases[0]));
}
/* clang-format on */

ParameterizedTest(struct scenario *k, epochs, age)
{
	struct world w = world_make(k->retention_ms);
	unsigned int old;
	size_t i;

	for (i = 0; i < STEPS_MAX; i++)
		take(&w, &k->steps[i]);
	old = old_rows(&w);
	cr_expect_eq(old, k->old, "old: 0x%x, not 0x%x", old, k->old);
	cr_expect_eq(w.begun_count, k->epochs, "%zu epochs, not %zu",
	    w.begun_count, k->epochs);
	/* Another store that reads what was kept sees the same. */
	epochs_save(w.epochs, &w.clocks, &w.saved);
	restart(&w);
	cr_expect_eq(old_rows(&w), old);
	epochs_free(&w.epochs);
}

Test(epochs, saved_nonsense_is_not_taken)
{
	static const struct epochs_saved nonsense[] = {
		{ -1, { BEGIN_MS, 0, "" } },
		{ INT64_MAX, { BEGIN_MS, 0, "" } },
		{ INT64_MIN, { BEGIN_MS, 0, "" } },
		{ 0, { INT64_MIN, 0, "" } },
		{ 0, { INT64_MAX, 0, "" } },
		{ 0, { BEGIN_MS, INT64_MIN, "" } },
	};
	struct world w = world_make(DAY);
	size_t i;

	for (i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		w.saved = nonsense[i];
		restart(&w);
		cr_expect_eq(epochs_own_ms(w.epochs, &w.clocks), BEGIN_MS);
	}
	/* Where there are epochs, the newest of them says where we are. */
	w.begun[0] = (struct epoch){ 1, 2 * YEAR };
	w.begun_count = 1;
	restart(&w);
	cr_expect_eq(epochs_own_ms(w.epochs, &w.clocks), BEGIN_MS - 2 * YEAR);
	epochs_free(&w.epochs);
}

Test(epochs, loaded_nonsense_is_left_out)
{
	struct world w = world_make(DAY);

	epochs_load(w.epochs, &(struct epoch){ 10, 5 });
	epochs_load(w.epochs, &(struct epoch){ 10, 6 });
	epochs_load(w.epochs, &(struct epoch){ 9, 7 });
	epochs_load(w.epochs, &(struct epoch){ 20, INT64_MIN });
	epochs_load(w.epochs, &(struct epoch){ 21, INT64_MAX });
	epochs_load(w.epochs, &(struct epoch){ 30, 8 });
	cr_expect_eq(epochs_limit_ms(w.epochs, 100, 0, INT64_MIN), 105);
	cr_expect_eq(epochs_limit_ms(w.epochs, 100, 0, 10), 105);
	cr_expect_eq(epochs_limit_ms(w.epochs, 100, 0, 29), 105);
	cr_expect_eq(epochs_limit_ms(w.epochs, 100, 0, 30), 108);
	cr_expect_eq(epochs_limit_ms(w.epochs, 100, 0, INT64_MAX), 108);
	cr_expect_eq(epochs_limit_ms(w.epochs, 100, 50, 30), 58);
	cr_expect_lt(epochs_limit_ms(w.epochs, 100, UINT64_MAX, 30), 0);
	cr_expect_eq(epochs_highest_limit_ms(w.epochs, 100, 1), 107);
	epochs_free(&w.epochs);
}

Test(epochs, what_was_not_committed_is_forgotten)
{
	struct world w = world_make(DAY);
	struct epoch begun;

	cr_expect(epochs_place(w.epochs, &w.clocks, 1, BEGIN_MS, &begun));
	w.clocks.wall_ms += YEAR;
	cr_expect(
	    epochs_place(w.epochs, &w.clocks, 2, w.clocks.wall_ms, &begun));
	cr_expect_eq(begun.first_id, 2);
	cr_expect_eq(begun.offset_ms, YEAR);
	epochs_forget_from(w.epochs, 2);
	cr_expect_eq(epochs_limit_ms(w.epochs, 0, 0, 2), 0);
	cr_expect(
	    epochs_place(w.epochs, &w.clocks, 2, w.clocks.wall_ms, &begun));
	epochs_free(&w.epochs);
}

Test(epochs, those_without_rows_are_forgotten)
{
	struct world w = world_make(DAY);

	cr_expect_eq(epochs_forget_before(w.epochs, 5), INT64_MIN);
	epochs_load(w.epochs, &(struct epoch){ 1, 1 });
	epochs_load(w.epochs, &(struct epoch){ 10, 2 });
	epochs_load(w.epochs, &(struct epoch){ 20, 3 });
	cr_expect_eq(epochs_forget_before(w.epochs, 0), 1);
	cr_expect_eq(epochs_forget_before(w.epochs, 9), 1);
	cr_expect_eq(epochs_forget_before(w.epochs, 10), 10);
	cr_expect_eq(epochs_limit_ms(w.epochs, 0, 0, 5), 2);
	cr_expect_eq(epochs_forget_before(w.epochs, INT64_MAX), 20);
	epochs_free(&w.epochs);
}

/* A sender whose stamps alternate can't make epochs without end. */
Test(epochs, alternating_stamps_are_bounded)
{
	struct world w = world_make(DAY);
	struct epoch begun;
	size_t count = 0;
	int64_t id;

	cr_expect(epochs_place(w.epochs, &w.clocks, 1, BEGIN_MS, &begun));
	w.clocks.wall_ms += YEAR;
	for (id = 2; id < 100000; id++)
		count += epochs_place(w.epochs, &w.clocks, id,
		    w.clocks.wall_ms - (id % 2 == 0 ? 0 : YEAR), &begun);
	cr_expect_geq(count, 1000u);
	cr_expect_leq(count, 1002u);
	/* What is fresh then is fresh. */
	cr_expect_eq(epochs_limit_ms(w.epochs,
			 epochs_own_ms(w.epochs, &w.clocks), 0, id),
	    w.clocks.wall_ms);
	/* The next jump is seen all the same. */
	w.clocks.wall_ms += YEAR;
	cr_expect(
	    epochs_place(w.epochs, &w.clocks, id, w.clocks.wall_ms, &begun));
	epochs_free(&w.epochs);
}
