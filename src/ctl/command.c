#include "ctl/command.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/event.h"
#include "ctl/command_connection.h"
#include "ctl/command_daemon.h"
#include "ctl/command_events.h"
#include "ctl/command_listener.h"
#include "ctl/command_status.h"
#include "ctl/command_supervisor.h"
#include "ctl/command_trace.h"
#include "ctl/command_tree.h"
#include "ctl/command_upstream.h"
#include "ctl/output.h"
#include "ctl/progress.h"
#include "option/suggest.h"

static void
print_listener_options(FILE *f)
{
	static const struct {
		const char *name, *fallback, *help;
	} rows[] = {
#define LISTENER_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, CHANGE, DEFAULT, \
    HELP)                                                                  \
	{ NAME, DEFAULT, HELP },
#include "common/option_list.h"
	};
	size_t i;

	(void)fputs("\nlistener options:\n", f);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		(void)fprintf(f, "  %-16s %-12s %s\n", rows[i].name,
		    rows[i].fallback == NULL ? "-" : rows[i].fallback,
		    rows[i].help);
}

static void
print_event_types(FILE *f)
{
	unsigned int type;

	(void)fputs("\ntypes of events, and their severity:\n", f);
	for (type = 0; type < EVENT_TYPE_COUNT; type++)
		(void)fprintf(f, "  %-24s %s\n", event_type_name(type),
		    event_severity_name(event_type_severity(type)));
}

