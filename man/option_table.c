/*
 * option_table: fills the tables of options into mercury.conf(5), from the
 * table that the daemon itself is built with (common/option_list.h). Reads
 * the page's template from stdin and writes the page to stdout: the lines
 * @DAEMON_OPTIONS@, @LISTENER_OPTIONS@ and @GROUP_OPTIONS@ become the tables.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/spec.h"

#define LINE_SIZE 4096

/* How values look, for each type in common/option_list.h. */
/* clang-format off */
#define FORM_ADDRESS	"address"
#define FORM_BOOL	"true | false"
#define FORM_DURATION	"duration"
#define FORM_GROUP	"group"
#define FORM_KEEPALIVE	"idle/interval/count | off"
#define FORM_LOG_FORMAT	"text | json"
#define FORM_LOG_LEVEL	"error | warning | info | debug"
#define FORM_LOG_TARGET	"syslog | stderr"
#define FORM_MODE	"octal"
#define FORM_NAME	"name"
#define FORM_NAMES	"{name, ...}"
#define FORM_PATH	"path"
#define FORM_PROTOCOL	"echo | discard"
#define FORM_RESTART	"permanent | transient | temporary"
#define FORM_STRATEGY	"one_for_one | one_for_all | rest_for_one"
#define FORM_STRING	"name"
#define FORM_TRANSPORT	"tcp | unix"
#define FORM_UINT16	"number"
#define FORM_UINT32	"number"
#define FORM_USER	"user"
#define FORM_WORKERS	"number | auto"
/* clang-format on */

enum change { BOUND, LIVE, ELSEWHERE };

struct row {
	const char *name;
	const char *form;
	unsigned long min, max; /* both 0: no range to tell */
	int is_duration;
	enum change change;
	const char *fallback;
	const char *help;
};

#define IS_DURATION(FORM) (strcmp(FORM, FORM_DURATION) == 0)

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

static void
print_duration(unsigned long ms)
{
	if (ms % 3600000 == 0)
		(void)printf("%luh", ms / 3600000);
	else if (ms % 1000 == 0)
		(void)printf("%lus", ms / 1000);
	else
		(void)printf("%lums", ms);
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
	if (r->is_duration)
		print_durations(r);
	else if (strcmp(r->form, FORM_PATH) == 0 && r->max != 0)
		(void)printf("At most %lu bytes.\n", r->max);
	else if (r->max != 0 && strcmp(r->form, FORM_MODE) != 0)
		(void)printf("From %lu to %lu.\n", r->min, r->max);
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
print_row(const struct row *r)
{
	(void)printf(".It Cm %s No = Ar %s\n", r->name, r->form);
	print_text(r->help);
	print_range(r);
	print_default(r->fallback);
	if (r->change == LIVE)
		(void)puts("Can be updated while the listener runs.");
}

static void
print_listener_options(void)
{
	const struct row rows[] = {
#define LISTENER_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, CHANGE, DEFAULT, \
    HELP)                                                                  \
	{ NAME, FORM_##TYPE, MIN, MAX, IS_DURATION(FORM_##TYPE), CHANGE,   \
		DEFAULT, HELP },
#include "common/option_list.h"
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		print_row(&rows[i]);
}

static void
print_daemon_options(void)
{
	const struct row rows[] = {
#define DAEMON_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP)      \
	{ NAME, FORM_##TYPE, MIN, MAX, IS_DURATION(FORM_##TYPE), ELSEWHERE, \
		DEFAULT, HELP },
#include "common/option_list.h"
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		print_row(&rows[i]);
}

static void
print_group_options(void)
{
	const struct row rows[] = {
#define GROUP_OPTION(ID, NAME, TYPE, MEMBER, MIN, MAX, DEFAULT, HELP)       \
	{ NAME, FORM_##TYPE, MIN, MAX, IS_DURATION(FORM_##TYPE), ELSEWHERE, \
		DEFAULT, HELP },
#include "common/option_list.h"
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		print_row(&rows[i]);
}

int
main(void)
{
	char line[LINE_SIZE];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (strcmp(line, "@DAEMON_OPTIONS@\n") == 0)
			print_daemon_options();
		else if (strcmp(line, "@LISTENER_OPTIONS@\n") == 0)
			print_listener_options();
		else if (strcmp(line, "@GROUP_OPTIONS@\n") == 0)
			print_group_options();
		else
			(void)fputs(line, stdout);
	}
	if (ferror(stdin) || fflush(stdout) == EOF || ferror(stdout)) {
		perror("option_table");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
