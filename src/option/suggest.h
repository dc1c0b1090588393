/* suggest: the known word that a misspelt one was meant to be. Pure. */
#ifndef MERCURY_OPTION_SUGGEST_H
#define MERCURY_OPTION_SUGGEST_H

#include <stddef.h>

/*
 * The one of count words that is nearest to word: at most a third of its
 * letters are wrong, missing, too many or swapped, or it is the beginning of
 * the known word. Returns NULL when nothing is near.
 */
const char *suggest(const char *word, const char *const *words, size_t count);

#endif /* MERCURY_OPTION_SUGGEST_H */
