"""update-listener: what can change does so for new connections at once."""

import mercury
from mercury import answers, ask, connect, keepalive_timer


class Update(mercury.TestCase):
    def setUp(self):
        super().setUp()
        self.d = self.started()
        self.port = self.d.add("a", workers=2, keepalive="60s/10s/3")["port"]
        self.workers = self.d.workers("a")

    def update(self, *pairs):
        result = self.d.ctl("update-listener", "a", *pairs)
        self.assertEqual(result.code, 0, result)
        self.assertEqual(self.d.workers("a"), self.workers)

    def new_timers(self):
        """The keepalive timers of enough connections to meet each worker."""
        sockets = [connect(self.port) for _ in range(12)]
        for s in sockets:
            self.assertEqual(ask(s, b"x"), b"x")
        timers = [keepalive_timer(s) for s in sockets]
        for s in sockets:
            s.close()
        return timers

    def test_keepalive(self):
        old = connect(self.port)
        self.assertEqual(ask(old, b"x"), b"x")
        for value in self.new_timers():
            self.assertTrue(40 < value <= 60, value)
        self.update("keepalive=30s/5s/2")
        for value in self.new_timers():
            self.assertTrue(10 < value <= 30, value)
        self.assertGreater(keepalive_timer(old), 30, "open connections stay as they are")
        self.update("keepalive=off")
        self.assertEqual(set(self.new_timers()), {None})
        self.update("keepalive=600s/10s/3")
        for value in self.new_timers():
            self.assertTrue(500 < value <= 600, value)
        old.close()

    def test_survives_a_crash_of_the_worker(self):
        self.update("keepalive=30s/5s/2")
        for pid in self.workers:
            mercury.kill(pid)
        mercury.wait_until(
            lambda: self.d.listener("a")["state"] == "listening"
            and not set(self.d.workers("a")) & set(self.workers), "replaced")
        for value in self.new_timers():
            self.assertTrue(10 < value <= 30, value)

    def test_several_at_once(self):
        self.update("nodelay=false", "backlog=16", "drain_timeout=1s")
        self.assertTrue(answers(self.port))
        self.assertEqual(self.backlogs(), {"16"})

    def backlogs(self):
        out = mercury.run(["ss", "-Hltn", f"sport = :{self.port}"]).out
        return {line.split()[2] for line in out.splitlines()}

    def test_drain_timeout_counts_at_removal(self):
        self.update("drain_timeout=100ms")
        s = connect(self.port)
        self.assertEqual(ask(s, b"x"), b"x")
        result = self.d.ctl("--json", "remove-listener", "a", timeout=8)
        self.assertEqual(result.json()["cut"], 1)
        s.close()

    def test_what_is_bound_says_so(self):
        for pair in ("port=1", "address=::1", "workers=5", "pool=other",
                     "protocol=discard", "path=/tmp/x"):
            with self.subTest(pair=pair):
                name = pair.partition("=")[0]
                result = self.d.ctl("update-listener", "a", pair)
                self.assertEqual(result.code, 1, result)
                self.assertIn(name, result.err)
        # All or nothing.
        result = self.d.ctl("update-listener", "a", "keepalive=off",
                            "workers=5")
        self.assertEqual(result.code, 1, result)
        self.assertNotIn(None, self.new_timers())

    def test_same_value_is_no_change(self):
        self.update("port=0", "protocol=echo", "workers=2", "pool=a",
                    "address=127.0.0.1")

    def test_bad_input(self):
        for pair, word in (("backlog=0", "backlog"), ("colour=red", "colour"),
                           ("keepalive=often", "keepalive")):
            result = self.d.ctl("update-listener", "a", pair)
            self.assertEqual(result.code, 1, result)
            self.assertIn(word, result.err)
        result = self.d.ctl("update-listener", "unknown", "backlog=5")
        self.assertEqual(result.code, 1, result)
        self.assertIn("unknown", result.err)

    def test_save(self):
        d = self.d
        port = mercury.free_port()
        result = d.ctl("add-listener", "s", f"port={port}", "workers=1",
                       "address=127.0.0.1", "protocol=echo", "--save")
        self.assertEqual(result.code, 0, result)
        result = d.ctl("update-listener", "s", "backlog=9", "--save")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(d.stop(), 0)
        d.start()
        self.assertTrue(answers(port))
        self.port = port
        self.assertEqual(self.backlogs(), {"9"})



class OtherTransport(mercury.TestCase):
    """What means nothing for a listener is refused, not just written down."""

    def refuse(self, d, name, *pairs):
        result = d.ctl("update-listener", name, *pairs)
        self.assertEqual(result.code, 1, result)
        self.assertIn(pairs[0].partition("=")[0] + ": ", result.err)
        self.assertIn("path", result.err)

    def test_saved_it_would_keep_the_next_start_away(self):
        d = self.started()
        for name, options in (("u", {"path": d.dir + "/u.sock"}), ("t", {})):
            words = [f"{k}={v}"
                     for k, v in mercury.with_defaults(options).items()]
            result = d.ctl("add-listener", name, *words, "--save")
            self.assertEqual(result.code, 0, result)
        for pair in ("nodelay=off", "nodelay=on", "keepalive=60s/10s/3",
                     "port=0", "address=::"):
            self.refuse(d, "u", pair, "--save")
        for pair in ("mode=0660", "mode=0600", "owner=0", "group=0",
                     "path=/x"):
            self.refuse(d, "t", pair, "--save")
        with self.assertRaises(mercury.RpcError) as caught:
            d.call("listener.update", name="u", nodelay=False, save=True)
        self.assertEqual(caught.exception.reason, "invalid")
        self.assertEqual(d.ctl("update-listener", "u", "backlog=5",
                               "--save").code, 0)
        self.assertEqual(d.run("-t").code, 0)
        self.assertEqual(d.ctl("reload").code, 0)
        self.assertEqual(d.stop(), 0)
        d.start()
        self.assertTrue(answers(d.dir + "/u.sock"))
        self.assertTrue(answers(d.port("t")))

    def test_the_port_that_the_kernel_chose(self):
        d = self.started()
        port = d.add("a")["port"]
        for pair in (f"port={port}", "port=0"):
            result = d.ctl("update-listener", "a", pair, "backlog=9")
            self.assertEqual(result.code, 0, result)
        self.assertEqual(d.port("a"), port)
        result = d.ctl("update-listener", "a", f"port={port + 1}")
        self.assertEqual(result.code, 1, result)


if __name__ == "__main__":
    mercury.main()
