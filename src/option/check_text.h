/* check_text: bytes of a health check as text with escapes, and back. Pure. */
#ifndef MERCURY_OPTION_CHECK_TEXT_H
#define MERCURY_OPTION_CHECK_TEXT_H

#include "common/err.h"
#include "common/proxy_plan.h"

/* Room for the text of any bytes, with its NUL. */
#define CHECK_TEXT_WRITTEN (CHECK_TEXT_SIZE * 4 + 1)

/*
 * Read text, in which \r, \n, \t, \\ and \xHH stand for a byte; all other
 * bytes stand for themselves. Returns 0, or -1 with *err.
 */
int check_text_parse(const char *text, struct check_text *out, struct err *err);

/* Write the bytes as printable ASCII that check_text_parse() reads. */
void check_text_format(const struct check_text *,
    char out[static CHECK_TEXT_WRITTEN]);

#endif /* MERCURY_OPTION_CHECK_TEXT_H */
