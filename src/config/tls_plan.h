/* tls_plan: gives a wanted listener the material of TLS (common/bulk.h). */
#ifndef MERCURY_CONFIG_TLS_PLAN_H
#define MERCURY_CONFIG_TLS_PLAN_H

#include "common/wanted.h"
#include "config/tls_wants.h"

/*
 * Read the files that its tls section names; those of the section that came
 * last are not read again. One that is not TLS stays as it is. *warnings is
 * written over. Returns 0, or -1 with *err, which names key and file.
 */
int tls_plan_read(struct wanted *, struct tls_warnings *warnings,
    struct err *err);

/*
 * The same for TLS to its upstreams; warnings are added. What *err and the
 * warnings name is the key of section tls within proxy.
 */
int tls_plan_read_upstream(struct wanted *, struct tls_warnings *warnings,
    struct err *err);

/* Let go of what was read last: files are read again. */
void tls_plan_forget(void);

#endif /* MERCURY_CONFIG_TLS_PLAN_H */
