/*
 * module_plan: which module a listener with protocol module uses, as the value
 * BULK_PROTOCOL_PLAN (bulk.h): made of the section module. Compared by its
 * digest: every byte that is not used is 0.
 */
#ifndef MERCURY_COMMON_MODULE_PLAN_H
#define MERCURY_COMMON_MODULE_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define MODULE_PATH_SIZE 256
#define MODULE_OPTIONS_MAX 128u
#define MODULE_OPTIONS_SIZE 16384

struct module_plan {
	char path[MODULE_PATH_SIZE]; /* absolute */
	uint32_t options;            /* how many */
	uint32_t size;               /* bytes in use of texts */
	uint8_t check_state;         /* save and restore after every call */
	uint8_t unused[7];
	/* Name and value of each, both with their NUL, in order of the names */
	char texts[MODULE_OPTIONS_SIZE];
};

/*
 * Check a plan that came from another process. Returns 0, or -1 with *err.
 */
int module_plan_check(const struct module_plan *, size_t size, struct err *err);

#endif /* MERCURY_COMMON_MODULE_PLAN_H */
