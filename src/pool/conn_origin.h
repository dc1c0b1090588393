/*
 * conn_origin: what a proxy in front has said of a connection (PROXY
 * protocol), as far as it is kept while the connection lasts.
 */
#ifndef MERCURY_POOL_CONN_ORIGIN_H
#define MERCURY_POOL_CONN_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

struct proxy_header;

/* The texts are in it, and empty where nothing was said; printable.h. */
struct conn_origin {
	bool has_address; /* of the real peer; source and destination are set */
	uint16_t source_port;
	uint16_t destination_port;
	uint8_t source[16]; /* as addr_bytes() makes them */
	uint8_t destination[16];
	const char *authority;
	const char *alpn;
	const char *unique_id;
	const char *tls_version; /* between the peer and the proxy */
	const char *tls_cipher;
	const char *tls_name; /* common name of the peer's certificate */
	char text[];
};

/* Made of a header; to be freed with free(3). NULL when out of memory. */
struct conn_origin *conn_origin_new(const struct proxy_header *);

#endif /* MERCURY_POOL_CONN_ORIGIN_H */
