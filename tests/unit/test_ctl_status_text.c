#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/detail_text.h"
#include "ctl/status_text.h"

static const char pos[] =
    "{\"name\": \"pos\", \"state\": \"listening\", \"pool\": \"shared\","
    " \"generation\": 1, \"address\": \"::\", \"port\": 9100,"
    " \"path\": null, \"transport\": \"tcp\", \"protocol\": \"echo\","
    " \"connections\": 3, \"accepted\": 1200, \"bytes_in\": 2048,"
    " \"bytes_out\": 5, \"rejected\": 4, \"denied\": 6, \"probes\": 12,"
    " \"handshake_failures\": 7, \"accept_errors\": 0, \"restarts\": 0,"
    " \"bind_attempts\": 1, \"last_error\": null,"
    " \"workers\": [{\"slot\": 0, \"pid\": 4250, \"state\": \"running\","
    " \"connections\": 3, \"uptime_ms\": 11000, \"restarts\": 0}]}";

static const char odd[] = "{\"name\": \"odd\\u001b\", \"path\": \"/x\","
			  " \"last_error\": \"bad\\nthing\"}";

typedef void show_fn(FILE *, const json_t *, const struct look *);

/* What is shown of a JSON text, for free(). */
static char *
show(show_fn *fn, const char *text)
{
	const struct look look = { .colour = false };
	json_t *o = json_loads(text, 0, NULL);
	char *out = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);

	cr_assert_not_null(o, "%s", text);
	cr_assert_not_null(f);
	fn(f, o, &look);
	(void)fclose(f);
	json_decref(o);
	return out;
}

static void
expect(char *got, const char *want)
{
	cr_expect_str_eq(got, want, "%s", got);
	free(got);
}

Test(status_text, daemon)
{
	char text[2048];

	(void)snprintf(text, sizeof(text),
	    "{\"version\": \"0.1.0\", \"pid\": 4242, \"state\": \"running\","
	    " \"ready\": true, \"uptime_ms\": 12000,"
	    " \"listeners\": [%s, %s]}",
	    pos, odd);
	expect(show(status_text_daemon, text),
	    "mercuryd 0.1.0 is running: pid 4242, up 12s\n"
	    "NAME     STATE      ADDRESS    PROTOCOL  POOL    WORKERS  CONNS"
	    "  ACCEPTED       IN  OUT  ERRORS  RESTARTS\n"
	    "pos      listening  [::]:9100  echo      shared        1      3"
	    "      1200  2.0 KiB  5 B      17         0\n"
	    "odd\\x1b  -          /x         -         -             0      -"
	    "         -        -    -       0         -\n"
	    "odd\\x1b: last error: bad\\x0athing\n");
}

#define STATE(NAME, STATE, MORE)                                  \
	"{\"name\": \"" NAME "\", \"state\": \"" STATE            \
	"\", \"pool\": \"p\", \"address\": \"::1\", \"port\": 1," \
	" \"protocol\": \"echo\", " MORE "}"

/* Why a listener does not serve is to be seen at once. */
Test(status_text, states)
{
	expect(show(status_text_daemon,
		   "{\"version\": \"0.1.0\", \"pid\": 1,"
		   " \"state\": \"running\", \"ready\": false,"
		   " \"uptime_ms\": 0, \"listeners\": [" STATE("a", "retrying",
		       "\"bind_attempts\": 2, \"retry_in_ms\": 3999,"
		       " \"queueing\": null,"
		       " \"last_error\": \"it is taken\"") "," STATE("b",
		       "paused", "\"queueing\": true") "," STATE("c", "paused",
		       "\"queueing\": false") "," STATE("d", "failed",
		       "\"bind_attempts\": 4,"
		       " \"last_error\": \"too many restarts\"") "]}"),
	    "mercuryd 0.1.0 is running: pid 1, up 0ms\n"
	    "ready: no\n"
	    "NAME  STATE                             ADDRESS  PROTOCOL  POOL"
	    "  WORKERS  CONNS  ACCEPTED  IN  OUT  ERRORS  RESTARTS\n"
	    "a     retrying (attempt 2, next in 3s)  [::1]:1  echo      p   "
	    "        0      -         -   -    -       0         -\n"
	    "b     paused (queue)                    [::1]:1  echo      p   "
	    "        0      -         -   -    -       0         -\n"
	    "c     paused                            [::1]:1  echo      p   "
	    "        0      -         -   -    -       0         -\n"
	    "d     failed                            [::1]:1  echo      p   "
	    "        0      -         -   -    -       0         -\n"
	    "a: retrying: it is taken\n"
	    "d: failed: too many restarts\n");
}

