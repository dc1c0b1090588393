#include <sys/resource.h>

#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>

#include "proxy/pipes.h"

static struct pipes all;

static void
teardown(void)
{
	pipes_clear(&all);
	cr_expect_eq(all.count, 0);
}

TestSuite(pipes, .fini = teardown, .timeout = 10);

Test(pipes, passes_bytes_and_never_blocks)
{
	struct pipe *p = pipes_get(&all);
	char byte = 'x';

	cr_assert_not_null(p);
	cr_expect_eq(p->held, 0);
	cr_expect_eq(read(p->out, &byte, 1), -1);
	cr_expect_eq(write(p->in, &byte, 1), 1);
	cr_expect_eq(read(p->out, &byte, 1), 1);
	cr_expect_geq(fcntl(p->in, F_GETPIPE_SZ), PIPE_SIZE_MIN);
	cr_expect(fcntl(p->in, F_GETFD) & FD_CLOEXEC);
	pipes_put(&all, &p);
	cr_expect_null(p);
}

Test(pipes, gives_an_empty_one_again)
{
	struct pipe *p = pipes_get(&all);
	const int out = p->out;

	pipes_put(&all, &p);
	cr_expect_eq(all.count, 1);
	p = pipes_get(&all);
	cr_expect_eq(p->out, out);
	cr_expect_eq(all.count, 1);
	pipes_put(&all, &p);
}

Test(pipes, closes_one_that_holds_something)
{
	struct pipe *p = pipes_get(&all);
	const int out = p->out;

	p->held = 1;
	pipes_put(&all, &p);
	cr_expect_eq(all.count, 0);
	cr_expect_eq(fcntl(out, F_GETFD), -1);
}

Test(pipes, are_bounded)
{
	struct pipe *p[3];

	all.max = 2;
	p[0] = pipes_get(&all);
	p[1] = pipes_get(&all);
	p[2] = pipes_get(&all);
	cr_expect_not_null(p[1]);
	cr_expect_null(p[2]);
	pipes_put(&all, &p[0]);
	p[2] = pipes_get(&all);
	cr_expect_not_null(p[2]);
	pipes_put(&all, &p[1]);
	pipes_put(&all, &p[2]);
}

Test(pipes, does_not_ask_again_at_once_when_there_are_no_descriptors)
{
	const struct rlimit none = { 3, 3 };
	struct rlimit before;
	struct pipe *p;
	int tries = 0;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE,
			 &(struct rlimit){ none.rlim_cur, before.rlim_max }),
	    0);
	cr_expect_null(pipes_get(&all));
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	do
		p = pipes_get(&all);
	while (p == NULL && ++tries < 10000);
	cr_expect_not_null(p);
	cr_expect_gt(tries, 10);
	pipes_put(&all, &p);
}
