/* packet: the IP and TCP header of a segment, as on the wire. Pure. */
#ifndef MERCURY_CTL_PACKET_H
#define MERCURY_CTL_PACKET_H

#include <stddef.h>
#include <stdint.h>

/* One end: IPv4 is mapped into IPv6; the port is in host order. */
struct packet_end {
	uint8_t address[16];
	uint16_t port;
};

#define PACKET_FIN 0x01u
#define PACKET_SYN 0x02u
#define PACKET_RST 0x04u
#define PACKET_PSH 0x08u
#define PACKET_ACK 0x10u

struct packet {
	const struct packet_end *from;
	const struct packet_end *to;
	uint32_t seq;
	uint32_t ack;
	unsigned int flags;  /* a SYN has options: MSS, window scale */
	const uint8_t *data; /* NULL when len is 0 */
	size_t len;          /* at most PACKET_DATA_MAX */
};

#define PACKET_HEAD_MAX 68u
#define PACKET_DATA_MAX 32768u

/* So many bytes may be on their way unacknowledged. */
#define PACKET_WINDOW_BYTES (65535u << 7)

/*
 * Write the headers, with lengths and checksums that are right: IPv4 when both
 * ends are. Returns how many bytes they are.
 */
size_t packet_head(const struct packet *, uint8_t out[static PACKET_HEAD_MAX]);

#endif /* MERCURY_CTL_PACKET_H */
