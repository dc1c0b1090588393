/*
 * exec_plan: what a listener with protocol exec is asked to do, as the value
 * BULK_PROTOCOL_PLAN (bulk.h): made of the section exec, defaults filled in.
 * Compared by its digest: every byte that is not used is 0.
 */
#ifndef MERCURY_COMMON_EXEC_PLAN_H
#define MERCURY_COMMON_EXEC_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define EXEC_TEXTS_SIZE 8192
#define EXEC_ARGS_MAX 64u
#define EXEC_PATH_SIZE 256

/* Where what a program writes to its stderr goes. */
#define EXEC_STDERRS(X) X(LOG, "log") X(SOCKET, "socket") X(NULL, "null")

enum exec_stderr {
#define X(NAME, WORD) EXEC_STDERR_##NAME,
	EXEC_STDERRS(X)
#undef X
	    EXEC_STDERR_COUNT
};

extern const char *const exec_stderr_words[EXEC_STDERR_COUNT];

/* Texts one behind the other, each with its NUL. */
struct exec_texts {
	uint32_t count;
	uint32_t size; /* bytes in use */
	char bytes[EXEC_TEXTS_SIZE];
};

/* Limits: 0 is none. */
struct exec_plan {
	uint32_t max_processes; /* over all workers */
	uint32_t limit_files;
	uint32_t limit_processes; /* of the user */
	uint32_t kill_after_ms;   /* from SIGTERM, or its end, to SIGKILL */
	uint64_t limit_cpu_s;
	uint64_t limit_memory; /* bytes of address space */
	uint8_t stderr_to;     /* enum exec_stderr */
	uint8_t unused[7];
	char directory[EXEC_PATH_SIZE]; /* absolute */
	struct exec_texts command;      /* the first is an absolute path */
	struct exec_texts environment;  /* "NAME=value" */
};

/* Append a text (copied). Returns 0, or -1 when there is no room. */
int exec_texts_add(struct exec_texts *, const char *text);

/*
 * The text behind at, or, for NULL, the first; borrowed. NULL: there are no
 * more. Only of texts that were made with exec_texts_add(), or checked.
 */
const char *exec_texts_next(const struct exec_texts *, const char *at);

/*
 * Check a plan that came from another process. Returns 0, or -1 with *err.
 */
int exec_plan_check(const struct exec_plan *, size_t size, struct err *err);

#endif /* MERCURY_COMMON_EXEC_PLAN_H */
