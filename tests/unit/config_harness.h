/*
 * config_harness: config files of a test in a folder of its own, and what
 * they came to. Whatever fails, fails the running test.
 */
#ifndef MERCURY_TESTS_CONFIG_HARNESS_H
#define MERCURY_TESTS_CONFIG_HARNESS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "config/plan.h"

/* An ordinary user that every system has; root must name one that exists. */
#define ORDINARY_UID 65534

/* It takes the folder twice. */
#define DAEMON_SECTION                                                      \
	"daemon { user = nobody state_dir = \"%s/state\" control_socket = " \
	"\"%s/run/c.sock\" }\n"

extern struct config_harness {
	char dir[64]; /* of this test */
	char main_file[96];
	struct plan plan; /* of what was read last */
} harness;

/* For the init and fini of a suite. */
void harness_set_up(void);
void harness_tear_down(void);

/* Write a file in the test's folder. */
void harness_put_bytes(const char *file, const char *bytes, size_t len);
void harness_put(const char *file, const char *text);

/* The main file: a daemon section in line 1, then text. */
void harness_put_main(const char *text);

/* The same, with the test's folder for each "@". */
void harness_put_main_in(const char *text);

/* A text with the folder for its "@", if any; valid until the next call. */
const char *harness_path(const char *text);

/* Save a listener by hand. */
void harness_put_saved(const char *name, const char *options);

/* Check the main file; or as an ordinary user, so that any user will do. */
void harness_read(void);
void harness_read_as_ordinary(void);

/* All errors, for the message of a test that fails. */
const char *harness_errors(void);

/* Is there an error "FILE:rest" of a file in the test's folder? */
bool harness_has_error(const char *file, const char *rest);

/* Is there a warning about a file in the test's folder with this in it? */
bool harness_has_warning(const char *file, const char *text);

/* 0: it is not there. */
mode_t harness_mode_of(const char *file);

#endif /* MERCURY_TESTS_CONFIG_HARNESS_H */
