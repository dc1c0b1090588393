/*
 * supervisor: mercuryd's own state and its event loop, which ties the other
 * modules of this folder together.
 */
#ifndef MERCURY_SUPERVISOR_SUPERVISOR_H
#define MERCURY_SUPERVISOR_SUPERVISOR_H

#include <stdint.h>

#include "common/snapshot.h"
#include "common/spec.h"
#include "supervisor/args.h"

struct event_base;

/* Exit codes of mercuryd(8). */
#define EXIT_CODE_CLEAN 0
#define EXIT_CODE_FAILURE 1
#define EXIT_CODE_USAGE 2
#define EXIT_CODE_CANNOT_BIND 69 /* EX_UNAVAILABLE */
#define EXIT_CODE_BAD_CONFIG 78  /* EX_CONFIG */

/* Run until shutdown; args is borrowed. Returns the exit code. */
int supervisor_run(const struct args *);

/* Check the config file and print what is wrong. Returns the exit code. */
int supervisor_check_config(const struct args *);

enum daemon_state supervisor_state(void);
uint64_t supervisor_started_ms(void);      /* CLOCK_MONOTONIC */
uint32_t supervisor_loop_lag_max_ms(void); /* worst seen so far */
void supervisor_loop_lag(uint64_t out[static LOOP_LAG_CELLS]);
const struct daemon_settings *supervisor_settings(void);
const struct args *supervisor_args(void);
struct event_base *supervisor_base(void);
unsigned int supervisor_cpus(void); /* online; what workers = auto means */

/*
 * Take the settings of the config file: where to log and who to be. Called
 * before any worker is started.
 */
void supervisor_apply_settings(const struct daemon_settings *);

/* All required listeners answer: starting is over. */
void supervisor_enter_running(void);

/* Shutdown has begun. */
void supervisor_enter_stopping(void);

/* The code to exit with unless a worse one was set before. */
void supervisor_set_exit_code(int);

/* Everything is down: leave the loop. */
void supervisor_finish(void);

#endif /* MERCURY_SUPERVISOR_SUPERVISOR_H */
