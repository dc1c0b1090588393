#include "ctl/packet.h"

#include <stdbool.h>
#include <string.h>

#define PROTOCOL_TCP 6
#define TTL 64
#define WINDOW_SHIFT 7
#define MSS 65475u
#define IP4_SIZE 20u
#define IP6_SIZE 40u
#define TCP_SIZE 20u
#define SYN_OPTIONS_SIZE 8u

static void
put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void
put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static bool
is_v4(const struct packet_end *e)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(e->address, mapped, sizeof(mapped)) == 0;
}

/* The sum of RFC 1071, before it is folded. */
static uint64_t
add_up(uint64_t sum, const uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint64_t)bytes[i] << 8 | bytes[i + 1];
	if (len % 2 != 0)
		sum += (uint64_t)bytes[len - 1] << 8;
	return sum;
}

static uint16_t
fold(uint64_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static size_t
put_ip4(const struct packet *p, size_t tcp_len, uint8_t *out)
{
	memset(out, 0, IP4_SIZE);
	out[0] = 0x45;
	put16(out + 2, IP4_SIZE + tcp_len);
	out[6] = 0x40; /* don't fragment */
	out[8] = TTL;
	out[9] = PROTOCOL_TCP;
	memcpy(out + 12, p->from->address + 12, 4);
	memcpy(out + 16, p->to->address + 12, 4);
	put16(out + 10, fold(add_up(0, out, IP4_SIZE)));
	return IP4_SIZE;
}

static size_t
put_ip6(const struct packet *p, size_t tcp_len, uint8_t *out)
{
	memset(out, 0, IP6_SIZE);
	out[0] = 0x60;
	put16(out + 4, tcp_len);
	out[6] = PROTOCOL_TCP;
	out[7] = TTL;
	memcpy(out + 8, p->from->address, 16);
	memcpy(out + 24, p->to->address, 16);
	return IP6_SIZE;
}

static void
put_tcp(const struct packet *p, size_t size, uint8_t *out)
{
	memset(out, 0, size);
	put16(out, p->from->port);
	put16(out + 2, p->to->port);
	put32(out + 4, p->seq);
	put32(out + 8, p->ack);
	out[12] = (uint8_t)(size / 4 << 4);
	out[13] = (uint8_t)p->flags;
	put16(out + 14, 65535);
	if (size == TCP_SIZE)
		return;
	out[20] = 2; /* MSS */
	out[21] = 4;
	put16(out + 22, MSS);
	out[24] = 1; /* nothing */
	out[25] = 3; /* window scale */
	out[26] = 3;
	out[27] = WINDOW_SHIFT;
}

/* Of the TCP header at tcp, and the data; with what stands for the IP header.
 */
static uint16_t
tcp_sum(const struct packet *p, const uint8_t *tcp, size_t size, bool v4)
{
	const size_t skip = v4 ? 12 : 0;
	uint64_t sum = PROTOCOL_TCP + size + p->len;

	sum = add_up(sum, p->from->address + skip, 16 - skip);
	sum = add_up(sum, p->to->address + skip, 16 - skip);
	sum = add_up(sum, tcp, size);
	return fold(add_up(sum, p->data, p->len));
}

size_t
packet_head(const struct packet *p, uint8_t out[static PACKET_HEAD_MAX])
{
	const bool v4 = is_v4(p->from) && is_v4(p->to);
	const size_t size =
	    TCP_SIZE + (p->flags & PACKET_SYN ? SYN_OPTIONS_SIZE : 0);
	const size_t ip = v4 ? put_ip4(p, size + p->len, out)
			     : put_ip6(p, size + p->len, out);

	put_tcp(p, size, out + ip);
	put16(out + ip + 16, tcp_sum(p, out + ip, size, v4));
	return ip + size;
}
