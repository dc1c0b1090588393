/*
 * config_file: a config file, with what it includes, read by libConfuse into
 * a plan. All errors that can be found are in the plan afterwards, each with
 * its file and line; but of unknown options that follow one another only the
 * first.
 *
 * libConfuse's callbacks know no context and its lexer is global: one file at
 * a time, and not from within itself.
 */
#ifndef MERCURY_CONFIG_CONFIG_FILE_H
#define MERCURY_CONFIG_CONFIG_FILE_H

#include <stdbool.h>

#include "config/plan.h"

/* Includes within includes; an endless chain ends here. */
#define CONFIG_INCLUDE_DEPTH 10

/*
 * Read path into an empty plan: the daemon section, with defaults if there is
 * none, and the listeners and groups of the file. Then the listeners saved in
 * state_dir: one that is wrong, or that takes what another one has, is a
 * warning and is left out.
 *
 * With check_only nothing on disk changes, and saved listeners that may not
 * be read are passed over. Without, and when there is no error, the
 * directories that the daemon needs are made first.
 */
void config_file_read(const char *path, bool check_only, struct plan *plan);

#endif /* MERCURY_CONFIG_CONFIG_FILE_H */
