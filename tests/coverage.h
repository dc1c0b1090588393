/*
 * coverage: what a build with --enable-coverage includes before all else. The
 * counters of a process are written when it ends with exit(3); here also when
 * it ends with _exit(2). They start anew, for the process may be a child that
 * shares the memory of its parent.
 */
#ifndef MERCURY_TESTS_COVERAGE_H
#define MERCURY_TESTS_COVERAGE_H

#include <gcov.h>

/* That of stdlib.h, whose other names some sources have in other senses. */
extern _Noreturn void _Exit(int);

/* Takes the place of _exit(2), and its declaration in unistd.h. */
static inline _Noreturn void
coverage_exit(int code)
{
	__gcov_dump();
	__gcov_reset();
	_Exit(code);
}

#define _exit coverage_exit

#endif /* MERCURY_TESTS_COVERAGE_H */
