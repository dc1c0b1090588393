"""System calls and allocations of the supervisor fail, each in its turn: what
was asked for is done or refused with a reason, and nobody else notices."""

import contextlib
import errno
import os
import resource
import signal
import unittest

import mercury
from faults import Faults
from mercury import answers, ask, connect, listener, wait_until
from proxying import Upstream, proxy
from test_groups import group

# What a running supervisor calls, and how that may fail.
CALLS = {
    "allocate": errno.ENOMEM, "bind": errno.EADDRNOTAVAIL,
    "chmod": errno.EPERM, "clone": errno.EAGAIN, "dup3": errno.EBUSY,
    "epoll_ctl": errno.ENOSPC, "event_add": errno.ENOMEM,
    "fcntl": errno.EMFILE,
    "ftruncate": errno.ENOMEM, "getsockname": errno.ENOBUFS,
    "lchown": errno.EPERM, "listen": errno.EADDRINUSE,
    "memfd_create": errno.EMFILE, "mmap": errno.ENOMEM, "open": errno.EMFILE,
    "recv": errno.ENOMEM, "recvmsg": errno.ENOMEM, "send": errno.ENOBUFS,
    "sendmsg": errno.ENOBUFS,
    "setsockopt": errno.ENOMEM, "socket": errno.EMFILE,
    "socketpair": errno.EMFILE, "unlink": errno.EPERM,
}
# Groups of them that an act needs to do something at all.
TALKS = {"recvmsg", "sendmsg"}
BINDS = {"bind", "fcntl", "listen", "setsockopt", "socket"}
STARTS = {"clone", "dup3", "epoll_ctl", "fcntl", "ftruncate", "memfd_create",
          "mmap", "setsockopt", "socketpair"}
LISTENS = {"allocate"} | TALKS | BINDS | STARTS
# What a start calls beside that.
START_CALLS = {
    **CALLS, "epoll_create1": errno.EMFILE, "fchmod": errno.EPERM,
    "pipe2": errno.EMFILE, "rename": errno.EACCES, "setrlimit": errno.EPERM,
    "signalfd": errno.EMFILE,
}


class FaultTestCase(mercury.TestCase):
    """What a daemon of the case is to do while calls of it fail."""

    # More than any of the acts calls any of the functions.
    MANY = 400
    what = "no fault yet"

    def sweep(self, act, check, calls, reached, times=1):
        """Have the first, the second, ... call of each function fail, or so
        many from that one on, until the act is over before it does. It has
        to have called those that are to be reached."""
        counts = dict.fromkeys(calls, 0)
        for function, error in calls.items():
            for spare in range(self.MANY):
                self.what = f"{function} fails after {spare}"
                self.faults.fail(function, spare, error, times)
                act()
                failed = self.faults.failed()
                self.faults.none()
                check()
                if not failed:
                    break
                counts[function] += 1
            else:
                self.fail(f"{function} fails without end")
        self.assertEqual(reached - {f for f in counts if counts[f]}, set(),
                         f"never called, of {counts}")


