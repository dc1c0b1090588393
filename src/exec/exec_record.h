/*
 * exec_record: counts what becomes of programs, in the scoreboard, and tells
 * the store of it.
 */
#ifndef MERCURY_EXEC_EXEC_RECORD_H
#define MERCURY_EXEC_EXEC_RECORD_H

#include <sys/types.h>

#include <stdbool.h>

struct conn;
struct program_exit;

/* The program of the connection was started. */
void exec_record_start(const struct conn *, pid_t);

/* It has ended; wanted: because we asked it to, or killed it. */
void exec_record_exit(const struct conn *, const struct program_exit *,
    bool wanted);

/* It could not be started. */
void exec_record_failure(const struct conn *);

#endif /* MERCURY_EXEC_EXEC_RECORD_H */
