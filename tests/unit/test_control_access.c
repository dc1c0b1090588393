#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "control/access.h"

#define DAEMON_USER 100
#define CONTROL 200
#define READERS 300
#define NONE ((gid_t)-1)

struct access_case {
	uid_t uid;
	gid_t gid;
	gid_t groups[3];
	size_t count;
	gid_t control;
	gid_t readers;
	enum right want;
};

ParameterizedTestParameters(access, decides)
{
	static struct access_case cases[] = {
		{ 0, 0, { 0 }, 0, CONTROL, READERS, RIGHT_DO },
		{ 0, 0, { 0 }, 0, NONE, NONE, RIGHT_DO },
		{ DAEMON_USER, 5, { 0 }, 0, NONE, NONE, RIGHT_DO },
		{ 7, CONTROL, { 0 }, 0, CONTROL, READERS, RIGHT_DO },
		{ 7, 5, { 1, 2, CONTROL }, 3, CONTROL, READERS, RIGHT_DO },
		{ 7, READERS, { 0 }, 0, CONTROL, READERS, RIGHT_LOOK },
		{ 7, 5, { READERS, 2 }, 2, CONTROL, READERS, RIGHT_LOOK },
		{ 7, 5, { READERS, CONTROL }, 2, CONTROL, READERS, RIGHT_DO },
		{ 7, 5, { 1, 2, 3 }, 3, CONTROL, READERS, RIGHT_NONE },
		{ 7, 5, { 1, 2, CONTROL }, 2, CONTROL, READERS, RIGHT_NONE },
		{ 7, NONE, { NONE }, 1, NONE, NONE, RIGHT_NONE },
		{ CONTROL, 5, { 0 }, 0, CONTROL, READERS, RIGHT_NONE },
	};

	return cr_make_param_array(struct access_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct access_case *k, access, decides)
{
	const struct access_rules rules = { DAEMON_USER, k->control,
		k->readers };
	const struct access_peer peer = { k->uid, k->gid, k->groups, k->count };

	cr_expect_eq(access_decide(&rules, &peer), k->want,
	    "uid %u, gid %u: %d", k->uid, k->gid,
	    (int)access_decide(&rules, &peer));
}
