/*
 * reference: what the reference servers (reference.c) share.
 *
 * A kind owns what it makes of a connection; the loop knows it only as the
 * data of its events.
 */
#ifndef MERCURY_BENCH_REFERENCE_H
#define MERCURY_BENCH_REFERENCE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct reference {
	/* Takes a new connection, and watches it. */
	void (*opened)(int epoll, int fd);
	/* An event of something that was watched; never for NULL. */
	void (*happened)(void *data, uint32_t events);
	/* All events of a turn have been told: free what has ended. */
	void (*swept)(void);
};

extern const struct reference reference_echo;
extern const struct reference reference_proxy;

/* Where reference_proxy connects to, and how it moves bytes. */
void reference_proxy_to(uint16_t port, bool by_splice);

/* End this program because of what errno says. */
_Noreturn void reference_die(const char *what);

/* Have epoll tell of a descriptor; dies where that can't be. */
void reference_watch(int epoll, int fd, uint32_t events, void *data);

/* A port of this machine. */
struct sockaddr_in reference_address(uint16_t port);

/* Send small messages at once. */
void reference_nodelay(int fd);

#endif /* MERCURY_BENCH_REFERENCE_H */
