/* gateway_plan: what the gateway section needs beyond its values. */
#ifndef MERCURY_CONFIG_GATEWAY_PLAN_H
#define MERCURY_CONFIG_GATEWAY_PLAN_H

#include <jansson.h>
#include <stdbool.h>

#include "common/gateway_settings.h"
#include "config/tls_wants.h"

/*
 * Read the certificates that its tls section names. *warnings is written
 * over. Returns 0, or -1 with *err, which names key and file; the gateway does
 * not exist then, and holds nothing.
 */
int gateway_plan_complete(struct gateway_wanted *,
    struct tls_warnings *warnings, struct err *err);

/*
 * Does HTTP show everything to whoever reaches it, from other machines, too?
 * options: those of the section.
 */
bool gateway_plan_is_open(const struct gateway_settings *,
    const json_t *options);

#endif /* MERCURY_CONFIG_GATEWAY_PLAN_H */
