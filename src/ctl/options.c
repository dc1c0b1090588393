#include "ctl/options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "option/value.h"

#define SOCKET_DEFAULT "/run/mercury/control.sock"
#define TIMEOUT_DEFAULT_MS 30000u
#define TIMEOUT_BEYOND_DEADLINE_MS 10000u
#define WINDOW_MIN_MS 1000u
#define DAY_MS ((uint64_t)86400000)
#define EVERY_DEFAULT_MS 1000u
#define EVERY_MIN_MS 100u
#define AGE_MAX_MS (36500 * DAY_MS) /* as the daemon has it */

#define TEXT(MEMBER) offsetof(struct options, MEMBER)

/* clang-format off */
static const struct row {
	enum option_bit bit;
	char letter; /* 0: none */
	const char *name; /* NULL: none */
	const char *argument; /* NULL: none; in brackets: may be missing */
	size_t text; /* where the argument goes in struct options */
	const char *help;
} rows[] = {
	{ OPTION_SOCKET, 's', "socket", "SOCKET", TEXT(socket),
	    "control socket (MERCURY_SOCKET; " SOCKET_DEFAULT ")" },
	{ OPTION_JSON, 0, "json", NULL, 0,
	    "print the result as JSON, on one line" },
	{ OPTION_OUTPUT, 'o', "output", "wide", TEXT(output),
	    "show all columns and exact numbers" },
	{ OPTION_TIMEOUT, 0, "timeout", "TIME", TEXT(timeout),
	    "wait so long for the daemon (30s)" },
	{ OPTION_HELP, 'h', "help", NULL, 0,
	    "show help, with a command: its own" },
	{ OPTION_VERSION, 'V', "version", NULL, 0, "show the version" },
	{ OPTION_WATCH, 0, "watch", "[SECONDS]", TEXT(every), NULL },
	{ OPTION_FILE, 0, "file", "FILE", TEXT(file), NULL },
	{ OPTION_SAVE, 0, "save", NULL, 0, NULL },
	{ OPTION_DEADLINE, 0, "deadline", "TIME", TEXT(deadline), NULL },
	{ OPTION_QUEUE, 0, "queue", NULL, 0, NULL },
	{ OPTION_ALL, 0, "all", NULL, 0, NULL },
	{ OPTION_DRY_RUN, 0, "dry-run", NULL, 0, NULL },
	{ OPTION_WINDOW, 0, "window", "TIME", TEXT(window), NULL },
	{ OPTION_SINCE, 0, "since", "TIME", TEXT(since), NULL },
	{ OPTION_LISTENER, 0, "listener", "NAME", TEXT(listener), NULL },
	{ OPTION_TYPE, 0, "type", "TYPE", TEXT(type), NULL },
	{ OPTION_SEVERITY, 0, "severity", "SEVERITY", TEXT(severity), NULL },
	{ OPTION_LIMIT, 0, "limit", "N", TEXT(limit), NULL },
	{ OPTION_FOLLOW, 0, "follow", NULL, 0, NULL },
	{ OPTION_OLDER_THAN, 0, "older-than", "TIME", TEXT(older_than), NULL },
	{ OPTION_PEER, 0, "peer", "CIDR", TEXT(peer), NULL },
	{ OPTION_IDLE, 0, "idle", "TIME", TEXT(idle), NULL },
	{ OPTION_COUNT, 0, "count", "N", TEXT(records), NULL },
	{ OPTION_PCAP, 0, "pcap", "FILE", TEXT(pcap), NULL },
};
/* clang-format on */

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* How getopt_long(3) calls what a row takes. */
static int
argument_kind(const struct row *row)
{
	if (row->argument == NULL)
		return no_argument;
	return row->argument[0] == '[' ? optional_argument : required_argument;
}

/* What getopt_long(3) wants to have: made from the table. */
static void
make_getopt_tables(struct option longs[static ROW_COUNT + 1],
    char shorts[static 2 * ROW_COUNT + 2])
{
	size_t i, used = 0;

	memset(longs, 0, (ROW_COUNT + 1) * sizeof(longs[0]));
	shorts[used++] = ':'; /* we say ourselves what is missing */
	for (i = 0; i < ROW_COUNT; i++) {
		longs[i].name = rows[i].name;
		longs[i].has_arg = argument_kind(&rows[i]);
		longs[i].val = 256 + (int)i;
		if (rows[i].letter == 0)
			continue;
		shorts[used++] = rows[i].letter;
		if (rows[i].argument != NULL)
			shorts[used++] = ':';
	}
	shorts[used] = '\0';
}

/* The row of what getopt_long(3) returned, which came from the table. */
static const struct row *
row_of(int value)
{
	size_t i = 0;

	if (value >= 256)
		return &rows[value - 256];
	while (i < ROW_COUNT - 1 && rows[i].letter != value)
		i++;
	return &rows[i];
}

/* Check a duration from min_ms to max_ms. */
static int
take_duration(const struct row *row, const char *text,
    const uint64_t range_ms[static 2], uint64_t *ms, struct err *err)
{
	struct err why;

	if (value_duration(text, range_ms[0], range_ms[1], ms, &why) == 0)
		return 0;
	return err_set(err, ERR_INVALID, "--%s: %s", row->name, why.text);
}

static int
take_number(const struct row *row, const char *text, uint64_t *number,
    struct err *err)
{
	struct err why;

	if (value_uint(text, 1, UINT32_MAX, number, &why) == 0)
		return 0;
	return err_set(err, ERR_INVALID, "--%s: %s", row->name, why.text);
}

