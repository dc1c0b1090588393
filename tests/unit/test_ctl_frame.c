#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/clip.h"
#include "ctl/frame.h"

#define L(NAME, STATE, MORE)                                             \
	"{\"name\": \"" NAME "\", \"state\": \"" STATE                   \
	"\", \"address\": \"::1\", \"port\": 1, \"protocol\": \"echo\"," \
	" \"connections\": 3, \"accepted\": 20, \"bytes_in\": 2048,"     \
	" \"bytes_out\": 0, \"restarts\": 0" MORE "}"
#define DAEMON(LISTENERS)                                            \
	"{\"version\": \"1\", \"pid\": 7, \"state\": \"running\","   \
	" \"ready\": true, \"uptime_ms\": 11520000, \"listeners\": " \
	"[" LISTENERS "]}"

/* 2026-01-01T00:00:00Z */
#define REAL_MS 1767225600000u

/* A frame of an answer, 2 s after one with half of its figures. */
static void
set_up(struct frame *m, struct rates_base *base, const char *answer)
{
	json_t *before;

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	memset(m, 0, sizeof(*m));
	memset(base, 0, sizeof(*base));
	m->answer = json_loads(answer, 0, NULL);
	m->answer_at_ms = m->now_ms = 50000;
	m->answer_real_ms = m->now_real_ms = REAL_MS;
	m->before = base;
	cr_assert_not_null(m->answer, "%s", answer);
	before = json_loads(DAEMON("{\"name\": \"pos\", \"accepted\": 10}"), 0,
	    NULL);
	rates_rebase(base, before, 48000);
	json_decref(before);
}

static char *
print(struct frame *m, struct rates_base *base)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	cr_assert_not_null(f);
	frame_print(f, m);
	(void)fclose(f);
	json_decref(m->answer);
	rates_free(base);
	return text;
}

static void
expect(struct frame *m, struct rates_base *base, const char *want)
{
	char *text = print(m, base);

	cr_expect_str_eq(text, want, "%s", text);
	free(text);
}

#define TITLES                                                           \
	"NAME  STATE      CONNS  ACCEPT/S      IN/S     OUT/S  ERRORS/S" \
	"  RESTARTS  ADDRESS  PROTOCOL\n"

Test(frame, of_the_daemon)
{
	struct rates_base base;
	struct frame m;

	set_up(&m, &base,
	    DAEMON(L("pos", "listening", "") "," L("gps", "failed",
		", \"last_error\": \"gave up\"")));
	expect(&m, &base,
	    "00:00:00Z  mercuryd 1 is running: pid 7, up 3h12m\n"
	    "2 listeners: 1 failed, 1 listening\n"
	    "6 connections, 5.0 accept/s, 0 errors/s, 1.0 KiB/s in, 0 B/s "
	    "out\n" TITLES
	    "gps   failed         3         -         -         -         -"
	    "         0  [::1]:1  echo\n"
	    "  gave up\n"
	    "pos   listening      3       5.0   1.0 KiB       0 B         0"
	    "         0  [::1]:1  echo\n");
}

Test(frame, first_without_rates)
{
	struct rates_base base;
	struct frame m;

	set_up(&m, &base, DAEMON(L("pos", "listening", "")));
	rates_free(&base);
	expect(&m, &base,
	    "00:00:00Z  mercuryd 1 is running: pid 7, up 3h12m\n"
	    "1 listener: 1 listening\n"
	    "3 connections\n" TITLES
	    "pos   listening      3         -         -         -         -"
	    "         0  [::1]:1  echo\n");
}

Test(frame, exact_when_wide)
{
	struct rates_base base;
	struct frame m;
	char *text;

	set_up(&m, &base, DAEMON(L("pos", "listening", "")));
	m.look.wide = true;
	text = print(&m, &base);
	cr_expect_not_null(strstr(text, "  1024.000  "), "%s", text);
	cr_expect_not_null(strstr(text, "  2048  "), "%s", text);
	free(text);
}

Test(frame, is_honest_about_old_figures)
{
	struct rates_base base;
	struct frame m;
	char *text;

	set_up(&m, &base, DAEMON(""));
	m.trouble = "nobody\nanswers";
	m.now_ms += 12000;
	m.now_real_ms += 12000;
	expect(&m, &base,
	    "00:00:12Z  NO ANSWER FOR 12s: nobody\\x0aanswers\n"
	    "00:00:00Z  mercuryd 1 is running: pid 7, up 3h12m\n"
	    "no listeners\n");
	set_up(&m, &base, DAEMON(""));
	m.trouble = "why";
	m.look.colour = true;
	text = print(&m, &base);
	cr_expect_null(strstr(text, "\033[32m"), "it may not run: %s", text);
	cr_expect_not_null(strstr(text, "mNO ANSWER"), "%s", text);
	free(text);
}

