"""What is asked for at the wrong moment, or more of it than there can be."""

import os
import signal
import socket

import mercury
import supervising
from certs import Certificates
from mercury import ask, connect, free_port, kill, listener, wait_until
from supervising import Background, Moods, wait_state
from test_groups import group


class Busy(mercury.TestCase):
    def refuse(self, d, reason, text, method, **params):
        with self.assertRaises(mercury.RpcError) as e:
            d.call(method, **params)
        self.assertEqual((e.exception.reason, e.exception.message),
                         (reason, text))

    def pool_process(self, d):
        """A worker that does as it is told, once there is one."""
        def found():
            return [p for p in mercury.descendants(d.pid)
                    if mercury.executable(p).endswith("/roles/mercury-pool")]
        return wait_until(found, "it starts")[0]


class Removing(Busy):
    def test_it_can_only_end(self):
        d = self.started(listener("a"))
        with connect(d.port("a")) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            with Background(d, "listener.remove", name="a", deadline="60s"):
                wait_state(d, "a", "draining")
                for method, params in (
                        ("listener.add", {"port": 0, "protocol": "echo"}),
                        ("listener.restart", {}),
                        ("listener.update", {"nodelay": False}),
                        ("listener.pause", {})):
                    with self.subTest(method=method):
                        self.refuse(d, "busy", "a is being removed", method,
                                    name="a", **params)
                self.assertEqual(ask(s, b"y"), b"y")


class Reloading(Busy):
    def test_another_one(self):
        """The new workers of the first don't come up for a while."""
        port = free_port()
        d = self.daemon(listener("a", port=port, workers=1))
        moods = Moods(d)
        d.start()
        moods.set("a/0 hang")
        d.write(listener("a", port=port, workers=2))
        with Background(d, "daemon.reload") as first:
            pid = self.pool_process(d)
            self.refuse(d, "busy", "a reload is under way", "daemon.reload")
            self.assertTrue(first.pending())
            moods.set()
            kill(pid)

    def test_health_port_in_use(self):
        """Where it is all that changes of a listener."""
        port, own = free_port(), free_port()
        d = self.started(listener("a", port=port, health_port=own))
        with socket.create_server(("127.0.0.1", 0)) as other:
            held = other.getsockname()[1]
            d.write(listener("a", port=port, health_port=held))
            self.refuse(d, "port_in_use", f"listener a: health_port: "
                        f"127.0.0.1:{held} is in use", "daemon.reload")
            self.assertEqual(d.status()["state"], "running")
            self.assertTrue(mercury.answers(port))


class Starting(Busy):
    def test_it_waits_for_a_port(self):
        with supervising.Holder() as holder:
            d = self.daemon(listener("a", port=holder.port,
                                     bind_attempts=1000))
            d.start(wait=False)
            wait_until(lambda: os.path.exists(d.control), "it can be asked")
            for method in ("daemon.reload", "daemon.drain"):
                self.refuse(d, "busy", "mercuryd is still starting", method)
        wait_state(d, "a", "listening")

class NotRequired(Busy):
    """Its workers don't come up when mercuryd starts: it stays."""

    def test_it_fails_and_is_brought_back(self):
        d = self.daemon(listener("a", required=False, max_restarts=2)
                        + listener("b"))
        moods = Moods(d)
        moods.set("a/0 exit 7")
        d.start()
        row = wait_state(d, "a", "failed")
        self.assertEqual(row["last_error"], "more than 2 restarts in 60 s; the "
                         "last: worker a/0 exited with status 7")
        self.assertFalse(mercury.is_listening(row["port"]))
        self.assertTrue(mercury.answers(d.port("b")))
        moods.set()
        d.call("listener.restart", name="a")
        wait_state(d, "a", "listening")
        self.assertTrue(mercury.answers(d.port("a")))

    def test_it_is_tried_for_ever(self):
        """Past the failures after which one that is required is given up."""
        d = self.daemon(listener("a", required=False, max_restarts=1000)
                        + listener("b"))
        moods = Moods(d)
        moods.set("a/0 exit 7")
        d.start()
        wait_until(lambda: d.listener("a")["restarts"] > 6, "it is tried")
        row = d.listener("a")
        self.assertEqual((row["state"], row["last_error"]),
                         ("starting", "worker a/0 exited with status 7"))
        moods.set()
        wait_state(d, "a", "listening")
        self.assertTrue(mercury.answers(d.port("a")))


