/*
 * option_table: fills tables into manual pages, from the lists that the
 * daemon itself is built with: the options into mercury.conf(5), the types of
 * events and their facts into mercury-store(8), the metrics into
 * mercury-gateway(8). Reads the template of a page
 * from stdin and writes the page to stdout: a line such as @STORE_OPTIONS@
 * becomes the table.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/histogram.h"
#include "common/role.h"
#include "common/spec.h"

#define LINE_SIZE 4096

/* How values look, for each type in common/option_list.h. */
/* clang-format off */
#define FORM_ADDRESS	"address"
#define FORM_AGENT_WEIGHT "full | load"
#define FORM_BALANCE	"round_robin | least_connections | source | first"
#define FORM_BOOL	"true | false"
#define FORM_CHECK	"off | connect | expect"
#define FORM_CHECK_TEXT	"bytes"
#define FORM_CIDRS	"{network, ...}"
#define FORM_COMMAND	"{word, ...}"
#define FORM_DIRECTORY	"directory"
#define FORM_DURATION	"duration"
#define FORM_ENVIRONMENT "{NAME=value, ...}"
#define FORM_EXEC	"section"
#define FORM_EXEC_STDERR "log | socket | null"
#define FORM_GROUP	"group"
#define FORM_KEEPALIVE	"idle/interval/count | off"
#define FORM_LOGIN	"user"
#define FORM_LOG_FORMAT	"text | json"
#define FORM_LOG_LEVEL	"error | warning | info | debug"
#define FORM_LOG_TARGET	"syslog | stderr"
#define FORM_MODE	"octal"
#define FORM_MODULE	"section"
#define FORM_MODULE_OPTIONS "{name=value, ...}"
#define FORM_NAME	"name"
#define FORM_NAMES	"{name, ...}"
#define FORM_OPTIONAL_PATH "path"
#define FORM_OPTIONAL_STRING "text"
#define FORM_OVERFLOW	"queue | reject"
#define FORM_PATH	"path"
#define FORM_PLACE	"address:port"
#define FORM_PROTOCOL	"echo | discard | proxy | exec | module"
#define FORM_PROXY	"section"
#define FORM_PROXY_PROTOCOL "off | v1 | v2 | any"
#define FORM_RESOLVERS	"{address, ...}"
#define FORM_RESTART	"permanent | transient | temporary"
#define FORM_SECONDS	"duration"
#define FORM_SECRET	"text"
#define FORM_SEND_PROXY	"off | v1 | v2"
#define FORM_SIZE	"size"
#define FORM_STRATEGY	"one_for_one | one_for_all | rest_for_one"
#define FORM_STRING	"name"
#define FORM_TLS	"section"
#define FORM_TRANSPORT	"tcp | tls | unix"
#define FORM_UINT16	"number"
#define FORM_UINT32	"number"
#define FORM_UPSTREAMS	"{upstream, ...}"
#define FORM_UPSTREAM_TLS "section"
#define FORM_USER	"user"
#define FORM_WORKERS	"number | auto"
/* clang-format on */

enum change { BOUND, LIVE, ELSEWHERE };

struct row {
	const char *name;
	const char *form;
	uint64_t min, max; /* both 0: no range to tell */
	enum change change;
	const char *fallback;
	const char *help;
};

static const struct row listener_rows[] = {
#define LISTENER_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, CHANGE, DEFAULT, \
    HELP)                                                                  \
	{ NAME, FORM_##TYPE, MIN, MAX, CHANGE, DEFAULT, HELP },
#include "common/option_list.h"
};

