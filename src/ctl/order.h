/* order: listeners as an operator wants to see them. Pure. */
#ifndef MERCURY_CTL_ORDER_H
#define MERCURY_CTL_ORDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * count listeners of an array, what is wrong first: failed, degraded,
 * retrying, paused, not ready, full, in another state than listening; then the
 * rest; each by name. They are borrowed from the array; free() the result.
 * NULL when out of memory or count is 0.
 */
const json_t **order_listeners(const json_t *listeners, size_t *count);

/* Is it one of those that come first? */
bool order_is_wrong(const json_t *listener);

#endif /* MERCURY_CTL_ORDER_H */
