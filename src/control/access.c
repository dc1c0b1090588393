#include "control/access.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>

/* Enough for most users; the kernel tells when it is not. */
#define GROUPS_FIRST 64

static bool
is_member(const struct access_peer *p, gid_t gid)
{
	size_t i;

	if (gid == (gid_t)-1)
		return false;
	if (p->gid == gid)
		return true;
	for (i = 0; i < p->group_count; i++)
		if (p->groups[i] == gid)
			return true;
	return false;
}

enum right
access_decide(const struct access_rules *r, const struct access_peer *p)
{
	if (p->uid == 0 || p->uid == r->uid || is_member(p, r->control_gid))
		return RIGHT_DO;
	return is_member(p, r->readers_gid) ? RIGHT_LOOK : RIGHT_NONE;
}

/* The supplementary groups of the peer, for free(). */
static gid_t *
peer_groups(int fd, size_t *count, struct err *err)
{
	socklen_t len = GROUPS_FIRST * sizeof(gid_t);
	gid_t *groups = NULL, *bigger;
	int attempt;

	for (attempt = 0; attempt < 2; attempt++) {
		bigger = realloc(groups, len);
		if (bigger == NULL)
			break;
		groups = bigger;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) ==
		    0) {
			*count = len / sizeof(gid_t);
			return groups;
		}
		if (errno != ERANGE)
			break;
	}
	(void)err_sys(err, "asking for the groups of a client");
	free(groups);
	return NULL;
}

int
access_check(int fd, const struct access_rules *rules, enum right *right,
    bool *is_root, struct err *err)
{
	struct access_peer peer = { 0 };
	struct ucred cred;
	socklen_t len = sizeof(cred);
	gid_t *groups;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		return err_sys(err, "asking who a client is");
	groups = peer_groups(fd, &peer.group_count, err);
	if (groups == NULL)
		return -1;
	peer.uid = cred.uid;
	peer.gid = cred.gid;
	peer.groups = groups;
	*right = access_decide(rules, &peer);
	*is_root = cred.uid == 0;
	free(groups);
	return 0;
}
