#include "ctl/listener_text.h"

#include <stdio.h>

#include "common/addr.h"

const char *
listener_string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "-" : text;
}

uint64_t
listener_number(const json_t *object, const char *key)
{
	const json_int_t n = json_integer_value(json_object_get(object, key));

	return n < 0 ? 0 : (uint64_t)n;
}

void
listener_place(const json_t *listener, char out[static LISTENER_PLACE_SIZE])
{
	const char *path = json_string_value(json_object_get(listener, "path"));
	char joined[ADDR_TEXT_SIZE];

	if (path == NULL)
		addr_join(listener_string(listener, "address"),
		    (uint16_t)listener_number(listener, "port"), joined);
	(void)snprintf(out, LISTENER_PLACE_SIZE, "%s",
	    path == NULL ? joined : path);
}
