#include <sys/mman.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <locale.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "common/log.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A line longer than PIPE_BUF could be torn by another process's. */
#define LINE_BYTES_MAX 4096

/* stderr goes to a file in memory; what has been logged stands in text. */
static char text[65536];
static int file = -1, real_stderr = -1;

static void
capture(void)
{
	file = memfd_create("log", MFD_CLOEXEC);
	real_stderr = dup(STDERR_FILENO);
	cr_assert_neq(file, -1);
	cr_assert_neq(real_stderr, -1);
	cr_assert_eq(dup2(file, STDERR_FILENO), STDERR_FILENO);
	log_open("mercury-test");
}

static void
release(void)
{
	(void)dup2(real_stderr, STDERR_FILENO);
}

TestSuite(log, .init = capture, .fini = release, .timeout = 60);

/* What has been logged since the last call. */
static const char *
logged(void)
{
	const ssize_t n = pread(file, text, sizeof(text) - 1, 0);

	cr_assert_geq(n, 0);
	text[n] = '\0';
	cr_assert_eq(ftruncate(file, 0), 0);
	cr_assert_eq(lseek(file, 0, SEEK_SET), 0);
	return text;
}

static void
configure(enum log_level level, enum log_format format)
{
	const struct log_settings s = { .level = (uint8_t)level,
		.target = LOG_TARGET_STDERR,
		.format = (uint8_t)format };

	log_configure(&s);
}

static bool
matches(const char *line, const char *pattern)
{
	regex_t re;
	bool found;

	cr_assert_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	found = regexec(&re, line, 0, NULL, 0) == 0;
	regfree(&re);
	return found;
}

static bool
ends_with(const char *line, const char *end)
{
	const size_t len = strlen(line), n = strlen(end);

	return len >= n && strcmp(line + len - n, end) == 0;
}

#define TIME_PATTERN \
	"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z"

Test(log, text_says_when_who_how_bad_and_what_about)
{
	char pid[32];

	log_write(LOG_LEVEL_WARNING, "listener", "pos", "%d of %s", 3, "them");
	(void)logged();
	cr_expect(matches(text,
		      "^" TIME_PATTERN
		      " mercury-test\\[[0-9]+\\] warning: listener=pos "
		      "3 of them\n$"),
	    "%s", text);
	(void)snprintf(pid, sizeof(pid), "[%d]", (int)getpid());
	cr_expect_not_null(strstr(text, pid));
	log_error(NULL, NULL, "about myself");
	cr_expect(ends_with(logged(), "] error: about myself\n"), "%s", text);
}

