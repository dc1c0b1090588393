#include "fuzz/state.h"

uint64_t state_end_zero[STATE_MARK];
uint64_t state_end_data[STATE_MARK] = { 1 };
