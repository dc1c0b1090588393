#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json/usage.h"

#define REST " 1 4 4 0 -1 4194560 140 0 0 0 "

struct cpu_case {
	char stat[96];
	int64_t ticks_per_s;
	int64_t want;
};

ParameterizedTestParameters(usage, cpu)
{
	static struct cpu_case cases[] = {
		{ "42 (mercuryd) S" REST "12 3 0 0 20 0 1", 100, 150 },
		{ "42 (mercuryd) S" REST "0 0", 100, 0 },
		{ "42 (mercuryd) S" REST "1 1", 1000, 2 },
		/* A name may look like anything. */
		{ "42 (a) R 1 (b) S" REST "7 1 0", 100, 80 },
		{ "42 (a) b) S" REST "7 1 0", 100, 80 },
		{ "42 (mercuryd) S" REST "12", 100, -1 },
		{ "42 (mercuryd) S 1 2", 100, -1 },
		{ "42 (mercuryd)", 100, -1 },
		{ "42", 100, -1 },
		{ "", 100, -1 },
		{ "42 (mercuryd) S" REST "12 3", 0, -1 },
	};

	return cr_make_param_array(struct cpu_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct cpu_case *k, usage, cpu)
{
	cr_expect_eq(usage_parse_cpu(k->stat, k->ticks_per_s), k->want, "%s",
	    k->stat);
}

Test(usage, memory)
{
	cr_expect_eq(usage_parse_memory("900 420 300 1 0 80 0\n", 4096),
	    420 * 4096);
	cr_expect_eq(usage_parse_memory("900", 4096), -1);
	cr_expect_eq(usage_parse_memory("", 4096), -1);
}

Test(usage, of_ourselves)
{
	struct usage u = { -1, -1 };
	volatile unsigned int i;

	do {
		for (i = 0; i < 1000000; i++)
			continue;
		usage_read((uint32_t)getpid(), &u);
	} while (u.cpu_ms == 0);
	cr_expect_gt(u.memory_bytes, 4096);
	cr_expect_gt(u.cpu_ms, 0);
}

Test(usage, of_somebody_who_is_gone)
{
	struct usage u = { 1, 1 };
	const pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	usage_read((uint32_t)pid, &u);
	cr_expect_eq(u.memory_bytes, -1);
	cr_expect_eq(u.cpu_ms, -1);
}

Test(usage, sums_know_what_is_not_known)
{
	const struct usage none = { -1, -1 }, some = { 5, -1 }, all = { 1, 2 };
	struct usage sum = none;

	usage_add(&sum, &none);
	cr_expect_eq(sum.memory_bytes, -1);
	usage_add(&sum, &some);
	cr_expect_eq(sum.memory_bytes, 5);
	cr_expect_eq(sum.cpu_ms, -1);
	usage_add(&sum, &all);
	usage_add(&sum, &none);
	cr_expect_eq(sum.memory_bytes, 6);
	cr_expect_eq(sum.cpu_ms, 2);
}
