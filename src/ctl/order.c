#include "ctl/order.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/listener_text.h"

/* How soon a listener is to be seen; the rest comes last. */
#define REST 100u

struct place {
	const json_t *listener;
	const char *name;
	unsigned int rank;
};

static unsigned int
rank_of(const json_t *listener)
{
	static const char *const states[] = { "failed", "degraded", "retrying",
		"paused" };
	const char *state = listener_string(listener, "state");
	unsigned int i;

	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i], state) == 0)
			return i;
	if (json_is_false(json_object_get(listener, "ready")) ||
	    json_is_true(json_object_get(listener, "drain")))
		return i;
	if (listener_is_full(listener))
		return i + 1;
	return strcmp(state, "listening") == 0 ? REST : i + 2;
}

static int
compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return strcmp(x->name, y->name);
}

const json_t **
order_listeners(const json_t *listeners, size_t *count)
{
	const size_t n = json_array_size(listeners);
	struct place *places = calloc(n, sizeof(*places));
	const json_t **sorted = calloc(n, sizeof(*sorted));
	size_t i;

	*count = 0;
	if (n == 0 || places == NULL || sorted == NULL) {
		free(places);
		free(sorted);
		return NULL;
	}
	for (i = 0; i < n; i++) {
		places[i].listener = json_array_get(listeners, i);
		places[i].name = listener_string(places[i].listener, "name");
		places[i].rank = rank_of(places[i].listener);
	}
	qsort(places, n, sizeof(*places), compare);
	for (i = 0; i < n; i++)
		sorted[i] = places[i].listener;
	free(places);
	*count = n;
	return sorted;
}

bool
order_is_wrong(const json_t *listener)
{
	return rank_of(listener) != REST;
}