/* clang-format off */
static const struct command commands[] = {
	{ "status", "[NAME] [--watch [SECONDS]]",
	    "Show the daemon and its listeners, or one of them. --watch shows "
	    "it with rates, what is wrong first, again each second or so many "
	    "of them; q ends it.",
	    OPTION_WATCH, 0, 1, NULL, command_status },
	{ "tree", "",
	    "Show the processes: pid, state, generation, uptime, restarts, "
	    "memory and CPU time.",
	    0, 0, 0, NULL, command_tree },
	{ "add-listener", "NAME KEY=VALUE... | --file FILE|- [--save]",
	    "Add a listener; done when it answers. --file takes a JSON object "
	    "with \"name\" and options. --save keeps it over restarts.",
	    OPTION_FILE | OPTION_SAVE, 0, COMMAND_ARGS_ANY,
	    print_listener_options, command_add_listener },
	{ "remove-listener", "NAME [--deadline TIME] [--save]",
	    "Remove a listener; done when its connections have ended or were "
	    "cut at the deadline. --save forgets it over restarts, too.",
	    OPTION_DEADLINE | OPTION_SAVE, 1, 1, NULL,
	    command_remove_listener },
	{ "update-listener", "NAME KEY=VALUE... [--save]",
	    "Change options of a listener, for new connections. --save keeps "
	    "them over restarts.",
	    OPTION_SAVE, 2, COMMAND_ARGS_ANY, print_listener_options,
	    command_update_listener },
	{ "pause", "NAME [--queue]",
	    "Stop accepting; open connections go on. New clients are refused, "
	    "or with --queue wait until the listener is resumed.",
	    OPTION_QUEUE, 1, 1, NULL, command_pause },
	{ "resume", "NAME",
	    "End a pause; done when the listener answers.",
	    0, 1, 1, NULL, command_resume },
	{ "restart-listener", "NAME|--all [--deadline TIME]",
	    "Replace the workers of a listener, or all workers, without "
	    "refusing anybody; done when the new ones serve. The old ones drain "
	    "until the deadline. A listener that has failed is bound anew.",
	    OPTION_ALL | OPTION_DEADLINE, 0, 1, NULL,
	    command_restart_listener },
	{ "upstreams", "NAME",
	    "Show where a listener of protocol proxy connects to: which of its "
	    "upstreams are up, how many connections each has and how many "
	    "wait for it, and what was wrong with it last.",
	    0, 1, 1, NULL, command_upstreams },
	{ "upstream-set", "NAME UPSTREAM ready|drain|maint",
	    "Send an upstream of a listener nobody new (drain), nor check it "
	    "(maint), or use it again (ready). What is open goes on. It holds "
	    "until mercuryd is started again.",
	    0, 3, 3, NULL, command_upstream_set },
	{ "connections", "NAME [--limit N] [--peer CIDR] [--idle TIME]",
	    "Show the open connections of a listener: those of an address, "
	    "with or without its port, or of a network; those from which "
	    "nothing has come for so long; only so many.",
	    OPTION_LIMIT | OPTION_PEER | OPTION_IDLE, 1, 1, NULL,
	    command_connections },
	{ "kick", "NAME ID",
	    "End one connection of a listener; connections shows its ID.",
	    0, 2, 2, NULL, command_kick },
	{ "trace", "NAME [--peer CIDR] [--count N] [--pcap FILE]",
	    "Show live what the connections of a listener carry: those of an "
	    "address, with or without its port, or of a network; only so many "
	    "records of data. --pcap writes packets for Wireshark into a file, "
	    "or with - to the standard output.",
	    OPTION_PEER | OPTION_COUNT | OPTION_PCAP, 1, 1, NULL,
	    command_trace },
	{ "history", "[NAME]",
	    "Show what happened to a listener and its workers, or what "
	    "happened last to any.",
	    0, 0, 1, NULL, command_history },
	{ "failure-rate", "[NAME] [--window TIME]",
	    "Show how often workers failed in the last 60s, or within the "
	    "window.",
	    OPTION_WINDOW, 0, 1, NULL, command_failure_rate },
	{ "stats", "",
	    "Show each process and all together: time to be ready, memory, "
	    "CPU time, restarts, and when and why the last of them ended.",
	    0, 0, 0, NULL, command_stats },
	{ "events", "[--since TIME] [--listener NAME] [--type TYPE] "
	    "[--severity SEVERITY] [--limit N] [--follow]",
	    "Show what the store has kept, the newest last. --since takes how "
	    "long ago (1h) or when (2026-01-31T12:00:00Z); --type one or more "
	    "of those below, or all of a kind (worker); --limit only the "
	    "newest. --follow goes on with what comes.",
	    OPTION_SINCE | OPTION_LISTENER | OPTION_TYPE | OPTION_SEVERITY |
	    OPTION_LIMIT | OPTION_FOLLOW, 0, 0, print_event_types,
	    command_events },
	{ "cleanup", "[--older-than TIME] [--dry-run]",
	    "Delete old events from the store now: as the scheduled cleanup "
	    "does, or those older than that. --dry-run only counts them.",
	    OPTION_OLDER_THAN | OPTION_DRY_RUN, 0, 0, NULL, command_cleanup },
	{ "reload", "[--dry-run]",
	    "Read the config file again and apply what is different. --dry-run "
	    "only shows what that would be.",
	    OPTION_DRY_RUN, 0, 0, NULL, command_reload },
	{ "drain", "[NAME]",
	    "Say to load balancers that the daemon, or one listener, is not "
	    "ready, while it serves as before.",
	    0, 0, 1, NULL, command_drain },
	{ "undrain", "[NAME]",
	    "End that.",
	    0, 0, 1, NULL, command_undrain },
	{ "shutdown", "[--deadline TIME]",
	    "Stop the daemon; done when it has ended. Before, it is not ready "
	    "and serves for lame_duck, if that is set.",
	    OPTION_DEADLINE, 0, 0, NULL, command_shutdown },
};
/* clang-format on */

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