Test(frame, says_what_else_is_wrong)
{
	struct rates_base base;
	struct frame m;

	set_up(&m, &base,
	    "{\"version\": \"1\", \"pid\": 7, \"state\": \"running\","
	    " \"ready\": false, \"not_ready\": \"pos is paused\","
	    " \"uptime_ms\": 0, \"listeners\": [], \"store\":"
	    " {\"state\": \"degraded\", \"events\": 5,"
	    " \"trouble\": \"disk_full\"}}");
	expect(&m, &base,
	    "00:00:00Z  mercuryd 1 is running: pid 7, up 0ms\n"
	    "ready: no (pos is paused)\n"
	    "store: degraded, 5 events written; disk_full\n"
	    "no listeners\n");
}

/* So many listeners; every fifth has failed. */
static char *
many(int count)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	int i;

	cr_assert_not_null(f);
	(void)fputs("{\"state\": \"running\", \"ready\": true,"
		    " \"listeners\": [",
	    f);
	for (i = 0; i < count; i++)
		(void)fprintf(f,
		    "%s{\"name\": \"terminals-of-a-region-%03d\","
		    " \"state\": \"%s\", \"ready\": true,"
		    " \"last_error\": \"a rather long reason why it is so\"}",
		    i == 0 ? "" : ", ", i, i % 5 == 0 ? "failed" : "listening");
	(void)fputs("]}", f);
	(void)fclose(f);
	return text;
}

static size_t
count_lines(const char *text, size_t *widest)
{
	const char *end;
	size_t n = 0;

	*widest = 0;
	for (; *text != '\0'; text = end + 1, n++) {
		char line[512];

		end = strchr(text, '\n');
		cr_assert_not_null(end);
		(void)snprintf(line, sizeof(line), "%.*s", (int)(end - text),
		    text);
		if (strncmp(line, "NAME", 4) == 0 ||
		    strncmp(line, "term", 4) == 0)
			*widest = clip_width(line) > *widest ? clip_width(line)
							     : *widest;
	}
	return n;
}

Test(frame, fits_any_screen)
{
	static const size_t widths[] = { 20, 40, 80, 200 };
	static const size_t heights[] = { 1, 4, 5, 6, 10, 24, 50, 400 };
	char *answer = many(300), *text;
	struct rates_base base;
	struct frame m;
	size_t w, h, widest, lines;

	for (w = 0; w < sizeof(widths) / sizeof(widths[0]); w++)
		for (h = 0; h < sizeof(heights) / sizeof(heights[0]); h++) {
			set_up(&m, &base, answer);
			m.look.width = widths[w];
			m.height = heights[h];
			text = print(&m, &base);
			lines = count_lines(text, &widest);
			cr_expect_leq(widest, m.look.width, "%s", text);
			if (m.height > 4)
				cr_expect_leq(lines, m.height, "%s", text);
			if (m.height > 4 && m.height < 300)
				cr_expect_not_null(strstr(text, " more: "),
				    "%s", text);
			free(text);
		}
	free(answer);
}

Test(frame, counts_what_does_not_fit)
{
	char *answer = many(20), *text;
	struct rates_base base;
	struct frame m;

	set_up(&m, &base, answer);
	m.height = 11; /* 4 above; 2 notes, 4 listeners, and the rest */
	text = print(&m, &base);
	cr_expect_not_null(strstr(text, "\n16 more: 16 listening\n"), "%s",
	    text);
	free(text);
	set_up(&m, &base, answer);
	m.height = 7;
	text = print(&m, &base);
	cr_expect_not_null(strstr(text, "\n19 more: 3 failed, 16 listening\n"),
	    "%s", text);
	free(text);
	free(answer);
}

Test(frame, of_a_listener)
{
	struct rates_base base;
	struct frame m;
	char *text;

	set_up(&m, &base, L("pos", "listening", ", \"workers\": []"));
	text = print(&m, &base);
	cr_expect_eq(strncmp(text, "00:00:00Z  listener pos\nNAME ", 28), 0,
	    "%s", text);
	cr_expect_not_null(strstr(text, "\n\nSLOT "), "%s", text);
	cr_expect_not_null(strstr(text, "\naddress        [::1]:1\n"), "%s",
	    text);
	free(text);
	set_up(&m, &base, L("pos", "listening", ", \"workers\": []"));
	m.height = 8;
	text = print(&m, &base);
	cr_expect_not_null(strstr(text, " more lines\n"), "%s", text);
	free(text);
}
