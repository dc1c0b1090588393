#include "config/holder.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "config/proc.h"

/* States of a socket in /proc/net/tcp, and a flag in /proc/net/unix. */
#define STATE_TIME_WAIT 0x06
#define STATE_LISTEN 0x0a
#define FLAG_LISTENS 0x10000u

/* --- TCP --- */

/* An IPv4 address becomes a mapped one. */
static bool
to_in6(const char *address, struct in6_addr *out)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	union addr a;

	if (addr_parse(address, 0, &a) == 0)
		return false;
	if (a.sa.sa_family == AF_INET6) {
		memcpy(&in6, &a, sizeof(in6));
		*out = in6.sin6_addr;
		return true;
	}
	memcpy(&in, &a, sizeof(in));
	memset(out, 0, sizeof(*out));
	memset(&out->s6_addr[10], 0xff, 2);
	memcpy(&out->s6_addr[12], &in.sin_addr, 4);
	return true;
}

/* An address of /proc/net: words in hexadecimal, as they are in memory. */
static bool
hex_to_in6(const char *hex, struct in6_addr *out)
{
	const size_t words = strlen(hex) / 8;
	char word[9] = "";
	uint32_t value;
	size_t i;

	if (strlen(hex) % 8 != 0 || (words != 1 && words != 4))
		return false;
	memset(out, 0, sizeof(*out));
	if (words == 1)
		memset(&out->s6_addr[10], 0xff, 2);
	for (i = 0; i < words; i++) {
		memcpy(word, hex + i * 8, 8);
		value = (uint32_t)strtoul(word, NULL, 16);
		memcpy(&out->s6_addr[(i + 4 - words) * 4], &value, 4);
	}
	return true;
}

/* Has it nothing to do with IPv6? */
static bool
is_v4(const struct in6_addr *a)
{
	return IN6_IS_ADDR_V4MAPPED(a);
}

/* All addresses of its family; and :: takes IPv4, too. */
static bool
covers(const struct in6_addr *wide, const struct in6_addr *a)
{
	static const unsigned char any[4];

	if (IN6_IS_ADDR_UNSPECIFIED(wide))
		return true;
	return is_v4(wide) && memcmp(&wide->s6_addr[12], any, 4) == 0 &&
	    (is_v4(a) || IN6_IS_ADDR_UNSPECIFIED(a));
}

bool
holder_row_matches(const char *row, const struct msg_config_find_holder *place,
    unsigned long long *inode, bool *listening)
{
	struct in6_addr ours, its;
	unsigned int port, state;
	char hex[33];

	if (sscanf(row,
		" %*u: %32[0-9A-Fa-f]:%4x %*[0-9A-Fa-f]:%*x %2x %*x:%*x "
		"%*x:%*x %*x %*u %*u %llu",
		hex, &port, &state, inode) != 4)
		return false;
	if (port != place->port || state == STATE_TIME_WAIT || *inode == 0 ||
	    !to_in6(place->address, &ours) || !hex_to_in6(hex, &its))
		return false;
	*listening = state == STATE_LISTEN;
	return IN6_ARE_ADDR_EQUAL(&ours, &its) || covers(&ours, &its) ||
	    covers(&its, &ours);
}

/* A socket that listens, else any other; 0: there is none. */
static unsigned long long
find_tcp_in(const char *table, const struct msg_config_find_holder *place,
    bool *listening)
{
	FILE *f = fopen(table, "re");
	unsigned long long inode, found = 0;
	char *row = NULL;
	size_t room = 0;

	*listening = false;
	if (f == NULL)
		return 0;
	while (!*listening && getline(&row, &room, f) > 0)
		if (holder_row_matches(row, place, &inode, listening))
			found = inode;
	free(row);
	(void)fclose(f);
	return found;
}

static unsigned long long
find_tcp(const struct msg_config_find_holder *place)
{
	bool listening, listening6;
	const unsigned long long inode =
	    find_tcp_in("/proc/net/tcp", place, &listening);
	const unsigned long long inode6 =
	    listening ? 0 : find_tcp_in("/proc/net/tcp6", place, &listening6);

	if (listening || inode6 == 0)
		return inode;
	return listening6 || inode == 0 ? inode6 : inode;
}

/* --- Unix --- */

static unsigned long long
find_unix(const char *path)
{
	FILE *f = fopen("/proc/net/unix", "re");
	unsigned long long inode, found = 0;
	unsigned int flags;
	char *row = NULL;
	size_t room = 0;
	int at;

	if (f == NULL)
		return 0;
	while (found == 0 && getline(&row, &room, f) > 0) {
		at = 0;
		row[strcspn(row, "\n")] = '\0';
		if (sscanf(row, "%*x: %*x %*x %x %*x %*x %llu %n", &flags,
			&inode, &at) == 2 &&
		    (flags & FLAG_LISTENS) && at > 0 &&
		    strcmp(row + at, path) == 0)
			found = inode;
	}
	free(row);
	(void)fclose(f);
	return found;
}

/* --- whose socket is it? --- */

struct search {
	unsigned long long inode;
	uint64_t start; /* of the process in pid */
	pid_t pid;
};

static bool
look_at(void *ctx, pid_t pid)
{
	struct search *s = ctx;
	uint64_t start;

	if (!proc_has_socket(pid, s->inode))
		return true;
	start = proc_start(pid);
	if (start < s->start) {
		s->start = start;
		s->pid = pid;
	}
	return true;
}

void
holder_find(const struct msg_config_find_holder *place,
    struct msg_holder *holder)
{
	struct search s = { .start = UINT64_MAX };

	memset(holder, 0, sizeof(*holder));
	s.inode =
	    place->path[0] != '\0' ? find_unix(place->path) : find_tcp(place);
	if (s.inode == 0)
		return;
	proc_each(look_at, &s);
	if (s.pid == 0)
		return;
	holder->pid = (uint32_t)s.pid;
	proc_name(s.pid, holder->name);
}