class Groups(Busy):
    def test_a_restart_of_a_child_that_is_restarted(self):
        """Its worker hangs, and so takes a while to end."""
        d = self.started(group("g", "a", "b", strategy="one_for_all")
                         + listener("a") + listener("b", workers=1))
        hanging = d.workers("b")[0]
        kill(hanging, signal.SIGSTOP)
        kill(d.workers("a")[0])
        wait_until(lambda: "restarting from a to b" in d.log(), "it begins")
        self.refuse(d, "busy", "pool b is being restarted",
                    "listener.restart", name="b")
        kill(hanging)
        wait_until(lambda: d.workers("b") not in ([hanging], [None]), "new")
        wait_state(d, "b", "listening")


    def test_a_group_that_a_reload_drops_meanwhile(self):
        """What has begun in it comes to an end, child by child."""
        sections = [listener(name, port=free_port(), workers=1)
                    for name in "ab"]
        for strategy in ("one_for_all", "rest_for_one"):
            with self.subTest(strategy=strategy):
                d = self.started(group("g", "a", "b", strategy=strategy)
                                 + "".join(sections))
                hanging = d.workers("b")[0]
                kill(hanging, signal.SIGSTOP)
                kill(d.workers("a")[0])
                wait_until(lambda: "restarting from a to b" in d.log(),
                           "it begins")
                d.write("".join(sections))
                d.call("daemon.reload")
                kill(hanging)
                for name in "ab":
                    wait_state(d, name, "listening")
                    self.assertTrue(mercury.answers(d.port(name)))
                d.stop()


class Certificate(Busy):
    """Restarts that wait for certificates to be read again."""

    def begun(self, **which):
        """A daemon with TLS on t and u in which a restart has begun."""
        d = self.daemon(listener("a"))
        cert, key = Certificates(os.path.join(d.dir, "tls")).make("server")
        moods = Moods(d, "mercury-config")
        d.start()
        for name in "tu":
            d.add(name, transport="tls", tls={"cert": cert, "key": key})
        moods.set("helper wait")
        call = Background(d, "listener.restart", **which)
        self.addCleanup(call.rpc.close)
        wait_until(lambda: [p for p in mercury.descendants(d.pid)
                            if mercury.executable(p).endswith(
                                "/roles/mercury-config")], "it is being read")
        return d, moods, call

    def test_it_is_removed_meanwhile(self):
        d, moods, call = self.begun(name="t")
        d.call("listener.remove", name="t")
        moods.set()
        with self.assertRaises(mercury.RpcError) as e:
            call.answer()
        self.assertEqual(e.exception.reason, "not_found")

    def test_one_of_all_is_removed_meanwhile(self):
        d, moods, call = self.begun(all=True)
        old = d.workers("a") + d.workers("t")
        d.call("listener.remove", name="u")
        moods.set()
        call.answer()
        new = d.workers("a") + d.workers("t")
        self.assertFalse(set(old) & set(new))

    def test_a_shutdown_meanwhile(self):
        d, moods, call = self.begun(name="t")
        with connect(d.port("a")) as s:  # which drains
            self.assertEqual(ask(s, b"x"), b"x")
            d.signal(signal.SIGTERM)
            wait_until(lambda: "draining" in d.log(), "it begins")
            moods.set()
            with self.assertRaises(mercury.RpcError) as e:
                call.answer()
            self.assertEqual(e.exception.reason, "unavailable")


class TooMuch(Busy):
    def test_long_paths(self):
        d = self.daemon(listener("a"))
        long = "/" + "/".join(["x" * 100] * 50)
        for arguments in (("-f",), ("-t",)):
            with self.subTest(arguments=arguments):
                result = mercury.run([mercury.binary("mercuryd"), *arguments,
                                      "-c", long], env=d.env)
                self.assertEqual(result.code, 78, result)
                self.assertIn("path too long", result.err)
                self.assertNotIn("killed", result.err)
        d.env["MERCURY_LIBEXECDIR"] = long
        result = d.run("-f")
        self.assertEqual(result.code, 1, result)
        self.assertIn("path too long", result.err)

    def test_helpers(self):
        """As many additions as there can be look at certificates that are
        slow to be read."""
        d = self.daemon(listener("a"))
        certs = Certificates(os.path.join(d.dir, "tls"))
        cert, key = certs.make("server")
        moods = Moods(d, "mercury-config")
        d.start()
        moods.set("helper hang")
        args = {"port": 0, "protocol": "echo", "transport": "tls",
                "tls": {"cert": cert, "key": key}}
        calls = [Background(d, "listener.add", name=f"t{i}", **args)
                 for i in range(32)]
        for call in calls:
            self.addCleanup(call.rpc.close)

        def hanging():
            return [p for p in mercury.descendants(d.pid)
                    if mercury.executable(p).endswith("/roles/mercury-config")]
        wait_until(lambda: len(hanging()) == 32, "all hang")
        self.refuse(d, "busy", "too many helpers are running", "listener.add",
                    name="more", **args)
        for pid in hanging()[1:]:
            kill(pid)
        for call in calls:
            call.rpc.socket.settimeout(40)  # one of them ends by its deadline
            with self.assertRaises(mercury.RpcError) as e:
                call.answer()
            self.assertTrue(e.exception.message)
        self.assertEqual(hanging(), [], "it was ended at its deadline")
        moods.set()
        self.assertEqual(d.call("listener.add", name="t", **args)["state"],
                         "listening")


if __name__ == "__main__":
    mercury.main()
