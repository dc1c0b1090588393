#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <unistd.h>

#include "config/holder.h"
#include "config/proc.h"
#include "config/strays.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A row of /proc/net/tcp; %s is the local address, then the state. */
#define ROW                                                             \
	"   1: %s:23DC 00000000:0000 %s 00000000:00000000 00:00000000 " \
	"00000000 "                                                     \
	"  100        0 4711 1 0000000000000000 100 0 0 10 0"

#define ANY6 "00000000000000000000000000000000"
#define LOOPBACK6 "00000000000000000000000001000000"
#define MAPPED "0000000000000000FFFF00000100007F"

struct row_case {
	char hex[40];
	char state[3];
	char address[16]; /* that we want, port 9180 */
	bool matches;
};

ParameterizedTestParameters(holder, rows)
{
	static struct row_case cases[] = {
		{ "0100007F", "0A", "127.0.0.1", true },
		{ "0100007F", "01", "127.0.0.1", true },
		{ "0100007F", "06", "127.0.0.1", false },
		{ "0100007F", "0A", "127.0.0.2", false },
		{ "0100007F", "0A", "0.0.0.0", true },
		{ "0100007F", "0A", "::", true },
		{ "0100007F", "0A", "::1", false },
		{ "00000000", "0A", "127.0.0.1", true },
		{ "00000000", "0A", "::", true },
		{ "00000000", "0A", "::1", false },
		{ ANY6, "0A", "127.0.0.1", true },
		{ ANY6, "0A", "0.0.0.0", true },
		{ ANY6, "0A", "::1", true },
		{ LOOPBACK6, "0A", "::1", true },
		{ LOOPBACK6, "0A", "::", true },
		{ LOOPBACK6, "0A", "127.0.0.1", false },
		{ LOOPBACK6, "0A", "0.0.0.0", false },
		{ MAPPED, "0A", "127.0.0.1", true },
		{ MAPPED, "0A", "0.0.0.0", true },
		{ "0100007", "0A", "127.0.0.1", false },
		{ "0100007F", "0A", "nonsense", false },
	};

	return cr_make_param_array(struct row_case, cases, COUNT(cases));
}

ParameterizedTest(struct row_case *k, holder, rows)
{
	struct msg_config_find_holder place = { .port = 9180 };
	unsigned long long inode = 0;
	bool listening = false;
	char row[256];

	(void)snprintf(place.address, sizeof(place.address), "%s", k->address);
	(void)snprintf(row, sizeof(row), ROW, k->hex, k->state);
	cr_expect_eq(holder_row_matches(row, &place, &inode, &listening),
	    k->matches, "%s wanted, %s there", k->address, k->hex);
	if (k->matches) {
		cr_expect_eq(inode, 4711);
		cr_expect_eq(listening, k->state[1] == 'A');
	}
	place.port = 9181;
	cr_expect_not(holder_row_matches(row, &place, &inode, &listening));
}

Test(holder, the_heading_is_no_row)
{
	const struct msg_config_find_holder place = { .address = "::" };
	unsigned long long inode;
	bool listening;

	cr_expect_not(holder_row_matches("  sl  local_address rem_address   st "
					 "tx_queue rx_queue tr tm->when "
					 "retrnsmt   uid  timeout inode",
	    &place, &inode, &listening));
}

struct run_case {
	char run[48];
	unsigned int pid;
};

ParameterizedTestParameters(strays, runs)
{
	static struct run_case cases[] = {
		{ "/run/a.sock:12:0badcafe", 12 },
		{ "/run/a.sock:12:", 0 },
		{ "/run/a.sock:12", 0 },
		{ "/run/a.sock::1", 0 },
		{ "/run/a.sock:12:1x", 0 },
		{ "/run/a.sock:12:1 ", 0 },
		{ "/run/a.sock:b:12:1", 0 },
		{ "/run/a.socket:12:1", 0 },
		{ "/run/b.sock:12:1", 0 },
		{ "/run/a.sock", 0 },
		{ "", 0 },
	};

	return cr_make_param_array(struct run_case, cases, COUNT(cases));
}

ParameterizedTest(struct run_case *k, strays, runs)
{
	cr_expect_eq(strays_supervisor(k->run, "/run/a.sock"), k->pid, "%s",
	    k->run);
	cr_expect_eq(strays_supervisor(k->run, ""), 0);
}

Test(proc, what_is_known_of_ourselves)
{
	char name[PROCESS_NAME_SIZE], value[8];
	const pid_t pid = getpid();

	proc_name(pid, name);
	cr_expect_neq(name[0], '\0');
	cr_expect_lt(proc_start(pid), UINT64_MAX);
	cr_expect_leq(proc_start(getppid()), proc_start(pid));
	cr_expect(proc_is_near(pid));
	cr_expect_not(
	    proc_variable(pid, "NO_SUCH_VARIABLE", value, sizeof(value)));
	cr_expect_not(proc_has_socket(pid, 0));
}

Test(proc, one_that_is_gone)
{
	char name[PROCESS_NAME_SIZE] = "x", value[8];
	const pid_t gone = 1 << 23;

	proc_name(gone, name);
	cr_expect_str_eq(name, "");
	cr_expect_eq(proc_start(gone), UINT64_MAX);
	cr_expect_not(proc_is_near(gone));
	cr_expect_not(proc_variable(gone, "PATH", value, sizeof(value)));
}