/* What a newer daemon says, and what a listener's table has of it. */
Test(status_text, ready_and_limits)
{
	expect(
	    show(status_text_daemon,
		"{\"version\": \"1\", \"pid\": 1,"
		" \"state\": \"running\", \"ready\": false,"
		" \"not_ready\": \"a is drained, and 1 more\","
		" \"draining\": false, \"uptime_ms\": 0, \"listeners\":"
		" [" STATE("a", "listening",
		    "\"drain\": true, \"ready\": false,"
		    " \"transport\": \"tls\", \"connections\": 12345,"
		    " \"max_connections\": 20000, \"workers\": ["
		    "{\"state\": \"running\"}, {\"state\": \"down\"}]") "]}"),
	    "mercuryd 1 is running: pid 1, up 0ms\n"
	    "ready: no (a is drained, and 1 more)\n"
	    "NAME  STATE                ADDRESS  PROTOCOL    POOL  WORKERS"
	    "        CONNS  ACCEPTED  IN  OUT  ERRORS  RESTARTS\n"
	    "a     listening (drained)  [::1]:1  echo (tls)  p         1/2"
	    "  12.3k/20.0k         -   -    -       0         -\n");
	expect(show(status_text_daemon,
		   "{\"version\": \"1\", \"state\": \"running\","
		   " \"ready\": false, \"draining\": true}"),
	    "mercuryd 1 is running: pid 0, up 0ms\n"
	    "ready: no (it is drained)\n"
	    "no listeners\n");
}

Test(status_text, wide_is_exact)
{
	const struct look look = { .wide = true };
	json_t *o = json_loads("{\"version\": \"1\", \"ready\": true,"
			       " \"listeners\": [" STATE("a", "listening",
				   "\"transport\": \"tls\","
				   " \"accepted\": 12345678,"
				   " \"bytes_in\": 9876543210,"
				   " \"denied\": 77") "]}",
	    0, NULL);
	char *out = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);

	cr_assert_not_null(o);
	cr_assert_not_null(f);
	status_text_daemon(f, o, &look);
	(void)fclose(f);
	json_decref(o);
	cr_expect_not_null(strstr(out, "  12345678  9876543210  "), "%s", out);
	cr_expect_not_null(strstr(out, "  TRANSPORT  PROTOCOL  "), "%s", out);
	cr_expect_not_null(strstr(out, "  tls        echo  "), "%s", out);
	cr_expect_not_null(strstr(out, "  77  "), "%s", out);
	cr_expect_null(strstr(out, "ERRORS  RESTARTS"), "%s", out);
	free(out);
}

Test(status_text, daemon_without_listeners)
{
	expect(show(status_text_daemon,
		   "{\"version\": \"0.1.0\", \"pid\": 1,"
		   " \"state\": \"stopping\", \"ready\": false,"
		   " \"uptime_ms\": 0, \"listeners\": []}"),
	    "mercuryd 0.1.0 is stopping: pid 1, up 0ms\n"
	    "ready: no\n"
	    "no listeners\n");
}

struct store_case {
	char json[224];
	char want[224];
};

