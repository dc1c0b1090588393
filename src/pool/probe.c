#include "pool/probe.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/scoreboard.h"
#include "common/spec.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/conn_peer.h"
#include "pool/rules.h"
#include "pool/worker.h"

bool
probe_is_listed(const struct conn_list *list, const uint8_t address[static 16])
{
	return rules_is_probe(&list->rules, address);
}

bool
probe_is_sure(const struct conn *c)
{
	return (c->probe & (PROBE_LISTED | PROBE_LOCAL)) != 0;
}

/* Did the peer end it at once, and without a word? */
static bool
said_nothing(const struct conn *c, enum conn_end end)
{
	return c->bytes_in == 0 && (c->probe & PROBE_FAILED) == 0 &&
	    (end == CONN_END_PEER_CLOSED || end == CONN_END_PEER_RESET) &&
	    clock_mono_ms() - c->opened_ms < PROBE_MS;
}

static enum counter_id
kind_of(const struct conn *c, enum conn_end end)
{
	if (c->probe & PROBE_LOCAL)
		return COUNTER_PROBES_LOCAL;
	if ((c->probe & PROBE_TLS) && c->bytes_in == 0)
		return COUNTER_PROBES_TLS;
	return end == CONN_END_PEER_RESET ? COUNTER_PROBES_RST
					  : COUNTER_PROBES_FIN;
}

bool
probe_ends(const struct conn *c, enum conn_end end)
{
	const struct conn_list *list = c->list;
	uint8_t address[16];
	char peer[CONN_PEER_SIZE];

	if (!probe_is_sure(c) && !said_nothing(c, end))
		return false;
	scoreboard_add(list->board, kind_of(c, end), 1);
	if (conn_peer_address(c, address))
		scoreboard_note_probe(list->worker->board, list->board,
		    address);
	conn_peer(c, peer);
	log_debug("listener", list->spec->name, "a probe of %s: %s", peer,
	    conn_end_name(end));
	return true;
}

void
probe_count_aborted(const struct conn_list *list)
{
	scoreboard_add(list->board, COUNTER_PROBES_RST, 1);
}
