#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/supervisor_text.h"

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

Test(supervisor_text, history)
{
	expect(show(supervisor_text_history,
		   "{\"records\": [{\"seq\": 1, \"at\": \"T1\","
		   " \"listener\": \"pos\", \"type\": \"worker.crashed\","
		   " \"slot\": 0, \"pid\": 4250, \"uptime_ms\": 1500,"
		   " \"reason\": \"was\\u001bkilled\"},"
		   " {\"seq\": 2, \"at\": \"T2\", \"listener\": \"gps\","
		   " \"type\": \"listener.paused\", \"slot\": null,"
		   " \"pid\": null, \"uptime_ms\": null,"
		   " \"reason\": null}]}"),
	    "TIME  LISTENER  EVENT            SLOT   PID  UPTIME  REASON\n"
	    "T1    pos       worker.crashed      0  4250      1s  "
	    "was\\x1bkilled\n"
	    "T2    gps       listener.paused     -     -       -  -\n");
	expect(show(supervisor_text_history, "{\"records\": []}"),
	    "nothing has happened\n");
}

Test(supervisor_text, failure_rate)
{
	expect(show(supervisor_text_failure_rate,
		   "{\"window_ms\": 180000, \"listeners\": ["
		   "{\"name\": \"pos\", \"failures\": 4,"
		   " \"per_minute\": 1.33333}]}"),
	    "failures of workers in the last 3m00s\n"
	    "NAME  FAILURES  PER MINUTE\n"
	    "pos          4         1.3\n");
	expect(show(supervisor_text_failure_rate, "{\"listeners\": []}"),
	    "no listeners\n");
}

Test(supervisor_text, stats)
{
	expect(show(supervisor_text_stats,
		   "{\"children\": [{\"role\": \"worker\", \"name\": \"pos\","
		   " \"slot\": 1, \"generation\": 2, \"pid\": null,"
		   " \"state\": \"backoff\", \"restarts\": 3,"
		   " \"last_end\": \"T1\", \"last_reason\": \"why\","
		   " \"uptime_ms\": null, \"ready_ms\": null,"
		   " \"memory_kb\": null, \"cpu_ms\": null},"
		   " {\"role\": \"control\", \"name\": \"control\","
		   " \"slot\": null, \"generation\": null, \"pid\": 4243,"
		   " \"state\": \"running\", \"restarts\": 0,"
		   " \"last_end\": null, \"last_reason\": null,"
		   " \"uptime_ms\": 12000, \"ready_ms\": 2,"
		   " \"memory_kb\": 2048, \"cpu_ms\": 30}],"
		   " \"total\": {\"children\": 2, \"running\": 1,"
		   " \"restarts\": 3, \"last_end\": \"T1\","
		   " \"last_reason\": \"why\", \"uptime_ms\": 13000,"
		   " \"ready_ms\": 2, \"memory_kb\": 2048,"
		   " \"cpu_ms\": 30}}"),
	    "PROCESS      PID  STATE      GEN  UPTIME  READY   MEMORY   CPU"
	    "  RESTARTS  LAST END  REASON\n"
	    "pos/1          -  backoff      2       -      -        -     -"
	    "         3  T1        why\n"
	    "control     4243  running      -     12s    2ms  2.0 MiB  30ms"
	    "         0  -         -\n"
	    "total of 2     -  1 running    -     13s    2ms  2.0 MiB  30ms"
	    "         3  T1        why\n");
}

Test(supervisor_text, anything_can_be_shown)
{
	static const char *const texts[] = { "{}", "[]",
		"{\"records\": 5, \"listeners\": {}, \"children\": \"x\"}",
		"{\"records\": [1, {\"pid\": \"x\"}], \"total\": 5,"
		" \"listeners\": [null, {\"per_minute\": \"x\"}],"
		" \"children\": [[], {\"slot\": -1, \"memory_kb\": -5}]}" };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		free(show(supervisor_text_history, texts[i]));
		free(show(supervisor_text_failure_rate, texts[i]));
		free(show(supervisor_text_stats, texts[i]));
	}
}
