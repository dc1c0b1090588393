#include "ctl/pcapng.h"

#include <stdlib.h>
#include <string.h>

/* What the draft "PCAP Next Generation (pcapng) Capture File Format" has. */
#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_STATISTICS 5u
#define BLOCK_PACKET 6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINKTYPE_RAW 101u
#define OPTION_END 0u
#define OPTION_COMMENT 1u
#define OPTION_APPLICATION 4u
#define OPTION_INTERFACE_NAME 2u
#define OPTION_CAPTURED 4u
#define OPTION_DROPPED 5u
#define OPTION_BYTES_MAX 65535u

static void
put(struct pcapng *p, const void *bytes, size_t len)
{
	size_t size = p->size == 0 ? 65536 : p->size;
	uint8_t *more;

	while (size - p->len < len)
		size *= 2;
	if (size != p->size) {
		more = realloc(p->bytes, size);
		if (more == NULL) {
			p->failed = true;
			return;
		}
		p->bytes = more;
		p->size = size;
	}
	if (len > 0)
		memcpy(p->bytes + p->len, bytes, len);
	p->len += len;
}

static void
put16(struct pcapng *p, uint16_t value)
{
	put(p, &value, sizeof(value));
}

static void
put32(struct pcapng *p, uint32_t value)
{
	put(p, &value, sizeof(value));
}

/* The high half comes first, whatever the byte order is. */
static void
put_time(struct pcapng *p, uint64_t at_us)
{
	put32(p, (uint32_t)(at_us >> 32));
	put32(p, (uint32_t)at_us);
}

/* Fill up to a multiple of four behind len bytes. */
static void
put_padding(struct pcapng *p, size_t len)
{
	put(p, "\0\0\0", (4 - len % 4) % 4);
}

static void
put_option(struct pcapng *p, uint16_t code, const void *value, size_t len)
{
	if (len > OPTION_BYTES_MAX)
		len = OPTION_BYTES_MAX;
	put16(p, code);
	put16(p, (uint16_t)len);
	put(p, value, len);
	put_padding(p, len);
}

static void
put_text(struct pcapng *p, uint16_t code, const char *text)
{
	put_option(p, code, text, strlen(text));
}

/* Returns where the block starts. */
static size_t
begin_block(struct pcapng *p, uint32_t type)
{
	const size_t start = p->len;

	put32(p, type);
	put32(p, 0);
	return start;
}

/* Its length stands at both ends. */
static void
end_block(struct pcapng *p, size_t start)
{
	const uint32_t len = (uint32_t)(p->len + 4 - start);

	put32(p, len);
	if (p->failed)
		p->len = start; /* half a block would spoil the file */
	else
		memcpy(p->bytes + start + 4, &len, sizeof(len));
}

static void
end_options(struct pcapng *p)
{
	put_option(p, OPTION_END, NULL, 0);
}

void
pcapng_begin(struct pcapng *p, const char *application, const char *interface)
{
	const uint64_t unknown_length = UINT64_MAX;
	size_t start;

	start = begin_block(p, BLOCK_SECTION);
	put32(p, BYTE_ORDER_MAGIC);
	put16(p, 1);
	put16(p, 0);
	put(p, &unknown_length, sizeof(unknown_length));
	put_text(p, OPTION_APPLICATION, application);
	end_options(p);
	end_block(p, start);

	start = begin_block(p, BLOCK_INTERFACE);
	put16(p, LINKTYPE_RAW);
	put16(p, 0);
	put32(p, 0); /* packets are not cut; times are in microseconds */
	put_text(p, OPTION_INTERFACE_NAME, interface);
	end_options(p);
	end_block(p, start);
}

void
pcapng_add(struct pcapng *p, const struct pcapng_packet *packet)
{
	const size_t len = packet->head_len + packet->data_len;
	const size_t start = begin_block(p, BLOCK_PACKET);

	put32(p, 0); /* the interface */
	put_time(p, packet->at_us);
	put32(p, (uint32_t)len);
	put32(p, (uint32_t)len);
	put(p, packet->head, packet->head_len);
	put(p, packet->data, packet->data_len);
	put_padding(p, len);
	if (packet->comment != NULL) {
		put_text(p, OPTION_COMMENT, packet->comment);
		end_options(p);
	}
	end_block(p, start);
}

void
pcapng_statistics(struct pcapng *p, uint64_t at_us, uint64_t captured,
    uint64_t dropped)
{
	const size_t start = begin_block(p, BLOCK_STATISTICS);

	put32(p, 0);
	put_time(p, at_us);
	put_option(p, OPTION_CAPTURED, &captured, sizeof(captured));
	put_option(p, OPTION_DROPPED, &dropped, sizeof(dropped));
	end_options(p);
	end_block(p, start);
}

void
pcapng_clear(struct pcapng *p)
{
	p->len = 0;
}

void
pcapng_free(struct pcapng *p)
{
	free(p->bytes);
	memset(p, 0, sizeof(*p));
}