@unittest.skipIf(mercury.SANITIZERS, "a sanitizer has an allocator of its own")
class Running(FaultTestCase):
    """Requests to a daemon that serves somebody."""

    def setUp(self):
        super().setUp()
        self.d = self.daemon(listener("keep", workers=2))
        self.faults = Faults(self.d)
        self.d.start()
        self.port = self.d.port("keep")
        self.pids = self.d.workers("keep")
        self.client = connect(self.port)
        self.addCleanup(self.client.close)
        self.refusals = set()

    def ask(self, method, **params):
        """Ask for something: it is done, or refused with a reason, or
        mercury-control has ended, to whom that could not be told. Returns
        why it was refused."""
        with self.answered(method) as why:
            self.d.call(method, **params)
        return "".join(why)

    @contextlib.contextmanager
    def answered(self, method):
        """Whatever becomes of a request, nobody waits for it for ever."""
        why = []
        try:
            yield why
        except mercury.RpcError as e:
            self.assertTrue(e.message, self.what)
            self.assertIsNotNone(e.reason, e.message)
            self.refusals.add(e.message)
            why.append(e.message)
        except TimeoutError:
            self.fail(f"{method} is never answered; {self.what}")
        except OSError:
            pass

    def insist(self, method, **params):
        """Ask until it is done; mercury-control may be on its way back."""
        def done():
            try:
                return self.d.call(method, **params) or True
            except (OSError, mercury.RpcError):
                return False
        return wait_until(done, f"{method} is done; {self.what}")

    def row(self, name):
        rows = self.insist("daemon.status")["listeners"]
        return next((r for r in rows if r["name"] == name), None)

    def check_others(self):
        self.assertEqual(ask(self.client, b"still?"), b"still?")
        self.assertTrue(answers(self.port))
        row = self.row("keep")
        self.assertEqual(row["state"], "listening")
        self.assertEqual([w["pid"] for w in row["workers"]], self.pids)

    def remove(self, name):
        """It may be there, or not, or be going already."""
        def gone():
            if self.row(name) is None:
                return True
            try:
                self.d.call("listener.remove", name=name)
            except (OSError, mercury.RpcError):
                pass
            return self.row(name) is None
        wait_until(gone, f"{name} is removed; {self.what}")
        self.check_others()

    def reload_to(self, listeners, without):
        """Have these only, also after a reload that nobody waited for."""
        self.d.write(listeners)
        self.insist("daemon.reload")
        wait_until(lambda: self.row(without) is None,
                   f"{without} is removed; {self.what}")
        self.check_others()

    def works(self, name):
        """Does the listener answer, after a while if need be? What has been
        given up comes back with a restart."""
        if self.row(name)["state"] == "failed":
            self.insist("listener.restart", name=name)
        wait_until(lambda: self.row(name)["state"] == "listening",
                   f"{name} listens again; {self.what}")
        self.assertTrue(answers(self.row(name)["port"]), self.what)
        self.check_others()

    def test_add(self):
        options = mercury.with_defaults({"workers": 2})

        def act():
            refusal = self.ask("listener.add", name="a", **options)
            # Others may mean that it is done, and can't be shown.
            if "a request" in refusal:
                wait_until(lambda: self.row("a") is None,
                           f"nothing is left behind; {self.what}")
        self.sweep(act, lambda: self.remove("a"), CALLS,
                   LISTENS | {"getsockname"})
        self.assertGreater(len(self.refusals), 5, self.refusals)

    def test_add_and_remove_unix(self):
        path = os.path.join(self.d.dir, "u.sock")
        owner = {"owner": "nobody"} if mercury.ROOT else {}

        def act():
            self.ask("listener.add", name="u", path=path, workers=1,
                     protocol="echo", mode="0600", **owner)
            self.ask("listener.update", name="u", mode="0660")
            self.ask("listener.remove", name="u")

        def check():
            self.remove("u")
        self.sweep(act, check, CALLS,
                   LISTENS | {"chmod", "open", "unlink"} |
                   ({"lchown"} if owner else set()))
        self.assertFalse(os.path.exists(path))
        self.assertGreater(len(self.refusals), 5, self.refusals)

    def test_pause(self):
        self.d.add("a", workers=2)

        def act():
            self.ask("listener.pause", name="a")
            self.ask("listener.resume", name="a")

        def check():
            if self.row("a")["state"] == "paused":
                self.insist("listener.resume", name="a")
            self.works("a")
        self.sweep(act, check, CALLS, TALKS | BINDS | {
            "allocate", "getsockname", "memfd_create"})

    def test_restart(self):
        self.d.add("a", workers=2)
        self.sweep(lambda: self.ask("listener.restart", name="a",
                                    deadline="1s"),
                   lambda: self.works("a"), CALLS,
                   TALKS | STARTS | {"allocate"})

    # So many calls in a row; what has no memory for one tries again each 10 ms.
    LASTING = 40

    # What is missing for longer than a call. Not memory; and each timer that
    # can't be armed is late by up to a second, which adds up.
    SHORTAGES = {f: e for f, e in CALLS.items()
                 if f not in ("allocate", "event_add")}

    def test_add_in_a_shortage(self):
        options = mercury.with_defaults({"workers": 2, "max_restarts": 2,
                                         "bind_attempts": 2,
                                         "bind_backoff": "100ms"})
        self.sweep(lambda: self.ask("listener.add", name="a", **options),
                   lambda: self.remove("a"), self.SHORTAGES,
                   LISTENS - {"allocate"} | {"getsockname"}, times=self.LASTING)

    def test_restart_in_a_shortage(self):
        self.d.add("a", workers=2, max_restarts=2)
        self.sweep(lambda: self.ask("listener.restart", name="a",
                                    deadline="1s"),
                   lambda: self.works("a"), self.SHORTAGES, TALKS | STARTS,
                   times=self.LASTING)

    def test_questions_in_a_shortage(self):
        self.sweep(lambda: self.ask("daemon.tree"), self.check_others,
                   self.SHORTAGES, TALKS | {"fcntl", "memfd_create"},
                   times=self.LASTING)

    def test_update(self):
        self.d.add("a")

        def act():
            self.ask("listener.update", name="a", backlog=7,
                     deny=["192.0.2.1"])
            self.ask("listener.update", name="a", backlog=8, deny=[])
        self.sweep(act, lambda: self.works("a"), CALLS, TALKS | {
            "allocate", "fcntl", "listen", "memfd_create", "setsockopt"})

    def test_reload(self):
        first = self.d.listeners
        other = listener("b") + listener("c")

        def act():
            self.d.write(first + other)
            self.ask("daemon.reload")

        self.sweep(act, lambda: self.reload_to(first, "b"), CALLS,
                   LISTENS | {"getsockname"})

    def test_reload_hands_over(self):
        """Two listeners get other names at their places, or keep theirs."""
        first = self.d.listeners
        ports = [mercury.free_port() for _ in range(2)]

        def named(*names):
            return first + "".join(listener(name, port=port) for name, port
                                   in zip(names, ports))

        def act():
            self.d.write(named("c", "d"))
            self.ask("daemon.reload")

        def check():
            for port in ports:
                wait_until(lambda: answers(port), f"{port}; {self.what}")
            self.reload_to(named("a", "b"), "c")
            for port in ports:
                wait_until(lambda: answers(port), f"{port}; {self.what}")
        self.d.write(named("a", "b"))
        self.d.call("daemon.reload")
        self.sweep(act, check, CALLS, TALKS | {"allocate"})

    def test_reload_changes_pools(self):
        """One where it is, one with its port, and one with its upstreams."""
        ports = [mercury.free_port() for _ in range(4)]
        up, another = self.port, mercury.free_port()

        first = self.d.listeners

        def file(workers, port, upstream, more=""):
            return (first + listener("a", port=ports[0],
                                            workers=workers)
                    + listener("b", port=port, workers=workers)
                    + proxy("c", upstream, port=ports[1], workers=workers)
                    + more)

        def act():
            self.d.write(file(2, ports[3], [up, another], listener("new")))
            self.ask("daemon.reload")

        def check():
            self.reload_to(file(1, ports[2], [up]), "new")
            for name, port in zip("abc", (ports[0], ports[2], ports[1])):
                wait_until(lambda: len(self.row(name)["workers"]) == 1,
                           f"{name} is as it was; {self.what}")
                wait_until(lambda: answers(port), f"{name}; {self.what}")
        self.reload_to(file(1, ports[2], [up]), "new")
        self.sweep(act, check,
                   {c: CALLS[c] for c in ("allocate", "memfd_create", "mmap")},
                   {"allocate", "memfd_create", "mmap"})

    def test_worker_ends(self):
        """Its successor comes, whatever stands in the way of the first."""
        self.d.add("a")

        def act():
            old = self.row("a")["workers"][0]["pid"]
            mercury.kill(old)
            wait_until(lambda: self.row("a")["workers"][0]["pid"]
                       not in (0, None, old), f"a successor; {self.what}")

        def check():
            self.works("a")
            # Another one, which has not been restarted often.
            self.remove("a")
            self.insist("listener.add", name="a", **mercury.with_defaults({}))
        self.sweep(act, check, CALLS, TALKS | STARTS | {"allocate"})

    def test_worker_does_not_end(self):
        """It is killed at its deadline, though that can't be armed."""
        self.d.add("a", hang_timeout="1h")

        def act():
            old = self.row("a")["workers"][0]["pid"]
            mercury.kill(old, signal.SIGSTOP)
            self.ask("listener.restart", name="a", deadline="100ms")
            if self.row("a")["workers"][0]["pid"] == old:
                mercury.kill(old, signal.SIGCONT)
            else:
                wait_until(lambda: not mercury.alive(old),
                           f"it is killed; {self.what}")
        self.sweep(act, lambda: self.works("a"),
                   {"event_add": CALLS["event_add"]}, {"event_add"})

    def test_group(self):
        """A group comes by a reload, restarts as one, and goes."""
        first = self.d.listeners

        def act():
            self.d.write(first + group("g", "b", "c", strategy="one_for_all")
                         + listener("b") + listener("c"))
            self.ask("daemon.reload")
            for worker in (self.row("b") or {"workers": []})["workers"]:
                if worker["pid"]:
                    mercury.kill(worker["pid"])

        self.sweep(act, lambda: self.reload_to(first, "b"), CALLS,
                   LISTENS | {"getsockname"})

    def test_helper_is_missing(self):
        """What mercury-config is asked is answered, also when it can't run."""
        missing = os.path.join(self.d.dir, "missing.pem")
        options = mercury.with_defaults(
            {"transport": "tls", "tls": {"cert": missing, "key": missing}})
        self.sweep(lambda: self.ask("listener.add", name="a", **options),
                   lambda: self.remove("a"), CALLS, TALKS | {
                       "allocate", "clone", "dup3", "epoll_ctl", "fcntl",
                       "setsockopt", "socketpair"})

    def test_questions(self):
        def act():
            self.ask("daemon.tree")
            self.ask("supervisor.history")
            self.ask("supervisor.stats")
            self.ask("connection.list", name="keep")
            self.ask("daemon.drain")
            self.ask("daemon.undrain")

        def check():
            self.insist("daemon.undrain")
            self.check_others()
        self.sweep(act, check, CALLS, TALKS | {
            "allocate", "fcntl", "memfd_create", "setsockopt", "socketpair"})

    def test_trace(self):
        def act():
            with self.answered("trace.start"), self.d.rpc() as rpc:
                rpc.call("trace.start", name="keep")
        self.sweep(act, self.check_others, CALLS,
                   TALKS | {"setsockopt", "socketpair"})

    def test_upstreams(self):
        up = Upstream(self)
        first = self.d.listeners

        def act():
            self.d.write(first + proxy("p", [up.port]))
            self.ask("daemon.reload")
            self.ask("listener.upstreams", name="p")
            self.ask("listener.upstream_set", name="p", mode="maint",
                     upstream=f"127.0.0.1:{up.port}")
        self.sweep(act, lambda: self.reload_to(first, "p"), CALLS,
                   LISTENS | {"getsockname"})