static const struct row daemon_rows[] = {
#define DAEMON_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP) \
	{ NAME, FORM_##TYPE, MIN, MAX, ELSEWHERE, DEFAULT, HELP },
#include "common/option_list.h"
};

static const struct row group_rows[] = {
#define GROUP_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP) \
	{ NAME, FORM_##TYPE, MIN, MAX, ELSEWHERE, DEFAULT, HELP },
#include "common/option_list.h"
};

static const struct row store_rows[] = {
#define STORE_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP) \
	{ NAME, FORM_##TYPE, MIN, MAX, ELSEWHERE, DEFAULT, HELP },
#include "common/option_list.h"
};

static const struct row gateway_rows[] = {
#define GATEWAY_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP) \
	{ NAME, FORM_##TYPE, MIN, MAX, ELSEWHERE, DEFAULT, HELP },
#include "common/option_list.h"
};

static const struct row proxy_rows[] = {
#define PROXY_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP) \
	{ NAME, FORM_##TYPE, MIN, MAX, ELSEWHERE, DEFAULT, HELP },
#include "common/option_list.h"
};

static const struct row exec_rows[] = {
#define EXEC_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP) \
	{ NAME, FORM_##TYPE, MIN, MAX, ELSEWHERE, DEFAULT, HELP },
#include "common/option_list.h"
};

static const struct row module_rows[] = {
#define MODULE_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP) \
	{ NAME, FORM_##TYPE, MIN, MAX, ELSEWHERE, DEFAULT, HELP },
#include "common/option_list.h"
};

static const struct {
	const char *name;
	const char *severity;
	unsigned int senders;
	const char *facts;
	const char *help;
} events[] = {
#define INFO "info"
#define WARNING "warning"
#define ERROR "error"
#define EVENT(ID, NAME, SEVERITY, SENDERS, FACTS, HELP) \
	{ NAME, SEVERITY, SENDERS, FACTS, HELP },
#include "common/event_list.h"
};

static const struct {
	const char *key;
	const char *kind;
	const char *help;
} facts[] = {
#define NUMBER "number"
#define BOOL "true or false"
#define TEXT "text"
#define FACT(ID, KEY, KIND, HELP) { KEY, KIND, HELP },
#include "common/fact_list.h"
};

static const struct {
	const char *name;
	const char *type;
	const uint32_t *bounds_ms; /* up to 0; NULL: no histogram */
	const char *labels;
	const char *help;
} metrics[] = {
#define BOUND(MS) MS,
#define COUNTER "counter", NULL
#define GAUGE "gauge", NULL
#define HISTOGRAM(ID)                   \
	"histogram", (const uint32_t[]) \
	{                               \
		ID##_BOUNDS(BOUND) 0    \
	}
#define METRIC(ID, NAME, TYPE, LABELS, HELP) { NAME, TYPE, LABELS, HELP },
#include "common/metric_list.h"
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
print_text(const char *text)
{
	/* A sentence a line, as mdoc(7) wants it. */
	for (; *text != '\0'; text++) {
		if (*text == '\\')
			(void)fputs("\\e", stdout);
		else
			(void)putchar(*text);
		if (text[0] == '.' && text[1] == ' ' && text[2] != '\0') {
			(void)putchar('\n');
			text++;
		}
	}
	(void)putchar('\n');
}

/* --- options --- */

static void
print_duration(uint64_t ms)
{
	if (ms % 86400000 == 0)
		(void)printf("%" PRIu64 "d", ms / 86400000);
	else if (ms % 3600000 == 0)
		(void)printf("%" PRIu64 "h", ms / 3600000);
	else if (ms % 1000 == 0)
		(void)printf("%" PRIu64 "s", ms / 1000);
	else
		(void)printf("%" PRIu64 "ms", ms);
}

static void
print_durations(const struct row *r)
{
	if (r->min == 0) {
		(void)fputs("At most ", stdout);
	} else {
		(void)fputs("From ", stdout);
		print_duration(r->min);
		(void)fputs(" to ", stdout);
	}
	print_duration(r->max);
	(void)puts(".");
}

static void
print_range(const struct row *r)
{
	if (strcmp(r->form, FORM_DURATION) == 0)
		print_durations(r);
	else if (strcmp(r->form, FORM_PATH) == 0 && r->max != 0)
		(void)printf("At most %" PRIu64 " bytes.\n", r->max);
	else if (strcmp(r->form, FORM_SIZE) == 0)
		(void)puts("At most 1024t.");
	else if (r->form[0] == '{' && r->max != 0)
		(void)printf("At most %" PRIu64 ".\n", r->max);
	else if (r->max != 0 && strcmp(r->form, FORM_MODE) != 0)
		(void)printf("From %" PRIu64 " to %" PRIu64 ".\n", r->min,
		    r->max);
}

static void
print_default(const char *fallback)
{
	if (fallback == NULL)
		return;
	if (fallback[0] == '\0')
		(void)puts("The default is empty.");
	else
		(void)printf("The default is\n.Ql %s .\n", fallback);
}

static void
print_rows(const struct row *r, size_t count)
{
	for (; count > 0; r++, count--) {
		if (strcmp(r->form, FORM_TLS) == 0)
			(void)printf(".It Cm %s No { Ar ... No }\n", r->name);
		else
			(void)printf(".It Cm %s No = Ar %s\n", r->name,
			    r->form);
		print_text(r->help);
		print_range(r);
		print_default(r->fallback);
		if (r->change == LIVE)
			(void)puts("Can be updated while the listener runs.");
	}
}

static void
print_daemon_options(void)
{
	print_rows(daemon_rows, COUNT(daemon_rows));
}

static void
print_listener_options(void)
{
	print_rows(listener_rows, COUNT(listener_rows));
}

static void
print_group_options(void)
{
	print_rows(group_rows, COUNT(group_rows));
}

static void
print_store_options(void)
{
	print_rows(store_rows, COUNT(store_rows));
}

static void
print_gateway_options(void)
{
	print_rows(gateway_rows, COUNT(gateway_rows));
}

static void
print_proxy_options(void)
{
	print_rows(proxy_rows, COUNT(proxy_rows));
}

static void
print_exec_options(void)
{
	print_rows(exec_rows, COUNT(exec_rows));
}

static void
print_module_options(void)
{
	print_rows(module_rows, COUNT(module_rows));
}

/* --- events --- */

static void
print_senders(unsigned int senders)
{
	static const struct {
		enum role role;
		const char *name;
	} roles[] = {
		{ ROLE_SUPERVISOR, "mercuryd" },
		{ ROLE_POOL, "mercury-pool" },
		{ ROLE_STORE, "mercury-store" },
	};
	const char *comma = "";
	size_t i;

	for (i = 0; i < COUNT(roles); i++) {
		if (!(senders & roles[i].role))
			continue;
		(void)printf("%s%s", comma, roles[i].name);
		comma = ", ";
	}
}

static void
check_fact(const char *key, size_t len)
{
	size_t i;

	for (i = 0; i < COUNT(facts); i++)
		if (strlen(facts[i].key) == len &&
		    strncmp(facts[i].key, key, len) == 0)
			return;
	(void)fprintf(stderr, "option_table: %.*s is no fact\n", (int)len, key);
	exit(EXIT_FAILURE);
}

static void
print_facts_of(const char *keys)
{
	size_t len;

	if (keys[0] == '\0')
		return;
	(void)fputs("Facts:\n.Cm", stdout);
	for (; *keys != '\0'; keys += len + (keys[len] == ' ')) {
		len = strcspn(keys, " ");
		check_fact(keys, len);
		(void)printf(" %.*s %s", (int)len, keys,
		    keys[len] == '\0' ? ".\n" : ",");
	}
}

static void
print_event_types(void)
{
	size_t i;

	for (i = 0; i < COUNT(events); i++) {
		(void)printf(".It Li %s Pq %s , No by ", events[i].name,
		    events[i].severity);
		print_senders(events[i].senders);
		(void)putchar('\n');
		print_text(events[i].help);
		print_facts_of(events[i].facts);
	}
}

static void
print_facts(void)
{
	size_t i;

	for (i = 0; i < COUNT(facts); i++) {
		(void)printf(".It Cm %s Pq %s\n", facts[i].key, facts[i].kind);
		print_text(facts[i].help);
	}
}

/* --- metrics --- */

static void
print_labels(const char *labels)
{
	size_t len;

	for (; *labels != '\0'; labels += len + (labels[len] == ' ')) {
		len = strcspn(labels, " ");
		(void)printf(" , No by Cm %.*s", (int)len, labels);
	}
}

static void
print_bounds(const uint32_t *ms)
{
	(void)fputs("Its buckets end at", stdout);
	for (; *ms != 0; ms++)
		(void)printf("%s%g", ms[1] == 0 ? " and " : " ", *ms / 1000.0);
	(void)puts(" s.");
}

static void
print_metrics(void)
{
	size_t i;

	for (i = 0; i < COUNT(metrics); i++) {
		(void)printf(".It Li %s Pq %s", metrics[i].name,
		    metrics[i].type);
		print_labels(metrics[i].labels);
		(void)putchar('\n');
		print_text(metrics[i].help);
		if (metrics[i].bounds_ms != NULL)
			print_bounds(metrics[i].bounds_ms);
	}
}

/* --- pages --- */

static const struct {
	const char *line; /* in the template */
	void (*print)(void);
} tables[] = {
	{ "@DAEMON_OPTIONS@\n", print_daemon_options },
	{ "@LISTENER_OPTIONS@\n", print_listener_options },
	{ "@GROUP_OPTIONS@\n", print_group_options },
	{ "@STORE_OPTIONS@\n", print_store_options },
	{ "@GATEWAY_OPTIONS@\n", print_gateway_options },
	{ "@PROXY_OPTIONS@\n", print_proxy_options },
	{ "@EXEC_OPTIONS@\n", print_exec_options },
	{ "@MODULE_OPTIONS@\n", print_module_options },
	{ "@EVENT_TYPES@\n", print_event_types },
	{ "@FACTS@\n", print_facts },
	{ "@METRICS@\n", print_metrics },
};

static void
print_line(const char *line)
{
	size_t i;

	for (i = 0; i < COUNT(tables); i++)
		if (strcmp(line, tables[i].line) == 0) {
			tables[i].print();
			return;
		}
	(void)fputs(line, stdout);
}

int
main(void)
{
	char line[LINE_SIZE];

	while (fgets(line, sizeof(line), stdin) != NULL)
		print_line(line);
	if (ferror(stdin) || fflush(stdout) == EOF || ferror(stdout)) {
		perror("option_table");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
