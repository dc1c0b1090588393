#include "common/syn_filter.h"

#include <sys/socket.h>

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

/* Offset and bit of SYN in a TCP header (RFC 9293, 3.1). */
#define TCP_FLAGS_OFFSET 13
#define TCP_FLAG_SYN 0x02

void
syn_filter_add(int fd)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TCP_FLAGS_OFFSET),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, TCP_FLAG_SYN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),          /* drop */
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX), /* keep all of it */
	};
	const struct sock_fprog program = { .len = 4, .filter = code };

	(void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
	    sizeof(program));
}

void
syn_filter_remove(int fd)
{
	const int unused = 0; /* but the kernel wants one */

	(void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused,
	    sizeof(unused));
}
