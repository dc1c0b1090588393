/* addr: numeric socket addresses to and from text; nothing is looked up. */
#ifndef MERCURY_COMMON_ADDR_H
#define MERCURY_COMMON_ADDR_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stdint.h>

/* Enough for "[ffff:...%scope]:65535" and its NUL. */
#define ADDR_TEXT_SIZE 80

union addr {
	struct sockaddr sa;
	struct sockaddr_storage storage;
};

/*
 * Make an address from numeric text ("::", "10.0.0.1", "fe80::1%3") and a
 * port in host order. Returns its length, or 0 when the text is no address.
 */
socklen_t addr_parse(const char *text, uint16_t port, union addr *out);

/* The port of an IPv4 or IPv6 address in host order; 0 for other families. */
uint16_t addr_port(const union addr *);

/*
 * The 16 bytes of an IPv4 or IPv6 address, without its port; IPv4 is mapped
 * into IPv6. Returns false, with all 0, for other families.
 */
bool addr_bytes(const union addr *, uint8_t out[static 16]);

/* The IPv6 address of such bytes, with a port in host order. */
void addr_make(const uint8_t bytes[static 16], uint16_t port, union addr *out);

/*
 * As addr_join(), of an IPv4 or IPv6 address; an IPv4 address that was mapped
 * into IPv6 is shown as what it is. Returns false for other families.
 */
bool addr_text(const union addr *, char out[static ADDR_TEXT_SIZE]);

/* "10.0.0.1:7007" or "[::1]:7007". */
void addr_join(const char *address, uint16_t port,
    char out[static ADDR_TEXT_SIZE]);

#endif /* MERCURY_COMMON_ADDR_H */
