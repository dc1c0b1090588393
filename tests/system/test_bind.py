"""Where a listener listens: ports that are taken, Unix paths, both stacks."""

import os
import signal
import socket
import stat
import unittest

import mercury
from mercury import alive, answers, connect, kill, refused, wait_until


def holder(port=0, host="127.0.0.1", reuse=False):
    """A listening socket of somebody else (of the same user)."""
    s = socket.socket()
    if reuse:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind((host, port))
    s.listen()
    return s


def listener(name, **options):
    """One that gives up soon: how it is tried again is told elsewhere."""
    return mercury.listener(
        name, **{"bind_attempts": 2, "bind_backoff": "10ms", **options})


class BusyPort(mercury.TestCase):
    def test_at_boot(self):
        for reuse in (False, True):
            with self.subTest(reuse=reuse), holder(reuse=reuse) as busy:
                port = busy.getsockname()[1]
                d = self.daemon(
                    listener("good")
                    + listener("pos", port=port))
                result = d.run("-f")
                self.assertEqual(result.code, 69, result)
                self.assertIn("pos", result.err)
                self.assertIn(f"127.0.0.1:{port}", result.err)
                self.assertIn("in use", result.err)

    def test_at_boot_of_a_daemon_in_the_background(self):
        with holder() as busy:
            port = busy.getsockname()[1]
            d = self.daemon(listener("pos", port=port))
            result = d.run()
            self.assertEqual(result.code, 69, result)
            self.assertIn("in use", result.err)
            self.assertFalse(os.path.exists(d.pid_file))

    def test_at_run_time(self):
        d = self.started()
        before = d.tree()
        for reuse in (False, True):
            for host, address in (("127.0.0.1", "127.0.0.1"),
                                  ("0.0.0.0", "127.0.0.1"),
                                  ("127.0.0.1", "0.0.0.0"),
                                  ("127.0.0.1", "::")):
                with self.subTest(reuse=reuse, host=host, address=address):
                    self.add_busy(d, host, address, reuse)
        wait_until(lambda: d.tree() == before, "nothing is half added")
        self.assertEqual(d.status()["listeners"], [])

    def add_busy(self, d, host, address, reuse):
        with holder(host=host, reuse=reuse) as busy:
            port = busy.getsockname()[1]
            result = d.ctl("add-listener", "pos", f"port={port}",
                           f"address={address}", "protocol=echo",
                           "bind_attempts=1")
            self.assertEqual(result.code, 1, result)
            self.assertIn("in use", result.err)
            self.assertIn(str(port), result.err)
            with self.assertRaises(mercury.RpcError) as caught:
                d.call("listener.add", name="pos", port=port,
                       address=address, protocol="echo", bind_attempts=1)
            self.assertEqual(caught.exception.code, -32000)
            self.assertEqual(caught.exception.reason, "port_in_use")
            self.assertEqual(d.status()["listeners"], [])
        # The name and the port were not left taken.
        d.add("pos", port=port, address=address)
        self.assertEqual(d.ctl("remove-listener", "pos").code, 0)

    def test_port_of_another_listener_of_ours(self):
        d = self.started()
        port = d.add("a")["port"]
        result = d.ctl("add-listener", "b", f"port={port}",
                       "address=127.0.0.1", "protocol=echo",
                       "bind_attempts=1")
        self.assertEqual(result.code, 1, result)
        self.assertIn("in use", result.err)
        for _ in range(10):
            self.assertTrue(answers(port))
        self.assertEqual(d.listener("a")["accepted"], 10)

    def test_two_daemons_want_the_same_port(self):
        first = self.started(listener("a"))
        second = self.daemon(listener("a", port=first.port("a")))
        result = second.run("-f")
        self.assertEqual(result.code, 69, result)
        self.assertIn("in use", result.err)
        self.assertTrue(answers(first.port("a")))

    def test_a_connection_in_time_wait_is_no_reason(self):
        d = self.started()
        port = d.add("a")["port"]
        client = connect(port)
        self.assertEqual(mercury.ask(client, b"x"), b"x")
        self.assertEqual(
            d.ctl("remove-listener", "a", "--deadline", "0s").code, 0)
        d.add("a", port=port)
        client.close()


