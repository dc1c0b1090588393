#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/conn_text.h"
#include "ctl/table.h"

/* The table of one connection. */
static void
expect(const char *connection, const char *want)
{
	json_t *c = json_loads(connection, 0, NULL);
	const struct look look = { .colour = false };
	struct table *t = conn_text_new(&look);
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	cr_assert_not_null(c, "%s", connection);
	cr_assert_not_null(f);
	conn_text_add(t, c);
	table_end(&t, f);
	(void)fclose(f);
	json_decref(c);
	cr_expect_str_eq(text, want, "%s", text);
	free(text);
}

Test(conn_text, of_a_network)
{
	expect("{\"id\": \"b13cfa44-17\", \"slot\": 3, \"generation\": 1,"
	       " \"pid\": 4242, \"peer\": \"10.0.0.1:5555\","
	       " \"peer_pid\": null, \"state\": \"waiting\","
	       " \"since\": \"2026-01-01T00:00:00.000Z\","
	       " \"age_ms\": 185000, \"idle_ms\": 850, \"bytes_in\": 2150,"
	       " \"bytes_out\": 12, \"unsent\": 5, \"rtt_us\": 1260}",
	    "ID           PEER           STATE    SINCE   IDLE       IN   OUT"
	    "  UNSENT    RTT  SLOT  VIA  TLS  NAME\n"
	    "b13cfa44-17  10.0.0.1:5555  waiting  3m05s  850ms  2.1 KiB  12 B"
	    "     5 B  1.3ms     3  -    -    -\n");
}

Test(conn_text, of_a_unix_socket)
{
	expect("{\"id\": \"b13cfa44-1\", \"slot\": 0, \"peer\": null,"
	       " \"peer_pid\": 77, \"state\": \"open\", \"age_ms\": 0,"
	       " \"idle_ms\": 0, \"bytes_in\": 0, \"bytes_out\": 0,"
	       " \"unsent\": 0, \"rtt_us\": null}",
	    "ID          PEER    STATE  SINCE  IDLE   IN  OUT  UNSENT  RTT  "
	    "SLOT  VIA  TLS  NAME\n"
	    "b13cfa44-1  pid 77  open     0ms   0ms  0 B  0 B     0 B    -  "
	    "   0  -    -    -\n");
}

Test(conn_text, with_nothing_in_it)
{
	expect("{}",
	    "ID  PEER  STATE  SINCE  IDLE  IN  OUT  UNSENT  RTT  SLOT  VIA  "
	    "TLS  NAME\n"
	    "-   -     -          -     -   -    -       -    -     -  -    -  "
	    "  -\n");
}
