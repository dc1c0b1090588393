/*
 * proxy_write: makes a header of the PROXY protocol, with which an upstream is
 * told whose connection it gets. Pure; the reader is pool/proxy_header.h.
 */
#ifndef MERCURY_PROXY_PROXY_WRITE_H
#define MERCURY_PROXY_PROXY_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "pool/proxy_header.h"

/*
 * Write the header that says what h does into out; version 1 or 2 as it says
 * there. Returns its length in bytes. Version 1 has no words for UNIX and
 * LOCAL, which become UNKNOWN, nor for what only TLVs can say. Texts are
 * written as they are, and cut where the protocol has no room for them; empty
 * ones are left out. With has_checksum it gets one.
 */
size_t proxy_write(const struct proxy_header *h,
    uint8_t out[static PROXY_V2_MAX]);

#endif /* MERCURY_PROXY_PROXY_WRITE_H */