class Addresses(mercury.TestCase):
    def test_default_is_dual_stack(self):
        d = self.started()
        port = d.call("listener.add", name="a", port=0, workers=2,
                      protocol="echo")["port"]
        self.assertEqual(d.listener("a")["address"], "::")
        for host in ("127.0.0.1", "::1"):
            for _ in range(8):
                self.assertTrue(answers((host, port)))

    def test_ipv4_and_ipv6_alone(self):
        d = self.started()
        v4 = d.add("v4", address="0.0.0.0")["port"]
        self.assertTrue(answers(("127.0.0.1", v4)))
        self.assertTrue(refused(("::1", v4)))
        v6 = d.add("v6", address="::1")["port"]
        self.assertTrue(answers(("::1", v6)))
        self.assertTrue(refused(("127.0.0.1", v6)))

    def test_port_0_is_one_port_for_all_workers(self):
        d = self.started()
        port = d.add("a", workers=4)["port"]
        self.assertGreater(port, 1023)
        self.assertEqual(d.port("a"), port)
        clients = [connect(port) for _ in range(100)]
        wait_until(lambda: all(
            w["connections"] for w in d.listener("a")["workers"]),
            "each worker has some")
        for s in clients:
            s.close()

    def test_address_that_is_not_ours(self):
        d = self.started()
        result = d.ctl("add-listener", "a", "address=203.0.113.7", "port=0",
                       "protocol=echo")
        self.assertEqual(result.code, 1, result)
        self.assertIn("203.0.113.7", result.err)
        self.assertEqual(d.status()["listeners"], [])

    def test_privileged_port_without_the_right(self):
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as f:
            if int(f.read()) <= 81:
                raise unittest.SkipTest("low ports are free for all here")
        d = self.started(as_root=False)
        with self.assertRaises(mercury.RpcError) as caught:
            d.call("listener.add", name="a", port=81, address="127.0.0.1",
                   protocol="echo")
        self.assertEqual(caught.exception.reason, "permission")
        self.assertIn("81", caught.exception.message)
        result = d.ctl("add-listener", "a", "port=81", "protocol=echo")
        self.assertEqual(result.code, 1, result)
        self.assertEqual(d.status()["listeners"], [])
        boot = self.daemon(listener("low", port=81), as_root=False)
        result = boot.run("-f")
        self.assertEqual(result.code, 69, result)
        self.assertIn("81", result.err)


