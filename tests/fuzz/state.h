/*
 * state: the static variables of a library, which are put back before each
 * input. They lie between two marks: libfuzz_begin.a and libfuzz_end.a stand
 * before and behind the library where the program is linked, and the linker
 * keeps that order.
 */
#ifndef MERCURY_TESTS_FUZZ_STATE_H
#define MERCURY_TESTS_FUZZ_STATE_H

#include <stdint.h>

#define STATE_MARK 16

extern uint64_t state_begin_zero[STATE_MARK], state_end_zero[STATE_MARK];
extern uint64_t state_begin_data[STATE_MARK], state_end_data[STATE_MARK];

/* The first time keep what they are; later make them that again. */
void state_restore(void);

#endif /* MERCURY_TESTS_FUZZ_STATE_H */
