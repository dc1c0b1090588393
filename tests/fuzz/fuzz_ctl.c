/*
 * What a hostile daemon answers mercuryctl, each answer on a line. The first
 * byte says which command it is, the second how it is shown. Whatever comes,
 * nothing that a terminal obeys is printed but colours of our own.
 */
#include <sys/socket.h>

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <unistd.h>

#include "common/utf8.h"
#include "ctl/command.h"
#include "ctl/frame.h"
#include "ctl/look.h"
#include "ctl/options.h"
#include "ctl/waiting.h"
#include "fuzz.h"

#define WORDS_MAX 8

enum how {
	HOW_JSON = 0x01,
	HOW_COLOUR = 0x02,
	HOW_WIDE = 0x04,
	HOW_NARROW = 0x08, /* the lines have so many columns as it says */
};

static const char *const commands[][WORDS_MAX] = {
	{ "status" },
	{ "status", "pos" },
	{ "tree" },
	{ "upstreams", "pos" },
	{ "connections", "pos" },
	{ "history" },
	{ "failure-rate" },
	{ "stats" },
	{ "events" },
	{ "events", "--limit", "5" },
	{ "events", "--follow" },
	{ "cleanup" },
	{ "reload", "--dry-run" },
	{ "add-listener", "pos", "port=9100", "protocol=echo" },
	{ "remove-listener", "pos" },
	{ "restart-listener", "pos" },
	{ "pause", "pos" },
	{ "drain" },
	{ "kick", "pos", "b13cfa44-17" },
	{ "trace", "pos" },
	{ "shutdown" },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static struct look look;
static const uint8_t *answers;
static size_t answers_len;
static int daemon_end = -1;

/* --- in place of the daemon, and of the terminal (-Wl,--wrap) --- */

int __wrap_connect(int fd, const struct sockaddr *a, socklen_t len);
struct look __wrap_look_at(FILE *f, const struct options *o);
void __wrap_waiting_begin(void);

/* The first time there is one, and it has said all that it will ever say. */
int
__wrap_connect(int fd, const struct sockaddr *a, socklen_t len)
{
	int ends[2];

	(void)a;
	(void)len;
	if (daemon_end != -1) {
		errno = ECONNREFUSED;
		return -1;
	}
	FUZZ_CHECK(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
	FUZZ_CHECK(dup2(ends[0], fd) == fd);
	(void)close(ends[0]);
	daemon_end = ends[1];
	/* What there is no room for is lost with the connection. */
	if (answers_len > 0)
		FUZZ_CHECK(write(daemon_end, answers, answers_len) > 0);
	(void)shutdown(daemon_end, SHUT_WR);
	return 0;
}

struct look
__wrap_look_at(FILE *f, const struct options *o)
{
	(void)f;
	(void)o;
	return look;
}

/* Signals stay what they are. */
void
__wrap_waiting_begin(void)
{
}

/* --- what was printed --- */

/* A colour of ours at text, how long; 0: there is none. */
static size_t
colour_length(const char *text)
{
	size_t n;

	if (!look.colour || strncmp(text, "\033[", 2) != 0)
		return 0;
	n = 2 + strspn(text + 2, "0123456789;");
	return text[n] == 'm' ? n + 1 : 0;
}

static void
check_output(const char *text, size_t len, bool is_json)
{
	size_t n;

	FUZZ_CHECK(strlen(text) == len);
	for (; *text != '\0'; text += n) {
		n = *text == '\n' ? 1 : utf8_length(text);
		if (n == 0)
			n = colour_length(text);
		/* In JSON, DEL and C1 may stand for themselves. */
		if (n == 0 && is_json && (unsigned char)*text >= 0x7f)
			n = 1;
		FUZZ_CHECK(n > 0);
	}
}

/* --- the commands --- */

static void
run(const char *const words[], bool is_json)
{
	char *argv[WORDS_MAX + 5];
	int argc = 0, i;
	const struct command *c;
	struct options o;
	struct err err;

	argv[argc++] = strdup("mercuryctl");
	if (is_json)
		argv[argc++] = strdup("--json");
	argv[argc++] = strdup("--timeout");
	argv[argc++] = strdup("1ms");
	for (i = 0; i < WORDS_MAX && words[i] != NULL; i++)
		argv[argc++] = strdup(words[i]);
	argv[argc] = NULL;
	optind = 0; /* getopt(3) begins anew */
	FUZZ_CHECK(options_parse(argc, argv, &o, &err) == 0);
	c = command_find(o.args[0]);
	FUZZ_CHECK(c != NULL && o.count - 1 >= c->args_min);
	(void)c->run(&o, o.args + 1, o.count - 1);
	for (i = 0; i < argc; i++)
		free(argv[i]);
}

static json_t *
take_answer(struct fuzz_input *in)
{
	size_t len;
	const uint8_t *line = fuzz_line(in, &len);

	return json_loadb((const char *)line, len, JSON_REJECT_DUPLICATES,
	    NULL);
}

/* What status --watch shows of two answers. */
static void
watch(struct fuzz_input *in)
{
	json_t *first = take_answer(in), *second = take_answer(in);
	struct rates_base before = { 0 };
	struct frame m = { .answer = second,
		.answer_at_ms = 2000,
		.answer_real_ms = 1700000002000,
		.before = &before,
		.now_ms = 2500,
		.now_real_ms = 1700000002500,
		.look = look,
		.height = look.width / 2 };

	rates_rebase(&before, first, 1000);
	if (json_is_object(second))
		frame_print(stdout, &m);
	rates_free(&before);
	json_decref(first);
	json_decref(second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	FILE *const out = stdout, *const err = stderr;
	struct fuzz_input in = { data, len };
	const size_t which = fuzz_byte(&in) % (COMMANDS + 1);
	const uint8_t how = fuzz_byte(&in);
	char *out_text = NULL, *err_text = NULL;
	size_t out_len = 0, err_len = 0;

	look = (struct look){ .colour = how & HOW_COLOUR,
		.wide = how & HOW_WIDE,
		.width = how & HOW_NARROW ? (size_t)(how >> 4) * 8 + 1 : 0 };
	answers = in.at;
	answers_len = in.left;
	stdout = open_memstream(&out_text, &out_len);
	stderr = open_memstream(&err_text, &err_len);
	if (stdout == NULL || stderr == NULL)
		abort();
	if (which == COMMANDS)
		watch(&in);
	else
		run(commands[which], how & HOW_JSON);
	(void)fclose(stdout);
	(void)fclose(stderr);
	stdout = out;
	stderr = err;
	check_output(out_text, out_len, how & HOW_JSON);
	check_output(err_text, err_len, false);
	free(out_text);
	free(err_text);
	if (daemon_end != -1)
		(void)close(daemon_end);
	daemon_end = -1;
	return 0;
}