class UnixPath(mercury.TestCase):
    def add_fails(self, d, path):
        result = d.ctl("add-listener", "u", f"path={path}", "protocol=echo",
                       "bind_attempts=1")
        self.assertEqual(result.code, 1, result)
        self.assertIn(path, result.err)
        self.assertEqual(d.status()["listeners"], [])
        return result

    def test_mode_and_removal(self):
        d = self.started()
        path = os.path.join(d.dir, "dev.sock")
        for mode in ("0600", "0660", "0666"):
            d.add("u", path=path, mode=mode)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode),
                             int(mode, 8))
            self.assertTrue(answers(path))
            self.assertEqual(d.ctl("remove-listener", "u").code, 0)
            self.assertFalse(os.path.exists(path))

    def test_owner_and_group(self):
        if not mercury.ROOT:
            raise unittest.SkipTest("only root may give a socket away")
        d = self.started()
        path = os.path.join(d.dir, "dev.sock")
        d.add("u", path=path, owner="nobody", group="nogroup")
        info = os.stat(path)
        self.assertEqual(info.st_uid, mercury.NOBODY.pw_uid)
        self.assertEqual(info.st_gid, mercury.NOBODY.pw_gid)

    def test_a_foreign_file_is_never_deleted(self):
        d = self.started()
        path = os.path.join(d.dir, "precious")
        with open(path, "w") as f:
            f.write("data")
        self.add_fails(d, path)
        with open(path) as f:
            self.assertEqual(f.read(), "data")
        link = os.path.join(d.dir, "link")
        os.symlink(path, link)
        self.add_fails(d, link)
        self.assertTrue(os.path.islink(link))

    def test_a_foreign_socket_is_never_deleted(self):
        d = self.started()
        path = os.path.join(d.dir, "foreign.sock")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path)
            s.listen()
            inode = os.stat(path).st_ino
            self.add_fails(d, path)
            connect(path).close()
        # Nobody listens on it any more, but it is still not ours.
        self.add_fails(d, path)
        self.assertEqual(os.stat(path).st_ino, inode)

    def test_a_foreign_lock_is_never_deleted(self):
        d = self.started()
        path = os.path.join(d.dir, "foreign")
        for content in ("", "4711\n"):
            with open(path + ".lock", "w") as f:
                f.write(content)
            if d.as_root:
                os.chown(path + ".lock", 12345, 12345)
            elif not content:
                continue  # an empty file of our own may be one of ours
            self.add_fails(d, path)
            with open(path + ".lock") as f:
                self.assertEqual(f.read(), content)

    def test_a_foreign_socket_beside_a_foreign_lock(self):
        d = self.started()
        path = os.path.join(d.dir, "foreign")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path)
        with open(path + ".lock", "w") as f:
            f.write("4711\n")
        self.add_fails(d, path)
        self.assertTrue(os.path.exists(path))
        self.assertTrue(os.path.exists(path + ".lock"))

    def test_a_failed_start_leaves_a_stale_socket_ours(self):
        path = os.path.join(self.scratch(), "sock")
        os.chmod(os.path.dirname(path), 0o777)
        d = self.started(listener("u", path=path, bind_attempts=1))
        worker = d.workers("u")[0]
        kill(worker, signal.SIGSTOP)
        d.signal(signal.SIGKILL)
        d.wait()
        self.assertEqual(d.run("-f").code, 69)  # the worker listens
        kill(worker)
        wait_until(lambda: not alive(worker), "the worker is gone")
        d.start()
        self.assertTrue(answers(path))

    def test_two_listeners_on_one_path(self):
        d = self.started()
        path = os.path.join(d.dir, "dev.sock")
        d.add("a", path=path)
        result = d.ctl("add-listener", "b", f"path={path}", "protocol=echo",
                       "bind_attempts=1")
        self.assertEqual(result.code, 1, result)
        self.assertTrue(answers(path))

    def test_two_daemons_on_one_path(self):
        d = self.started()
        path = os.path.join(d.dir, "dev.sock")
        d.add("a", path=path)
        other = self.daemon(listener("a", path=path))
        result = other.run("-f")
        self.assertEqual(result.code, 69, result)
        self.assertIn(path, result.err)
        self.assertTrue(answers(path))

    def test_our_stale_socket_is_taken_over(self):
        for as_root in {True, False} if mercury.ROOT else {False}:
            with self.subTest(as_root=as_root):
                self.take_over(self.daemon(as_root=as_root))

    def take_over(self, d):
        path = os.path.join(d.dir, "dev.sock")
        d.write(listener("u", path=path, mode="0666"))
        d.start()
        left = d.tree() - {d.pid}
        for pid in left:
            kill(pid, signal.SIGSTOP)
        for pid in [d.pid, *left]:
            kill(pid)
        d.wait()
        self.assertTrue(os.path.exists(path), "the test needs it stale")
        wait_until(lambda: refused(path), "all of them are dead")
        d.start()
        self.assertTrue(answers(path))

    def test_nothing_is_left_of_it(self):
        d = self.started()
        folder = self.scratch()
        d.add("u", path=os.path.join(folder, "dev.sock"))
        self.assertEqual(d.stop(), 0)
        self.assertEqual(
            [n for n in os.listdir(folder) if not n.endswith(".lock")], [])

    def test_path_too_long(self):
        d = self.started()
        longest = d.dir + "/" + "x" * (107 - len(d.dir) - 1)
        self.assertEqual(len(longest), 107)
        d.add("fits", path=longest)
        self.assertTrue(answers(longest))
        self.assertEqual(d.ctl("remove-listener", "fits").code, 0)
        result = d.ctl("add-listener", "u", f"path={longest}x",
                       "protocol=echo")
        self.assertEqual(result.code, 1, result)
        self.assertIn("107", result.err)

    def test_folder_that_is_not_there(self):
        d = self.started()
        self.add_fails(d, os.path.join(d.dir, "no/such/dev.sock"))

    def test_relative_path(self):
        d = self.started()
        result = d.ctl("add-listener", "u", "path=dev.sock", "protocol=echo")
        self.assertEqual(result.code, 1, result)
        self.assertIn("absolute", result.err)


if __name__ == "__main__":
    mercury.main()
