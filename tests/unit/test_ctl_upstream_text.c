#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/look.h"
#include "ctl/upstream_text.h"

static void
expect(const char *result, const char *want)
{
	json_t *o = json_loads(result, 0, NULL);
	const struct look look = { .colour = false };
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	cr_assert_not_null(o, "%s", result);
	cr_assert_not_null(f);
	upstream_text_all(f, o, &look);
	(void)fclose(f);
	json_decref(o);
	cr_expect_str_eq(text, want, "%s", text);
	free(text);
}

Test(upstream_text, of_two)
{
	expect("{\"upstreams\": [{\"name\": \"10.0.0.5:8583\","
	       " \"mode\": \"ready\", \"state\": \"down\", \"backup\": false,"
	       " \"weight\": 3, \"connections\": 4, \"max_connections\": 100,"
	       " \"waiting\": 2, \"connected\": 1200, \"failed\": 7,"
	       " \"last_check_ms_ago\": 250,"
	       " \"last_error\": \"connect: Connection refused\"},"
	       " {\"name\": \"unix:/run/app.sock\", \"mode\": \"maint\","
	       " \"state\": \"unchecked\", \"backup\": true, \"weight\": 1,"
	       " \"connections\": 0, \"max_connections\": 0, \"waiting\": 0,"
	       " \"connected\": 0, \"failed\": 0, \"last_check_ms_ago\": null,"
	       " \"last_error\": null}]}",
	    "UPSTREAM            STATE      MODE   CONNS  MAX  WAITING  WEIGHT"
	    "  BACKUP  CONNECTED  FAILED  CHECKED  LAST ERROR\n"
	    "10.0.0.5:8583       down       ready      4  100        2       3"
	    "  -            1200       7    250ms  connect: Connection "
	    "refused\n"
	    "unix:/run/app.sock  unchecked  maint      0    -        0       1"
	    "  yes             0       0        -  -\n");
}
