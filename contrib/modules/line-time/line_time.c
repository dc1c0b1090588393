/* line-time: answers each line with the time (UTC). */
#include <mercury/protocol.h>

#include <string.h>
#include <time.h>

/*
 * A line may come in pieces, and many at once: take the whole ones. A peer
 * that does not read its answers is not given more of them: what is left
 * comes again when it has taken what waits.
 */
static size_t
received(struct mercury_conn *c, uint8_t *data, size_t len)
{
	const time_t now = time(NULL);
	const uint8_t *end;
	size_t used = 0, n;
	struct tm utc;
	char text[32];

	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ\n",
	    gmtime_r(&now, &utc));
	while (mercury_unsent(c) == 0 &&
	    (end = memchr(data + used, '\n', len - used)) != NULL) {
		used = (size_t)(end - data) + 1;
		if (mercury_send(c, text, n) == -1)
			break;
	}
	return used;
}

const struct mercury_protocol mercury_module = {
	.abi = MERCURY_ABI,
	.size = sizeof(mercury_module),
	.name = "line-time",
	.received = received,
};
