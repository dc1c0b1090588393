/*
 * proxy_header: reads the header of the PROXY protocol, version 1 or 2, with
 * which a load balancer says whose connection it passes on. Pure: bytes in, in
 * pieces of any size, values out; a struct proxy_reader belongs to its caller.
 *
 * What the protocol leaves open is decided here: a known TLV that comes twice
 * (but NOOP) is an error, as two readers could take different ones; UDP is
 * UNKNOWN; of a LOCAL header's block only the checksum is looked at, and where
 * that block holds no TLVs it is skipped.
 */
#ifndef MERCURY_POOL_PROXY_HEADER_H
#define MERCURY_POOL_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* Longest header: a line of version 1, with its CR LF; a whole version 2. */
#define PROXY_V1_MAX 107
/*
 * All addresses and all known TLVs, each as long as it can be, have less than
 * 1,800 bytes; the protocol wants headers to fit into 536.
 */
#define PROXY_V2_MAX 2048

enum proxy_which { PROXY_ANY, PROXY_V1, PROXY_V2 };

enum proxy_result {
	PROXY_MORE, /* all bytes were taken, the header goes on */
	PROXY_DONE,
	PROXY_BAD,
};

enum proxy_kind {
	PROXY_LOCAL,   /* a check of the sender's own */
	PROXY_UNKNOWN, /* it can't say whose; both: the socket's peer it is */
	PROXY_TCP4,
	PROXY_TCP6,
	PROXY_UNIX,
};

/*
 * Texts are as printable.h makes them, "" when there was nothing. A value that
 * does not fit is an error, but those of what is printable always do.
 */
#define PROXY_TEXT_SIZE 257
#define PROXY_ID_SIZE (4 * 128 + 1)
#define PROXY_PATH_SIZE (4 * 108 + 1)

struct proxy_end {
	uint8_t address[16]; /* TCP4: mapped into IPv6; all 0 without one */
	uint16_t port;
	char path[PROXY_PATH_SIZE]; /* UNIX: "@..." is an abstract name */
};

/* enum proxy_client bits of struct proxy_ssl. */
enum proxy_client {
	PROXY_CLIENT_SSL = 0x01,
	PROXY_CLIENT_CERT_CONN = 0x02, /* has sent a certificate */
	PROXY_CLIENT_CERT_SESS = 0x04, /* had, when the session began */
};

/* TLS between the client and the sender. */
struct proxy_ssl {
	bool is_present;
	uint8_t client;
	uint32_t verify; /* 0: no certificate, or a good one */
	char version[PROXY_TEXT_SIZE];
	char cn[PROXY_TEXT_SIZE];
	char cipher[PROXY_TEXT_SIZE];
	char sig_alg[PROXY_TEXT_SIZE];
	char key_alg[PROXY_TEXT_SIZE];
};

struct proxy_header {
	enum proxy_kind kind;
	uint8_t version;
	bool has_checksum; /* it had one, and the right one */
	struct proxy_end source;
	struct proxy_end destination;
	char alpn[PROXY_TEXT_SIZE];
	char authority[PROXY_TEXT_SIZE];
	char netns[PROXY_TEXT_SIZE];
	char unique_id[PROXY_ID_SIZE];
	struct proxy_ssl ssl;
};

/* Zeroed, it is ready for any version. */
struct proxy_reader {
	enum proxy_which which; /* only these are taken; the caller's to set */
	uint16_t have;          /* bytes in data */
	uint16_t need;          /* version 2: of all; 0: not known yet */
	uint8_t data[PROXY_V2_MAX];
};

/*
 * Read on: *len bytes at data (1 or more) follow what the reader has. *len
 * becomes how many of them belong to the header; the rest is left to who reads
 * next. DONE: *out is filled, and only then. BAD: *e says what is wrong, and
 * *len nothing. The reader is not to be used after DONE or BAD.
 */
enum proxy_result proxy_read(struct proxy_reader *, const uint8_t *data,
    size_t *len, struct proxy_header *out, struct err *e);

#endif /* MERCURY_POOL_PROXY_HEADER_H */