/* A number of seconds, such as "2" or "0.5", or with a unit: "500ms". */
static int
parse_every(const char *text, uint64_t *ms, struct err *err)
{
	char *end;
	double s;

	if (value_duration(text, EVERY_MIN_MS, DAY_MS, ms, err) == 0)
		return 0;
	if (text[strspn(text, "0123456789.")] != '\0' || text[0] == '\0')
		return -1;
	s = strtod(text, &end);
	if (*end != '\0' || s < EVERY_MIN_MS / 1e3 || s > (double)DAY_MS / 1e3)
		return err_set(err, ERR_INVALID,
		    "\"%.32s\" is not a number of seconds from 0.1 to 86400",
		    text);
	*ms = (uint64_t)(s * 1000);
	return 0;
}

static int
take_every(const struct row *row, const char *text, uint64_t *ms,
    struct err *err)
{
	struct err why;

	*ms = EVERY_DEFAULT_MS;
	if (text == NULL || parse_every(text, ms, &why) == 0)
		return 0;
	return err_set(err, ERR_INVALID, "--%s: %s", row->name, why.text);
}

static int
take_output(const struct row *row, const char *text, struct err *err)
{
	/* It is a row with a value. */
	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
	if (strcmp(text, "wide") == 0)
		return 0;
	return err_set(err, ERR_INVALID,
	    "--%s: \"%.32s\" is not known: it takes wide", row->name, text);
}

static int
take(struct options *o, const struct row *row, const char *argument,
    struct err *err)
{
	static const uint64_t day[] = { 0, DAY_MS };
	static const uint64_t window[] = { WINDOW_MIN_MS, DAY_MS };
	static const uint64_t age[] = { 0, AGE_MAX_MS };
	uint64_t ms; /* what the daemon reads itself is only checked */

	o->given |= (unsigned int)row->bit;
	if (argument != NULL)
		memcpy((char *)o + row->text, &argument, sizeof(argument));
	switch (row->bit) {
	case OPTION_TIMEOUT:
		return take_duration(row, argument, day, &o->timeout_ms, err);
	case OPTION_DEADLINE:
		return take_duration(row, argument, day, &o->deadline_ms, err);
	case OPTION_WATCH:
		return take_every(row, argument, &o->every_ms, err);
	case OPTION_OUTPUT:
		return take_output(row, argument, err);
	case OPTION_WINDOW:
		return take_duration(row, argument, window, &ms, err);
	case OPTION_OLDER_THAN:
	case OPTION_IDLE:
		return take_duration(row, argument, age, &ms, err);
	case OPTION_LIMIT:
		return take_number(row, argument, &o->limit_rows, err);
	case OPTION_COUNT:
		return take_number(row, argument, &o->count_records, err);
	default:
		return 0;
	}
}

static int
bad_option(int value, const char *word, struct err *err)
{
	return err_set(err, ERR_INVALID, "%s: %s",
	    word == NULL ? "option" : word,
	    value == ':' ? "its value is missing" : "there is no such option");
}

/*
 * The value of an option. One that may be missing may also be the next word,
 * if it looks like one: it is taken then.
 */
static const char *
value_of(const struct row *row, int argc, char **argv)
{
	uint64_t ms;
	struct err err;

	if (optarg != NULL || row->bit != OPTION_WATCH || optind >= argc ||
	    parse_every(argv[optind], &ms, &err) == -1)
		return optarg;
	return argv[optind++];
}

int
options_parse(int argc, char **argv, struct options *o, struct err *err)
{
	struct option longs[ROW_COUNT + 1];
	char shorts[2 * ROW_COUNT + 2];
	const struct row *row;
	int value;

	memset(o, 0, sizeof(*o));
	o->socket = getenv("MERCURY_SOCKET");
	if (o->socket == NULL || o->socket[0] == '\0')
		o->socket = SOCKET_DEFAULT;
	make_getopt_tables(longs, shorts);
	/* Options may stand behind arguments for everybody. */
	(void)unsetenv("POSIXLY_CORRECT");
	opterr = 0;
	while ((value = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (value == '?' || value == ':')
			return bad_option(value, argv[optind - 1], err);
		row = row_of(value);
		if (take(o, row, value_of(row, argc, argv), err) == -1)
			return -1;
	}
	if (!(o->given & OPTION_TIMEOUT)) {
		o->timeout_ms = o->deadline_ms + TIMEOUT_BEYOND_DEADLINE_MS;
		if (o->timeout_ms < TIMEOUT_DEFAULT_MS)
			o->timeout_ms = TIMEOUT_DEFAULT_MS;
	}
	o->args = argv + optind;
	o->count = argc - optind;
	return 0;
}

const char *
options_unwanted(const struct options *o, unsigned int allowed)
{
	size_t i;

	for (i = 0; i < ROW_COUNT; i++)
		if (o->given & ~allowed & (unsigned int)rows[i].bit)
			return rows[i].name;
	return NULL;
}

void
options_help(FILE *f)
{
	char left[32];
	size_t i;

	for (i = 0; i < ROW_COUNT; i++) {
		if (rows[i].help == NULL)
			continue;
		(void)snprintf(left, sizeof(left), "--%s%s%s", rows[i].name,
		    rows[i].argument == NULL ? "" : " ",
		    rows[i].argument == NULL ? "" : rows[i].argument);
		(void)fprintf(f, "  %c%c%c %-20s%s\n",
		    rows[i].letter == 0 ? ' ' : '-',
		    rows[i].letter == 0 ? ' ' : rows[i].letter,
		    rows[i].letter == 0 ? ' ' : ',', left, rows[i].help);
	}
}
