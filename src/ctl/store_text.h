/* store_text: how the store is, in a line. Pure. */
#ifndef MERCURY_CTL_STORE_TEXT_H
#define MERCURY_CTL_STORE_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * Print "store: running, 1,234 events written, 5 dropped", and what is wrong
 * with it; nothing where store is no object.
 */
void store_text(FILE *, const json_t *store, bool colour);

/* Is there nothing that somebody has to look at? */
bool store_text_is_well(const json_t *store);

#endif /* MERCURY_CTL_STORE_TEXT_H */
