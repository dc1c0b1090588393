/* tls_plan: gives a wanted listener the material of TLS (common/bulk.h). */
#ifndef MERCURY_CONFIG_TLS_PLAN_H
#define MERCURY_CONFIG_TLS_PLAN_H

#include "common/wanted.h"
#include "config/tls_wants.h"

/*
 * Read the files that its tls section names. One that is not TLS stays as it
 * is. *warnings is written over. Returns 0, or -1 with *err, which names key
 * and file.
 */
int tls_plan_read(struct wanted *, struct tls_warnings *warnings,
    struct err *err);

#endif /* MERCURY_CONFIG_TLS_PLAN_H */