ParameterizedTestParameters(status_text, store)
{
	static struct store_case cases[] = {
		{ "null", "" },
		{ "{\"state\": \"running\", \"events\": 1234, \"dropped\": 0,"
		  " \"trouble\": null, \"error\": null, \"wal_held_ms\": 0}",
		    "store: running, 1,234 events written\n" },
		{ "{\"state\": \"backoff\", \"events\": 5, \"dropped\": 1000}",
		    "store: backoff, 5 events written, 1,000 dropped\n" },
		{ "{\"state\": \"degraded\", \"events\": 5, \"trouble\":"
		  " \"disk_full\", \"error\": \"no\\u001b space\"}",
		    "store: degraded, 5 events written; disk_full: "
		    "no\\x1b space\n" },
		{ "{\"state\": \"degraded\", \"events\": 5, \"trouble\":"
		  " \"locked\", \"error\": null}",
		    "store: degraded, 5 events written; locked\n" },
		{ "{\"state\": \"running\", \"events\": 5, \"wal_bytes\":"
		  " 10485760, \"wal_held_ms\": 61000}",
		    "store: running, 5 events written; a reader has held its "
		    "write-ahead log for 1m01s, it has grown to 10.0 MiB\n" },
		{ "{\"state\": \"running\", \"events\": 5, "
		  "\"wal_held_ms\": 999}",
		    "store: running, 5 events written\n" },
		{ "{}", "store: -, 0 events written\n" },
		{ "5", "" },
	};

	return cr_make_param_array(struct store_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct store_case *k, status_text, store)
{
	char text[512], want[512];

	(void)snprintf(text, sizeof(text),
	    "{\"version\": \"1\", \"pid\": 1, \"state\": \"running\","
	    " \"ready\": true, \"uptime_ms\": 0, \"listeners\": [],"
	    " \"store\": %s}",
	    k->json);
	(void)snprintf(want, sizeof(want),
	    "mercuryd 1 is running: pid 1, up 0ms\nno listeners\n%s", k->want);
	expect(show(status_text_daemon, text), want);
}

Test(status_text, listener)
{
	expect(show(detail_text, pos),
	    "name           pos\n"
	    "state          listening\n"
	    "address        [::]:9100\n"
	    "transport      tcp\n"
	    "protocol       echo\n"
	    "pool           shared\n"
	    "generation     1\n"
	    "connections    3\n"
	    "accepted       1,200\n"
	    "rejected       4\n"
	    "denied         6\n"
	    "bad handshakes 7\n"
	    "accept errors  0\n"
	    "bytes in       2.0 KiB\n"
	    "bytes out      5 B\n"
	    "restarts       0\n"
	    "bind attempts  1\n"
	    "ends           -\n"
	    "probes         12\n"
	    "last error     -\n"
	    "\n"
	    "SLOT   PID  STATE    CONNS  UPTIME  RESTARTS\n"
	    "   0  4250  running      3     11s         0\n");
}

Test(status_text, probes)
{
	char *text = show(detail_text,
	    "{\"probes\": 12, \"probe_kinds\": {\"fin\": 10, \"rst\": 0,"
	    " \"local\": 0, \"tls\": 2}, \"probe_sources\":"
	    " [{\"address\": \"192.0.2.7\", \"count\": 12,"
	    " \"last_seen\": \"2026-01-01T00:00:00.000Z\"}]}");

	cr_expect_not_null(
	    strstr(text, "\nprobes         12 (10 fin, 2 tls)\n"), "%s", text);
	cr_expect_not_null(strstr(text,
			       "\n\nPROBES FROM  COUNT  LAST SEEN\n"
			       "192.0.2.7       12  "
			       "2026-01-01T00:00:00.000Z\n"),
	    "%s", text);
	free(text);
}

Test(status_text, anything_can_be_shown)
{
	static const char *const texts[] = { "{}", "[]",
		"{\"listeners\": 5, \"workers\": {}}",
		"{\"listeners\": [1, null, []], \"port\": -5}",
		"{\"workers\": [1, {\"slot\": \"x\"}], \"port\": 99999999}",
		"{\"state\": \"retrying\", \"retry_in_ms\": \"x\"}" };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		free(show(status_text_daemon, texts[i]));
		free(show(detail_text, texts[i]));
	}
}
