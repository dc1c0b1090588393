/*
 * page: the dashboard, as the bytes to send. src/gateway/page.c is made of
 * src/gateway/dashboard.html when the program is built. All are constants.
 */
#ifndef MERCURY_GATEWAY_PAGE_H
#define MERCURY_GATEWAY_PAGE_H

#include <stddef.h>

/* The page, in UTF-8; no NUL behind it. */
extern const unsigned char page_html[];
extern const size_t page_html_len; /* in bytes */

/*
 * The value of its Content-Security-Policy header. It allows the page's own
 * style and script, by their hashes, and requests to where it came from.
 */
extern const char page_csp[];

#endif /* MERCURY_GATEWAY_PAGE_H */
