"""Listeners that share a pool: what they must have in common, and what is said
to whoever wants it otherwise."""

import os
import pwd
import unittest

import mercury
from mercury import answers, listener
from test_groups import group


class SharedPool(mercury.TestCase):
    def refused(self, d, word, **options):
        with self.assertRaises(mercury.RpcError) as caught:
            d.add("b", pool="x", **{"workers": 2, **options})
        self.assertEqual(caught.exception.reason, "invalid")
        self.assertIn(word, caught.exception.message)
        self.assertIn("pool", caught.exception.message)
        self.assertIsNone(d.listener("b"))

    def test_another_value_of_the_pool(self):
        d = self.started(listener("a", workers=2, pool="x"))
        self.refused(d, "workers: ", workers=3)
        self.refused(d, "max_restarts: ", max_restarts=3)
        self.refused(d, "max_seconds: ", max_seconds=3)
        self.refused(d, "hang_timeout: ", hang_timeout="3s")
        self.refused(d, "restart: ", restart="temporary")
        self.assertTrue(answers(d.add("b", pool="x", workers=2)["port"]))
        self.assertEqual(d.workers("a"), d.workers("b"))

    @unittest.skipUnless(mercury.ROOT, "only root may run workers as others")
    def test_another_user(self):
        """A new file wants one: of its own pools only."""
        d = self.started(listener("a", pool="y", user="bin"))
        d.add("b", pool="x")
        d.add("c", pool="y")
        old = d.workers("c")
        d.write(listener("d", pool="x", user="daemon"))
        with self.assertRaises(mercury.RpcError) as caught:
            d.call("daemon.reload")
        self.assertIn("user: pool x runs as the daemon's user",
                      caught.exception.message)
        self.assertIsNone(d.listener("d"))
        d.write(listener("d", pool="y", user="bin"))
        d.call("daemon.reload")
        self.assertEqual(d.workers("d"), old)
        d.write(listener("d", pool="y", user="daemon"))
        d.call("daemon.reload")
        self.assertEqual(d.workers("d"), d.workers("c"))
        for pid in d.workers("d"):
            self.assertEqual(os.stat(f"/proc/{pid}").st_uid,
                             pwd.getpwnam("daemon").pw_uid)

    def test_the_pool_of_a_group(self):
        d = self.started(group("g", "a", "c") + listener("a", pool="x")
                         + listener("c"))
        self.refused(d, "group g", workers=1)


if __name__ == "__main__":
    mercury.main()
