#include "exec/exec_record.h"

#include <stdio.h>

#include "common/conn_id.h"
#include "common/event_sink.h"
#include "common/exit_table.h"
#include "common/scoreboard.h"
#include "common/spec.h"
#include "exec/program.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/conn_peer.h"
#include "pool/folds.h"
#include "pool/worker.h"

#define REASON_SIZE sizeof("signal_4294967295")

static struct exit_table *
table_of(const struct conn *c)
{
	return scoreboard_exits(c->list->worker->board, c->list->board);
}

/* What is told of each program only where each connection is. */
static void
tell(const struct conn *c, struct health_event *e, pid_t pid)
{
	char id[CONN_ID_SIZE], peer[CONN_PEER_SIZE];

	if (!c->list->spec->record_connections)
		return;
	conn_id_format(c->id, id);
	conn_peer(c, peer);
	e->listener = c->list->spec->name;
	if (peer[0] != '\0')
		e->peer = peer;
	event_add_text(e, FACT_CONNECTION, id);
	event_add_number(e, FACT_PID, pid);
	event_sink_add(c->list->worker->events, e);
}

/* "exit_1", "signal_11": words that are never freed, as folds wants them. */
static const char *
reason_of(const struct program_exit *exit)
{
	static char exits[EXIT_CODES][REASON_SIZE];
	static char signals[EXIT_SIGNALS][REASON_SIZE];
	const unsigned int n = (unsigned int)exit->status;
	char *word;

	if (n >= (exit->by_signal ? EXIT_SIGNALS : EXIT_CODES))
		return "unknown";
	word = exit->by_signal ? signals[n] : exits[n];
	if (word[0] == '\0')
		(void)snprintf(word, REASON_SIZE, "%s_%u",
		    exit->by_signal ? "signal" : "exit", n);
	return word;
}

/* What can be many is told once a second. */
static void
tell_crash(const struct conn *c, const char *reason)
{
	char peer[CONN_PEER_SIZE];

	conn_peer(c, peer);
	folds_add(c->list, EVENT_APP_CRASHED, reason, peer);
}

void
exec_record_start(const struct conn *c, pid_t pid)
{
	struct health_event e = { .type = EVENT_APP_STARTED };

	exit_table_start(table_of(c));
	tell(c, &e, pid);
}

void
exec_record_exit(const struct conn *c, const struct program_exit *exit,
    bool wanted)
{
	struct health_event e = { .type = EVENT_APP_EXITED };

	exit_table_end(table_of(c), exit->by_signal, exit->status);
	if (!wanted && (exit->by_signal || exit->status != 0)) {
		tell_crash(c, reason_of(exit));
		return;
	}
	event_add_number(&e, exit->by_signal ? FACT_SIGNAL : FACT_EXIT_CODE,
	    exit->status);
	event_add_number(&e, FACT_UPTIME_MS, (int64_t)exit->uptime_ms);
	tell(c, &e, exit->pid);
}

void
exec_record_failure(const struct conn *c)
{
	exit_table_fail(table_of(c));
	tell_crash(c, "not_started");
}
