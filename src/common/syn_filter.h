/*
 * syn_filter: lets the kernel drop new connection requests (SYN) to a TCP
 * socket that listens and is about to be emptied and closed. Without it, a
 * client that completes its handshake after the last accept would be reset;
 * with it, that one tries again a second later, and is refused then.
 */
#ifndef MERCURY_COMMON_SYN_FILTER_H
#define MERCURY_COMMON_SYN_FILTER_H

/* It acts on the socket, for all that have it. A failure is harmless. */
void syn_filter_add(int fd);

/* Let them in again; without a filter nothing happens. */
void syn_filter_remove(int fd);

#endif /* MERCURY_COMMON_SYN_FILTER_H */
