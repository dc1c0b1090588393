#include <criterion/criterion.h>

#include "common/quota.h"

Test(quota, so_many_a_second)
{
	struct quota q = { 0 };
	unsigned int i;

	for (i = 0; i < 3; i++)
		cr_expect(quota_take(&q, 3, 5000 + i));
	cr_expect_not(quota_take(&q, 3, 5003));
	cr_expect_not(quota_take(&q, 3, 5999));
	for (i = 0; i < 3; i++)
		cr_expect(quota_take(&q, 3, 6000));
	cr_expect_not(quota_take(&q, 3, 6999));
}

Test(quota, what_is_not_used_is_not_saved)
{
	struct quota q = { 0 };

	cr_expect(quota_take(&q, 1, 10));
	cr_expect(quota_take(&q, 1, 100000));
	cr_expect_not(quota_take(&q, 1, 100001));
}

Test(quota, none_at_all)
{
	struct quota q = { 0 };

	cr_expect_not(quota_take(&q, 0, 5000));
}
