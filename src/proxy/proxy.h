/*
 * proxy: the protocol that connects each device to an upstream and passes the
 * bytes on, both ways.
 *
 * Not a byte is read from the device before its upstream is there. What ends
 * one side ends the other in the same way: the end of the stream, after which
 * the other direction goes on, or a reset.
 */
#ifndef MERCURY_PROXY_PROXY_H
#define MERCURY_PROXY_PROXY_H

#include "pool/protocol.h"

/* It wants BULK_PROTOCOL_PLAN to be a struct proxy_plan. */
extern const struct protocol protocol_proxy;

#endif /* MERCURY_PROXY_PROXY_H */
