#include "fuzz/state.h"

uint64_t state_begin_zero[STATE_MARK];
uint64_t state_begin_data[STATE_MARK] = { 1 };
