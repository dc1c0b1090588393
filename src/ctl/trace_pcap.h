/*
 * trace_pcap: what traced connections do, as the packets that may have
 * carried it. Pure.
 *
 * Their TCP headers are made up, but addresses, bytes and times are true: a
 * handshake where a connection is first seen, sequence numbers that follow the
 * bytes, so that lost ones are a gap, and FIN or RST at its end.
 */
#ifndef MERCURY_CTL_TRACE_PCAP_H
#define MERCURY_CTL_TRACE_PCAP_H

struct pcapng;
struct trace_note;
struct trace_pcap;

/* Packets go into out (borrowed for life). NULL when out of memory. */
struct trace_pcap *trace_pcap_new(struct pcapng *out);

/* Returns 0, or -1 when out of memory. */
int trace_pcap_add(struct trace_pcap *, const struct trace_note *);

/* The last: how much there was, and how much is missing. */
void trace_pcap_end(struct trace_pcap *);

/* Nulls *t; NULL is fine. */
void trace_pcap_free(struct trace_pcap **t);

#endif /* MERCURY_CTL_TRACE_PCAP_H */
