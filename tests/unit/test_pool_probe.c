/* Which connections were probes, and of which kind (probe.h). */
#include "pool/probe.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "common/clock.h"
#include "common/spec.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/worker.h"

static struct scoreboard board;
static struct worker worker = { .board = &board };
static struct listener_spec spec = { .name = "pos" };
static struct conn_list list = { .worker = &worker,
	.board = &board.entries[5],
	.spec = &spec };

struct probe_case {
	uint8_t marks;
	uint32_t age_ms;
	uint64_t bytes_in;
	enum conn_end end;
	int counted; /* enum counter_id; -1: it is no probe */
};

#define CLOSED CONN_END_PEER_CLOSED
#define RESET CONN_END_PEER_RESET

ParameterizedTestParameters(probe, kinds)
{
	static struct probe_case cases[] = {
		{ 0, 0, 0, CLOSED, COUNTER_PROBES_FIN },
		{ 0, 0, 0, RESET, COUNTER_PROBES_RST },
		{ 0, 900, 0, CLOSED, COUNTER_PROBES_FIN },
		{ 0, 1000, 0, CLOSED, -1 },
		{ 0, 5000, 0, RESET, -1 },
		{ 0, 0, 1, CLOSED, -1 },
		{ 0, 0, 1, RESET, -1 },
		/* It was not the peer who ended it. */
		{ 0, 0, 0, CONN_END_KICKED, -1 },
		{ 0, 0, 0, CONN_END_DEADLINE, -1 },
		{ 0, 0, 0, CONN_END_NO_MEMORY, -1 },
		{ 0, 0, 0, CONN_END_DENIED, -1 },
		{ 0, 0, 0, CONN_END_HANDSHAKE_TIMEOUT, -1 },
		{ 0, 0, 0, CONN_END_PROTOCOL_ERROR, -1 },
		{ PROBE_FAILED, 0, 0, CLOSED, -1 },
		{ PROBE_FAILED | PROBE_TLS, 0, 0, CLOSED, -1 },
		{ PROBE_TLS, 0, 0, CLOSED, COUNTER_PROBES_TLS },
		{ PROBE_TLS, 0, 0, RESET, COUNTER_PROBES_TLS },
		{ PROBE_TLS, 2000, 0, CLOSED, -1 },
		{ PROBE_TLS, 0, 1, CLOSED, -1 },
		/* These are always, and however they end. */
		{ PROBE_LOCAL, 9000, 7, CLOSED, COUNTER_PROBES_LOCAL },
		{ PROBE_LOCAL | PROBE_TLS, 0, 0, RESET, COUNTER_PROBES_LOCAL },
		{ PROBE_LISTED | PROBE_LOCAL, 0, 0, RESET,
		    COUNTER_PROBES_LOCAL },
		{ PROBE_LISTED, 9000, 7, CLOSED, COUNTER_PROBES_FIN },
		{ PROBE_LISTED, 9000, 7, RESET, COUNTER_PROBES_RST },
		{ PROBE_LISTED, 9000, 0, CONN_END_IDLE_TIMEOUT,
		    COUNTER_PROBES_FIN },
		{ PROBE_LISTED | PROBE_TLS, 9000, 7, CLOSED,
		    COUNTER_PROBES_FIN },
		{ PROBE_LISTED | PROBE_TLS, 9000, 0, CLOSED,
		    COUNTER_PROBES_TLS },
	};

	return cr_make_param_array(struct probe_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct probe_case *k, probe, kinds)
{
	const struct conn c = { .list = &list,
		.probe = k->marks,
		.bytes_in = k->bytes_in,
		.opened_ms = clock_mono_ms() - k->age_ms,
		.has_address = true,
		.address = { [15] = 1 } };
	struct probe_sum sum = { 0 };
	int id;

	cr_expect_eq(probe_ends(&c, k->end), k->counted != -1);
	for (id = 0; id < COUNTER_COUNT; id++)
		cr_expect_eq(scoreboard_get(list.board, (enum counter_id)id),
		    (uint64_t)(id == k->counted), "counter %d", id);
	scoreboard_sum_probes(&board, list.board, &sum);
	cr_expect_eq(sum.count, (uint32_t)(k->counted != -1));
	if (sum.count > 0) {
		cr_expect_eq(memcmp(sum.sources[0].address, c.address, 16), 0);
		cr_expect_eq(sum.sources[0].count, 1);
		cr_expect_leq(sum.sources[0].seen_ms, clock_real_ms());
	}
}

Test(probe, what_has_no_address_has_no_source)
{
	const struct conn c = { .list = &list, .opened_ms = clock_mono_ms() };
	struct probe_sum sum = { 0 };

	cr_expect(probe_ends(&c, CONN_END_PEER_CLOSED));
	scoreboard_sum_probes(&board, list.board, &sum);
	cr_expect_eq(sum.count, 0);
}

/* The next listener of the entry has not seen the sources of the last. */
Test(probe, a_claimed_entry_forgets)
{
	const struct conn c = { .list = &list,
		.opened_ms = clock_mono_ms(),
		.has_address = true };
	struct probe_sum sum = { 0 };

	cr_expect(probe_ends(&c, CONN_END_PEER_CLOSED));
	scoreboard_claim(list.board, 9);
	scoreboard_sum_probes(&board, list.board, &sum);
	cr_expect_eq(sum.count, 0);
	cr_expect(probe_ends(&c, CONN_END_PEER_CLOSED));
	scoreboard_sum_probes(&board, list.board, &sum);
	cr_expect_eq(sum.count, 1);
	cr_expect_eq(sum.sources[0].count, 1);
}

Test(probe, one_that_was_aborted)
{
	probe_count_aborted(&list);
	cr_expect_eq(scoreboard_get(list.board, COUNTER_PROBES_RST), 1);
}
