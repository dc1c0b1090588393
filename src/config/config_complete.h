/*
 * config_complete: what is left to do when a config file has been parsed: look
 * at what is around it (directories, saved listeners), and at all as a whole.
 */
#ifndef MERCURY_CONFIG_CONFIG_COMPLETE_H
#define MERCURY_CONFIG_CONFIG_COMPLETE_H

#include <jansson.h>
#include <stdbool.h>

#include "config/plan.h"

/* What the parser has found, besides what is in the plan. All borrowed. */
struct config_found {
	const char *path;    /* of the file */
	const json_t *store; /* options of the store section; NULL: none */
	json_t *places;      /* name of each section: "file:line" */
	json_t *taken;       /* ports, paths and pools (conflict.h) */
};

/*
 * Complete the plan: make the directories that the daemon needs, add the
 * saved listeners, check the groups, settle where the store's database is.
 * With check_only no directory is made; when the plan has an error already,
 * neither that, nor are saved listeners read.
 */
void config_complete(const struct config_found *, bool check_only,
    struct plan *plan);

#endif /* MERCURY_CONFIG_CONFIG_COMPLETE_H */