const struct command *
command_find(const char *name)
{
	size_t i;

	for (i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

const struct command *
command_nearest(const char *name)
{
	const char *names[COMMAND_COUNT], *found;
	size_t i;

	for (i = 0; i < COMMAND_COUNT; i++)
		names[i] = commands[i].name;
	found = suggest(name, names, COMMAND_COUNT);
	return found == NULL ? NULL : command_find(found);
}

void
command_help_all(FILE *f)
{
	size_t i;

	(void)fputs("usage: mercuryctl [options] COMMAND [arguments]\n\n"
		    "commands:\n",
	    f);
	for (i = 0; i < COMMAND_COUNT; i++)
		(void)fprintf(f, "  %s%s%s\n", commands[i].name,
		    commands[i].usage[0] == '\0' ? "" : " ", commands[i].usage);
	(void)fputs("\noptions:\n", f);
	options_help(f);
	(void)fputs("\nexit: 0 done, 1 the daemon said no, 2 usage, "
		    "3 no daemon, 4 timed out\n"
		    "mercuryctl COMMAND -h says more about a command.\n",
	    f);
}

/* Print text in lines of at most 76 characters, indented by two. */
static void
print_folded(FILE *f, const char *text)
{
	size_t column = 0, word;

	for (; *text != '\0'; text += word + strspn(text + word, " ")) {
		word = strcspn(text, " ");
		if (column > 0 && column + 1 + word > 76) {
			(void)fputc('\n', f);
			column = 0;
		}
		column += (size_t)fprintf(f, "%s%.*s", column == 0 ? "  " : " ",
		    (int)word, text);
	}
	(void)fputc('\n', f);
}

void
command_help(FILE *f, const struct command *c)
{
	(void)fprintf(f, "usage: mercuryctl [options] %s%s%s\n\n", c->name,
	    c->usage[0] == '\0' ? "" : " ", c->usage);
	print_folded(f, c->help);
	if (c->more_help != NULL)
		c->more_help(f);
	(void)fputs("\noptions:\n", f);
	options_help(f);
}

enum ctl_exit
command_usage_error(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)fputs("mercuryctl: ", stderr);
	output_text(stderr, text);
	(void)fputs("\nmercuryctl -h shows how it is used\n", stderr);
	return CTL_USAGE;
}

enum ctl_exit
command_failed(const struct failure *failure)
{
	const char *line = failure->text, *end;
	char *text;

	/* The errors of a config file come as several lines. */
	for (;;) {
		end = strchrnul(line, '\n');
		text = strndup(line, (size_t)(end - line));
		(void)fputs("mercuryctl: ", stderr);
		output_text(stderr, text == NULL ? "out of memory" : text);
		(void)fputc('\n', stderr);
		free(text);
		if (*end == '\0')
			return failure->code;
		line = end + 1;
	}
}

uint64_t
command_deadline(const struct options *o)
{
	return clock_mono_ms() + o->timeout_ms;
}

/* How to call it. */
struct manner {
	bool changes;
	bool is_long; /* show the progress */
	enum progress_kind kind;
	const char *name;
};

static enum ctl_exit
call(const struct options *o, const struct manner *m, const char *method,
    json_t *params, json_t **result)
{
	const uint64_t deadline_ms = command_deadline(o);
	struct progress progress;
	struct failure failure;
	struct client client;

	if (client_open(&client, o->socket, m->changes, deadline_ms,
		&failure) == -1) {
		json_decref(params);
		return command_failed(&failure);
	}
	if (m->is_long)
		progress_begin(&progress, &client, o, m->kind, m->name);
	*result = client_call(&client, method, params, deadline_ms, &failure);
	if (m->is_long)
		progress_end(&progress, &client);
	client_close(&client);
	if (*result == NULL)
		return command_failed(&failure);
	if (o->given & OPTION_JSON)
		output_json(stdout, *result);
	return CTL_DONE;
}

enum ctl_exit
command_call(const struct options *o, const char *method, json_t *params,
    json_t **result)
{
	const struct manner manner = { .changes = false };

	return call(o, &manner, method, params, result);
}

enum ctl_exit
command_change(const struct options *o, const char *method, json_t *params,
    json_t **result)
{
	const struct manner manner = { .changes = true };

	return call(o, &manner, method, params, result);
}

enum ctl_exit
command_remove(const struct options *o, const char *name, json_t *params,
    json_t **result)
{
	const struct manner manner = { .changes = true,
		.is_long = true,
		.kind = PROGRESS_DRAIN,
		.name = name };

	return call(o, &manner, "listener.remove", params, result);
}

enum ctl_exit
command_restart(const struct options *o, json_t *params, json_t **result)
{
	const struct manner manner = { .changes = true,
		.is_long = true,
		.kind = PROGRESS_RESTART };

	return call(o, &manner, "listener.restart", params, result);
}
