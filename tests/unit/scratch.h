/*
 * scratch: a folder of its own for each test, and what a test must not leave
 * behind. Whatever fails, fails the running test.
 */
#ifndef MERCURY_TESTS_SCRATCH_H
#define MERCURY_TESTS_SCRATCH_H

/* The folder; short enough for the path of a Unix socket in it. */
extern const char *const scratch_dir;

/* For the init and fini of a suite: make the folder, remove it with all. */
void scratch_make(void);
void scratch_remove(void);

/* End the running test as skipped, which calls no fini: remove the folder. */
void scratch_skip(const char *why);

/* The path of name in the folder; valid until the fourth call after this. */
const char *scratch_path(const char *name);

/* Create a file of this text in the folder. */
void scratch_file(const char *name, const char *text);

/*
 * The names in the folder, sorted, each followed by a space; valid until the
 * next call.
 */
const char *scratch_names(void);

/* How many descriptors this process has open. */
unsigned int scratch_open_fds(void);

#endif /* MERCURY_TESTS_SCRATCH_H */