Test(log, json_is_one_object_a_line)
{
	configure(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	log_info("listener", "pos", "%d of %s", 3, "them");
	(void)logged();
	cr_expect(matches(text,
		      "^\\{\"time\":\"" TIME_PATTERN
		      "\",\"level\":\"info\",\"process\":\"mercury-test\","
		      "\"pid\":[0-9]+,\"listener\":\"pos\","
		      "\"message\":\"3 of them\"\\}\n$"),
	    "%s", text);
	log_info(NULL, NULL, "about myself");
	(void)logged();
	cr_expect(matches(text, "\"pid\":[0-9]+,\"message\":\"about myself\"}"),
	    "%s", text);
}

struct escape_case {
	char text[32];
	char as_text[64];
	char as_json[64];
};

ParameterizedTestParameters(log, escapes_what_is_not_printable)
{
	static struct escape_case cases[] = {
		{ "plain text", "plain text", "plain text" },
		{ "a\nb", "a\\x0ab", "a\\u000ab" },
		{ "a\r\tb", "a\\x0d\\x09b", "a\\u000d\\u0009b" },
		{ "\x1b[31m", "\\x1b[31m", "\\u001b[31m" },
		{ "\x01\x1f\x7f", "\\x01\\x1f\\x7f", "\\u0001\\u001f\\u007f" },
		{ "say \"x\"", "say \"x\"", "say \\\"x\\\"" },
		{ "back\\slash", "back\\slash", "back\\\\slash" },
		{ "\xc3\xa4 \xe2\x82\xac", "\xc3\xa4 \xe2\x82\xac",
		    "\xc3\xa4 \xe2\x82\xac" },
		{ "100%d %s %n", "100%d %s %n", "100%d %s %n" },
		{ "", "", "" },
	};

	return cr_make_param_array(struct escape_case, cases, COUNT(cases));
}

ParameterizedTest(struct escape_case *k, log, escapes_what_is_not_printable)
{
	char want[256];

	log_info(NULL, NULL, "%s", k->text);
	(void)snprintf(want, sizeof(want), "] info: %s\n", k->as_text);
	cr_expect(ends_with(logged(), want), "%s", text);
	log_info("listener", k->text, "x");
	(void)snprintf(want, sizeof(want), "] info: listener=%s x\n",
	    k->as_text);
	cr_expect(ends_with(logged(), want), "%s", text);

	configure(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	log_info(NULL, NULL, "%s", k->text);
	(void)snprintf(want, sizeof(want), ",\"message\":\"%s\"}\n",
	    k->as_json);
	cr_expect(ends_with(logged(), want), "%s", text);
	log_info("listener", k->text, "x");
	(void)snprintf(want, sizeof(want),
	    ",\"listener\":\"%s\",\"message\":\"x\"}\n", k->as_json);
	cr_expect(ends_with(logged(), want), "%s", text);
}

static bool
is_utf8(const char *line)
{
	return mbstowcs(NULL, line, 0) != (size_t)-1;
}

struct bytes_case {
	char bytes[8];
};

/* What a peer may send, and what a terminal or a JSON reader chokes on. */
ParameterizedTestParameters(log, bytes_that_are_no_text_are_escaped)
{
	static struct bytes_case cases[] = {
		{ "\xff" }, { "\x80" },
		{ "\x9b"
		  "31m" },
		{ "\xc3" }, { "\xc3(" }, { "\xe2\x82" }, { "\xc0\xaf" },
		{ "\xed\xa0\x80" }, { "\xf5\x80\x80\x80" },
		{ "\xc2\x9b"
		  "31m" }, /* C1: xterm takes it for ESC [ */
	};

	return cr_make_param_array(struct bytes_case, cases, COUNT(cases));
}

ParameterizedTest(struct bytes_case *k, log, bytes_that_are_no_text_are_escaped)
{
	unsigned int format;

	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
	for (format = 0; format < LOG_FORMAT_COUNT; format++) {
		configure(LOG_LEVEL_INFO, (enum log_format)format);
		log_info(NULL, NULL, "a%sb", k->bytes);
		(void)logged();
		cr_expect(is_utf8(text), "format %u: no UTF-8", format);
		cr_expect_null(strstr(text, k->bytes), "format %u: as it came",
		    format);
	}
}

/* n times the same text. */
static const char *
repeat(const char *unit, size_t n)
{
	static char out[8192];

	cr_assert_lt(strlen(unit) * n, sizeof(out));
	out[0] = '\0';
	while (n-- > 0)
		(void)strncat(out, unit, 8);
	return out;
}

static size_t
count_of(char c)
{
	size_t n = 0;
	const char *p;

	for (p = text; *p != '\0'; p++)
		n += *p == c;
	return n;
}

Test(log, a_thousand_bytes_of_a_message_are_kept)
{
	unsigned int format;

	for (format = 0; format < LOG_FORMAT_COUNT; format++) {
		configure(LOG_LEVEL_INFO, (enum log_format)format);
		log_info(NULL, NULL, "%s", repeat("#", 990));
		(void)logged();
		cr_expect_eq(count_of('#'), 990);
		log_info(NULL, NULL, "%s", repeat("#", 5000));
		(void)logged();
		cr_expect_leq(count_of('#'), 1000);
		cr_expect_geq(count_of('#'), 990);
		cr_expect_eq(count_of('\n'), 1);
	}
}

struct long_case {
	char unit[8];
};

/* However much of it must be escaped, it stays one whole line. */
ParameterizedTestParameters(log, a_long_line_is_whole)
{
	static struct long_case cases[] = {
		{ "x" },
		{ "\"" },
		{ "\\" },
		{ "\x01" },
		{ "\n" },
		{ "\x7f" },
		{ "\xc3\xa4" },
		{ "x\xc3\xa4" },
		{ "\xe2\x82\xac" },
		{ "\xf0\x9f\x98\x80" },
	};

	return cr_make_param_array(struct long_case, cases, COUNT(cases));
}

ParameterizedTest(struct long_case *k, log, a_long_line_is_whole)
{
	const char *message = repeat(k->unit, 2000 / strlen(k->unit));
	size_t backslashes = 0;
	const char *p;

	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
	log_info("listener", "pos", "%s", message);
	(void)logged();
	cr_expect_leq(strlen(text), LINE_BYTES_MAX);
	cr_expect_eq(count_of('\n'), 1);
	cr_expect(ends_with(text, "\n"));
	cr_expect(is_utf8(text), "cut within a character");

	configure(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	log_info("listener", "pos", "%s", message);
	(void)logged();
	cr_expect_leq(strlen(text), LINE_BYTES_MAX);
	cr_expect_eq(count_of('\n'), 1);
	cr_expect(is_utf8(text), "cut within a character");
	cr_assert(ends_with(text, "\"}\n"), "no end: ...%s",
	    text + strlen(text) - 20);
	/* The quote that ends the message may not be an escaped one. */
	for (p = text + strlen(text) - 4; *p == '\\'; p--)
		backslashes++;
	cr_expect_eq(backslashes % 2, 0, "cut within an escape");
}

struct level_case {
	enum log_level level;
	char names[40];
};

ParameterizedTestParameters(log, levels)
{
	static struct level_case cases[] = {
		{ LOG_LEVEL_ERROR, "error " },
		{ LOG_LEVEL_WARNING, "error warning " },
		{ LOG_LEVEL_INFO, "error warning info " },
		{ LOG_LEVEL_DEBUG, "error warning info debug " },
	};

	return cr_make_param_array(struct level_case, cases, COUNT(cases));
}

ParameterizedTest(struct level_case *k, log, levels)
{
	static const char *const names[] = { "error", "warning", "info",
		"debug" };
	char got[80] = "", word[16];
	unsigned int level;

	configure(k->level, LOG_FORMAT_TEXT);
	for (level = 0; level < LOG_LEVEL_COUNT; level++) {
		log_write((enum log_level)level, NULL, NULL, "x");
		(void)logged();
		(void)snprintf(word, sizeof(word), "] %s: ", names[level]);
		if (strstr(text, word) == NULL)
			continue;
		(void)strncat(got, names[level], 8);
		(void)strncat(got, " ", 2);
	}
	cr_expect_str_eq(got, k->names);
}

Test(log, starts_with_text_at_info)
{
	log_debug(NULL, NULL, "not this");
	cr_expect_str_eq(logged(), "");
	log_info(NULL, NULL, "but this");
	cr_expect(ends_with(logged(), "] info: but this\n"));
}

Test(log, settings_out_of_range_are_ignored)
{
	static const struct log_settings bad[] = {
		{ .level = LOG_LEVEL_COUNT },
		{ .level = UINT8_MAX },
		{ .target = LOG_TARGET_COUNT },
		{ .format = LOG_FORMAT_COUNT },
		{ .level = LOG_LEVEL_ERROR, .format = UINT8_MAX },
	};
	size_t i;

	configure(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
	for (i = 0; i < COUNT(bad); i++) {
		log_configure(&bad[i]);
		log_debug(NULL, NULL, "still");
		cr_expect(ends_with(logged(), "\"message\":\"still\"}\n"),
		    "%zu: %s", i, text);
	}
}

/* Fill a pipe to the last byte. */
static void
fill(int fd)
{
	cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while (write(fd, "x", 1) == 1)
		continue;
	cr_assert_eq(fcntl(fd, F_SETFL, 0), 0);
}

/* Nobody may be kept waiting by who reads the log. */
Test(log, what_nobody_reads_is_counted)
{
	static char rest[1 << 20];
	int ends[2], i;
	ssize_t n;

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	fill(ends[1]);
	for (i = 0; i < 3; i++)
		log_info(NULL, NULL, "lost");
	log_debug(NULL, NULL, "not wanted, so not lost");
	cr_assert_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	while (read(ends[0], rest, sizeof(rest)) > 0)
		continue;
	log_info(NULL, NULL, "found");
	n = read(ends[0], rest, sizeof(rest) - 1);
	cr_assert_gt(n, 0);
	rest[n] = '\0';
	cr_expect(matches(rest,
		      "^[^\n]* info: found\n[^\n]* warning: 3 log lines were "
		      "lost[^\n]*"
		      "\n$"),
	    "%s", rest);
	log_info(NULL, NULL, "as before");
	n = read(ends[0], rest, sizeof(rest) - 1);
	cr_assert_gt(n, 0);
	rest[n] = '\0';
	cr_expect(matches(rest, "^[^\n]* info: as before\n$"), "%s", rest);
}

Test(log, bears_that_there_is_no_stderr)
{
	(void)close(STDERR_FILENO);
	log_info(NULL, NULL, "lost");
	cr_assert_eq(dup2(file, STDERR_FILENO), STDERR_FILENO);
	log_info(NULL, NULL, "found");
	cr_expect_not_null(strstr(logged(), ": 1 log lines were lost"), "%s",
	    text);
}
