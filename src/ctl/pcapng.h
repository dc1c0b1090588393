/*
 * pcapng: a capture file as Wireshark reads it, made block by block in
 * memory. Pure.
 */
#ifndef MERCURY_CTL_PCAPNG_H
#define MERCURY_CTL_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was made and not taken yet. All zero: empty. */
struct pcapng {
	uint8_t *bytes;
	size_t len;
	size_t size;
	bool failed; /* out of memory: something is missing */
};

/*
 * The head of a file of packets that begin with an IP header. application
 * made it; interface says what was captured.
 */
void pcapng_begin(struct pcapng *, const char *application,
    const char *interface);

struct pcapng_packet {
	uint64_t at_us; /* since 1970 */
	const uint8_t *head;
	size_t head_len;
	const uint8_t *data; /* behind it; NULL when data_len is 0 */
	size_t data_len;
	const char *comment; /* NULL: none */
};

/* One packet; all is borrowed. */
void pcapng_add(struct pcapng *, const struct pcapng_packet *);

/* The last block: what was captured, and what was not. */
void pcapng_statistics(struct pcapng *, uint64_t at_us, uint64_t captured,
    uint64_t dropped);

/* All was taken: begin at the front. */
void pcapng_clear(struct pcapng *);

/* Free what it has. */
void pcapng_free(struct pcapng *);

#endif /* MERCURY_CTL_PCAPNG_H */