@unittest.skipIf(mercury.SANITIZERS, "a sanitizer has an allocator of its own")
class Starting(FaultTestCase):
    """A start with a fault: it says why it ends, or it serves."""

    MANY = 150

    def start_with(self, *functions):
        d = self.daemon(listener("a", workers=2))
        self.faults = Faults(d)

        def act():
            d.start(wait=False)
            wait_until(lambda: d.process.poll() is not None or self.ready(d),
                       f"it serves, or has ended; {self.what}")

        def check():
            if d.process.poll() is None:
                self.assertTrue(answers(d.port("a")), self.what)
                self.assertEqual(d.stop(), 0, self.what)
            else:
                self.assertIn(d.process.returncode, (1, 69, 78), self.what)
                self.assertIn("mercuryd", d.log(), self.what)
            wait_until(lambda: not mercury.leftovers(), "all end")
            os.truncate(d.log_path, 0)
        self.sweep(act, check, {f: START_CALLS[f] for f in functions},
                   set(functions))

    def test_files(self):
        self.start_with("open", "chmod", "fchmod", "rename", "unlink", "fcntl")

    def test_sockets(self):
        self.start_with("socket", "bind", "listen", "getsockname",
                        "socketpair", "setsockopt")

    def test_processes(self):
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        # One that a start wants to raise.
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, limits[1]))
        self.start_with("clone", "dup3", "setrlimit", "pipe2", "memfd_create",
                        "ftruncate")

    def test_loop(self):
        self.start_with("signalfd", "epoll_create1", "epoll_ctl")

    def test_memory(self):
        self.start_with("allocate")

    def test_into_the_background(self):
        d = self.daemon(listener("a"))
        self.faults = Faults(d)
        for function in ("fork", "pipe2", "setsid", "chdir"):
            with self.subTest(function):
                self.faults.fail(function, 0, errno.EAGAIN)
                result = d.run("-p", d.pid_file)
                self.assertEqual(self.faults.failed(), 1)
                self.assertEqual(result.code, 1, result)
                self.assertIn("mercuryd: ", result.err)
                wait_until(lambda: not mercury.leftovers(), "all end")

    def test_relative_config(self):
        d = self.daemon(listener("a"))
        self.faults = Faults(d)
        self.faults.fail("getcwd", 0, errno.EACCES)
        argv = [a if a != d.config else "mercury.conf" for a in d.argv("-f")]
        result = mercury.run(argv, env=d.env, cwd=d.dir)
        self.assertEqual(result.code, 1, result)
        self.assertIn("mercury.conf: ", result.err)

    @staticmethod
    def ready(d):
        try:
            return d.status()["ready"]
        except (OSError, mercury.RpcError):
            return False


if __name__ == "__main__":
    mercury.main()
