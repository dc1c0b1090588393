/*
 * conflict: what two listeners of one config, or one of them and the gateway,
 * can't both have: the same place to listen, or a pool of two sizes, or of two
 * kinds otherwise. Pure, but for the number of CPUs.
 *
 * What is found here would fail at the start, but without file and line.
 */
#ifndef MERCURY_CONFIG_CONFLICT_H
#define MERCURY_CONFIG_CONFLICT_H

#include <jansson.h>

#include "common/err.h"
#include "common/gateway_settings.h"
#include "common/spec.h"

/*
 * Let a listener take its port or path, and say of its pool what set has
 * (pool_options.h). taken is an object, empty in the beginning, that keeps
 * what is taken; where says where the listener stands ("FILE:LINE").
 *
 * Returns 0, or -1 with *err, which starts with the option at fault and says
 * who was first; then nothing was taken.
 */
int conflict_take(json_t *taken, const struct listener_spec *, option_set set,
    const char *where, struct err *);

/* The same for the places of the gateway. */
int conflict_take_gateway(json_t *taken, const struct gateway_settings *,
    const char *where, struct err *);

#endif /* MERCURY_CONFIG_CONFLICT_H */
