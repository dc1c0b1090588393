/*
 * config_scan: a first look at the text of a config file, before libConfuse
 * parses it. It finds what libConfuse takes without a word (a file that ends
 * within a block, a string or a comment), and it blanks out comments, after
 * which libConfuse counts lines wrongly. Pure.
 *
 * It knows the same tokens as libConfuse's lexer, and no grammar.
 */
#ifndef MERCURY_CONFIG_CONFIG_SCAN_H
#define MERCURY_CONFIG_CONFIG_SCAN_H

#include <stddef.h>

#include "common/err.h"

struct config_scan {
	unsigned int *block_lines; /* where each outermost block opens */
	size_t blocks;
};

/*
 * Scan len bytes of text and blank out its comments. Returns 0, or -1 with
 * *err and *line. Free *scan with config_scan_clear() in both cases.
 */
int config_scan(char *text, size_t len, struct config_scan *scan,
    unsigned int *line, struct err *err);

void config_scan_clear(struct config_scan *);

#endif /* MERCURY_CONFIG_CONFIG_SCAN_H */
