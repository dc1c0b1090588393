#include "common/conn_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
conn_id_format(uint64_t id, char out[static CONN_ID_SIZE])
{
	(void)snprintf(out, CONN_ID_SIZE, "%08" PRIx32 "-%" PRIu32,
	    (uint32_t)(id >> 32), (uint32_t)id);
}

int
conn_id_parse(const char *text, uint64_t *id)
{
	char again[CONN_ID_SIZE];
	uint32_t worker, count;

	if (sscanf(text, "%8" SCNx32 "-%10" SCNu32, &worker, &count) != 2)
		return -1;
	*id = (uint64_t)worker << 32 | count;
	/* One way to write it: no blanks, signs or lost zeros. */
	conn_id_format(*id, again);
	return strcmp(text, again) == 0 ? 0 : -1;
}
