#include <criterion/criterion.h>
#include <string.h>

#include "gateway/process_meter.h"

/* What a process takes, by pid; 0: it is gone. */
static uint64_t cpu_of[1000];
static unsigned int looks;

static void
look_up(uint32_t pid, struct usage *out)
{
	looks++;
	out->memory_bytes = out->cpu_ms = -1;
	if (cpu_of[pid] == 0)
		return;
	out->memory_bytes = (int64_t)pid * 10;
	out->cpu_ms = (int64_t)cpu_of[pid];
}

static const struct process_role *
role_of(const struct process_meter *m, const char *name)
{
	unsigned int i;

	for (i = 0; i < PROCESS_METER_ROLES; i++)
		if (strcmp(m->roles[i].name, name) == 0)
			return &m->roles[i];
	cr_assert_fail("no role %s", name);
	return NULL;
}

/* Look at the workers from pid first to last. */
static void
look_at_pool(struct process_meter *m, uint32_t first, uint32_t last)
{
	process_meter_begin(m);
	for (; first <= last; first++)
		process_meter_add(m, "pool", first, 1);
	process_meter_end(m, look_up);
}

Test(process_meter, adds_up_by_role)
{
	struct process_meter m = { 0 };
	const struct process_role *pool;

	cpu_of[7] = 70;
	cpu_of[8] = 80;
	cpu_of[9] = 90;
	process_meter_begin(&m);
	process_meter_add(&m, "control", 8, 3);
	process_meter_add(&m, "pool", 9, 4);
	process_meter_add(&m, "pool", 7, 5);
	process_meter_add(&m, "pool", 0, 6);
	process_meter_end(&m, look_up);
	pool = role_of(&m, "pool");
	cr_expect_eq(pool->running, 2);
	cr_expect_eq(pool->restarts, 15);
	cr_expect_eq(pool->memory_bytes, 160);
	cr_expect_eq(pool->cpu_ms, 160);
	cr_expect_eq(role_of(&m, "control")->cpu_ms, 80);
	cr_expect_eq(role_of(&m, "control")->restarts, 3);
	process_meter_free(&m);
}

Test(process_meter, cpu_time_never_goes_back)
{
	struct process_meter m = { 0 };

	cpu_of[5] = 500;
	cpu_of[6] = 600;
	look_at_pool(&m, 5, 6);
	cpu_of[6] = 610;
	look_at_pool(&m, 6, 6);
	cr_expect_eq(role_of(&m, "pool")->cpu_ms, 1110, "5 has ended");
	cr_expect_eq(role_of(&m, "pool")->memory_bytes, 60);
	cpu_of[6] = 3;
	look_at_pool(&m, 6, 6);
	cr_expect_eq(role_of(&m, "pool")->cpu_ms, 1113, "another 6");
	cpu_of[6] = 0;
	look_at_pool(&m, 6, 6);
	cr_expect_eq(role_of(&m, "pool")->cpu_ms, 1113, "it is just ending");
	look_at_pool(&m, 1, 0);
	cr_expect_eq(role_of(&m, "pool")->cpu_ms, 1113);
	cr_expect_eq(role_of(&m, "pool")->running, 0);
	cr_expect_eq(role_of(&m, "pool")->restarts, 0);
	process_meter_free(&m);
}

Test(process_meter, a_pid_that_changes_its_role_is_another_process)
{
	struct process_meter m = { 0 };

	cpu_of[5] = 500;
	look_at_pool(&m, 5, 5);
	process_meter_begin(&m);
	process_meter_add(&m, "store", 5, 0);
	process_meter_end(&m, look_up);
	cr_expect_eq(role_of(&m, "store")->cpu_ms, 500);
	process_meter_free(&m);
}

Test(process_meter, many_take_turns)
{
	const uint32_t last = 2 * PROCESS_METER_LOOKS + 10;
	struct process_meter m = { 0 };
	uint32_t pid;

	for (pid = 1; pid <= last; pid++)
		cpu_of[pid] = 1;
	look_at_pool(&m, 1, last);
	cr_expect_eq(looks, PROCESS_METER_LOOKS);
	cr_expect_eq(role_of(&m, "pool")->cpu_ms, PROCESS_METER_LOOKS);
	look_at_pool(&m, 1, last);
	look_at_pool(&m, 1, last);
	cr_expect_eq(looks, 3 * PROCESS_METER_LOOKS);
	cr_expect_eq(role_of(&m, "pool")->cpu_ms, last, "all of them, once");
	cr_expect_eq(role_of(&m, "pool")->memory_bytes,
	    (uint64_t)last * (last + 1) / 2 * 10);
	process_meter_free(&m);
}

Test(process_meter, too_many_roles_are_left_out)
{
	struct process_meter m = { 0 };
	char name[16];
	unsigned int i;

	process_meter_begin(&m);
	for (i = 0; i < 2 * PROCESS_METER_ROLES; i++) {
		(void)snprintf(name, sizeof(name), "role%u", i);
		process_meter_add(&m, name, 0, 1);
	}
	process_meter_end(&m, look_up);
	cr_expect_eq(m.roles[PROCESS_METER_ROLES - 1].restarts, 1);
	process_meter_free(&m);
}
