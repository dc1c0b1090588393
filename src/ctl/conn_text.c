#include "ctl/conn_text.h"

#include <inttypes.h>

#include "ctl/cell.h"
#include "ctl/listener_text.h"
#include "ctl/table.h"

/* clang-format off */
static const struct column columns[] = {
	{ "ID", COLUMN_LEFT, COLUMN_ALWAYS, 0, 0, 0 },
	{ "PEER", COLUMN_NAME, COLUMN_ALWAYS, 0, 21, 0 },
	{ "STATE", COLUMN_STATE, COLUMN_ALWAYS, 1, 0, 0 },
	{ "SINCE", COLUMN_RIGHT, COLUMN_ALWAYS, 3, 0, 0 },
	{ "IDLE", COLUMN_RIGHT, COLUMN_ALWAYS, 2, 0, 0 },
	{ "IN", COLUMN_RIGHT, COLUMN_ALWAYS, 4, 0, 0 },
	{ "OUT", COLUMN_RIGHT, COLUMN_ALWAYS, 5, 0, 0 },
	{ "UNSENT", COLUMN_RIGHT, COLUMN_ALWAYS, 7, 0, 0 },
	{ "RTT", COLUMN_RIGHT, COLUMN_ALWAYS, 8, 0, 0 },
	{ "SLOT", COLUMN_RIGHT, COLUMN_ALWAYS, 10, 0, 0 },
	{ "VIA", COLUMN_NAME, COLUMN_ALWAYS, 11, 21, 0 },
	{ "TLS", COLUMN_LEFT, COLUMN_ALWAYS, 9, 0, 0 },
	{ "NAME", COLUMN_NAME, COLUMN_ALWAYS, 6, 12, 0 },
};
/* clang-format on */

#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

struct table *
conn_text_new(const struct look *look)
{
	return table_new(columns, COLUMN_COUNT, look);
}

/* Its address, or what is known of the other end of a Unix socket. */
static void
add_peer(struct table *t, const json_t *c)
{
	if (json_is_integer(json_object_get(c, "peer_pid")))
		table_add(t, "pid %" PRIu64, listener_number(c, "peer_pid"));
	else
		cell_text(t, c, "peer");
}

/* "1.3ms" */
static void
add_rtt(struct table *t, const json_t *c)
{
	if (json_is_integer(json_object_get(c, "rtt_us")))
		table_add(t, "%.1fms",
		    (double)listener_number(c, "rtt_us") / 1000);
	else
		table_add(t, "-");
}

void
conn_text_add(struct table *t, const json_t *c)
{
	cell_text(t, c, "id");
	add_peer(t, c);
	cell_text(t, c, "state");
	cell_duration(t, c, "age_ms");
	cell_duration(t, c, "idle_ms");
	cell_bytes(t, c, "bytes_in", 1);
	cell_bytes(t, c, "bytes_out", 1);
	cell_bytes(t, c, "unsent", 1);
	add_rtt(t, c);
	cell_number(t, c, "slot");
	cell_text(t, json_object_get(c, "proxy"), "address");
	cell_text(t, json_object_get(c, "tls"), "version");
	cell_text(t, json_object_get(c, "tls"), "name");
}
