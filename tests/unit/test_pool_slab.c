#include <criterion/criterion.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "pool/slab.h"

#define OBJECTS 1000

Test(slab, objects_are_zeroed_aligned_and_apart)
{
	struct slab s;
	unsigned char *objects[OBJECTS];
	size_t i, k;

	slab_init(&s, 37);
	for (i = 0; i < OBJECTS; i++) {
		objects[i] = slab_get(&s);
		cr_assert_not_null(objects[i]);
		cr_expect_eq((uintptr_t)objects[i] % _Alignof(max_align_t), 0);
		for (k = 0; k < 37; k++)
			cr_assert_eq(objects[i][k], 0);
		memset(objects[i], (int)(i % 255 + 1), 37);
	}
	for (i = 0; i < OBJECTS; i++)
		for (k = 0; k < 37; k++)
			cr_assert_eq(objects[i][k], i % 255 + 1);
	slab_clear(&s);
}

Test(slab, what_was_put_back_is_given_again_and_zeroed)
{
	struct slab s;
	unsigned char *a, *b;

	slab_init(&s, 1);
	a = slab_get(&s);
	memset(a, 0xff, s.size);
	slab_put(&s, a);
	b = slab_get(&s);
	cr_expect_eq(a, b);
	cr_expect_eq(b[0], 0);
	cr_expect_eq(b[s.size - 1], 0);
	slab_clear(&s);
}

Test(slab, can_be_used_after_clear)
{
	struct slab s;

	slab_init(&s, 500);
	cr_assert_not_null(slab_get(&s));
	slab_clear(&s);
	cr_assert_not_null(slab_get(&s));
	slab_clear(&s);
}
