"""pgbench and redis-benchmark through a proxy to real servers, which die, are
paused and come back meanwhile."""

import re
import threading
import time

import mercury
from mercury import connect, listener, receive, wait_until
from serving import PostgreSQL, Redis

CHECK_MS = 200
ONCE = {"check_interval": f"{CHECK_MS}ms", "check_timeout": "200ms",
        "check_rise": 1, "check_fall": 2}
PING = {"check": "expect", "check_send": r"PING\r\n", "check_expect": "+PONG"}


def proxy(name, upstreams, **options):
    """A listener section of a proxy to servers."""
    body = {**ONCE, **options}
    lines = "".join(f"    {k} = {mercury.text(v)}\n" for k, v in body.items())
    places = ", ".join(f'"127.0.0.1:{u.port}"' for u in upstreams)
    return listener(name, protocol="proxy").rstrip().rstrip("}") + (
        f"  proxy {{\n    upstreams = {{{places}}}\n{lines}  }}\n}}\n")


class Proxied(mercury.TestCase):
    timeout = 240

    def state_of(self, d, server):
        rows = d.call("listener.upstreams", name="pos")["upstreams"]
        return next(u["state"] for u in rows
                    if u["name"].endswith(f":{server.port}"))

    def wait_state(self, d, server, state):
        wait_until(lambda: self.state_of(d, server) == state,
                   f"it is {state}")

    def wait_idle(self, d):
        """Nobody hangs: all connections end."""
        wait_until(lambda: d.listener("pos")["connections"] == 0,
                   "all connections have ended")


class ToPostgreSQL(Proxied):
    def transactions(self, result):
        self.assertEqual(result.code, 0, result)
        found = re.search(r"failed: (\d+)", result.out) or re.search(
            r"failed transactions: (\d+)", result.out)
        self.assertEqual(found and found[1], "0", result)
        return int(re.search(r"actually processed: (\d+)", result.out)[1])

    def test_pgbench(self):
        server = PostgreSQL(self).start()
        d = self.started(proxy("pos", [server]))
        port = d.port("pos")
        self.assertEqual(server.pgbench(port, "-i", "-q").code, 0)
        done = self.transactions(server.pgbench(
            port, "-n", "-c", "8", "-j", "2", "-t", "50"))
        self.assertEqual(done, 400)
        # One connection for each transaction.
        done = self.transactions(server.pgbench(
            port, "-n", "-C", "-S", "-c", "4", "-t", "25"))
        self.assertEqual(done, 100)
        self.wait_idle(d)
        self.assertGreaterEqual(d.listener("pos")["accepted"], 108)

    def test_killed_and_back(self):
        """What was open at it is lost, and nothing else; two servers."""
        one, other = PostgreSQL(self).start(), PostgreSQL(self).start()
        # An SSLRequest, which gets a no.
        ssl = r"\\x00\\x00\\x00\\x08\\x04\\xd2\\x16\\x2f"
        d = self.started(proxy("pos", [one, other], check="expect",
                               check_send=ssl, check_expect="N"))
        port = d.port("pos")
        for server in (one, other):
            self.assertEqual(server.pgbench(server.port, "-i", "-q").code, 0)
            self.wait_state(d, server, "up")
        results = []
        bench = threading.Thread(target=lambda: results.append(
            one.pgbench(port, "-n", "-S", "-c", "8", "-T", "4")))
        bench.start()
        self.addCleanup(bench.join)
        # All sessions are open before the first of them asks anything.
        wait_until(lambda: d.listener("pos")["connections"] >= 8
                   and d.listener("pos")["bytes_in"] > 20000, "they are on")
        one.kill()
        bench.join()
        self.assertEqual(results[0].code, 2, "half of its sessions are lost")
        self.transactions(one.pgbench(port, "-n", "-C", "-S", "-c", "4",
                                      "-t", "25"))
        self.wait_state(d, one, "down")
        one.start()
        self.wait_state(d, one, "up")
        # Paused, it takes connections still, but the check sees it.
        other.pause()
        self.wait_state(d, other, "down")
        self.transactions(one.pgbench(port, "-n", "-C", "-S", "-c", "4",
                                      "-t", "25"))
        other.go_on()
        self.wait_state(d, other, "up")
        self.transactions(one.pgbench(port, "-n", "-C", "-S", "-c", "4",
                                      "-t", "25"))
        self.wait_idle(d)


class ToRedis(Proxied):
    def test_redis_benchmark(self):
        server = Redis(self).start()
        d = self.started(proxy("pos", [server], **PING))
        port = d.port("pos")
        for args in (["-t", "ping,set,get", "-n", "20000", "-c", "50"],
                     ["-t", "set,get", "-n", "20000", "-P", "16"],
                     ["-t", "set,get", "-n", "500", "-d", "100000"],
                     ["-t", "ping", "-n", "2000", "-k", "0"]):
            done = server.benchmark(port, *args)
            self.assertEqual(done.code, 0, done)
            self.assertIn("requests per second", done.out)
            self.assertNotIn("rror", done.out + done.err)
        self.wait_idle(d)

    def ask_once(self, port):
        """Is a new connection served?"""
        try:
            with connect(port, timeout=1) as s:
                s.sendall(b"PING\r\n")
                return receive(s, 5) == b"+PONG"
        except (OSError, AssertionError):
            return False

    def test_the_only_one_is_killed_and_comes_back(self):
        server = Redis(self).start()
        d = self.started(proxy("pos", [server], **PING))
        port = d.port("pos")
        self.wait_state(d, server, "up")
        open_ones = [connect(port) for _ in range(20)]
        for s in open_ones:
            s.sendall(b"PING\r\n")
            self.assertEqual(receive(s, 7), b"+PONG\r\n")
        server.kill()
        for s in open_ones:  # none of them hangs
            self.assertIn(self.rest_of(s), (b"", None))
            s.close()
        self.assertFalse(self.ask_once(port))
        self.wait_state(d, server, "down")
        self.assertFalse(self.ask_once(port))
        server.start()
        back = time.monotonic()
        wait_until(lambda: self.ask_once(port), "it serves again")
        self.assertLess(time.monotonic() - back,
                        CHECK_MS / 1000 + (2 if mercury.SANITIZED else 0.5))
        self.wait_state(d, server, "up")
        self.wait_idle(d)

    def rest_of(self, s):
        try:
            return s.recv(1)
        except ConnectionResetError:
            return None

    def test_paused_in_the_middle(self):
        """What is open waits and goes on; nobody is lost."""
        server = Redis(self).start()
        d = self.started(proxy("pos", [server]))
        port = d.port("pos")
        results = []
        bench = threading.Thread(target=lambda: results.append(
            server.benchmark(port, "-t", "set,get", "-n", "30000", "-c", "50",
                             "-d", "1000")))
        bench.start()
        self.addCleanup(bench.join)
        wait_until(lambda: d.listener("pos")["connections"] >= 50, "it runs")
        for _ in range(3):
            server.pause()
            seen = self.settled(d)
            server.go_on()
            wait_until(lambda: d.listener("pos")["bytes_in"] > seen or
                       not bench.is_alive(), "it goes on")
        bench.join()
        self.assertEqual(results[0].code, 0, results[0])
        self.wait_idle(d)

    def settled(self, d):
        """Wait until nothing moves any more; returns the bytes so far."""
        seen = []

        def same():
            row = d.listener("pos")
            seen.append((row["bytes_in"], row["bytes_out"]))
            return len(seen) > 20 and len(set(seen[-20:])) == 1

        wait_until(same, "nothing moves any more")
        return seen[-1][0]

    def test_restarted_under_load(self):
        """Killed five times: everybody who connects anew is served."""
        server = Redis(self).start()
        d = self.started(proxy("pos", [server], **PING))
        port = d.port("pos")
        end = threading.Event()
        self.addCleanup(end.set)
        served = [0] * 4

        def client(i):
            while not end.is_set():
                served[i] += self.ask_once(port)

        clients = [threading.Thread(target=client, args=(i,))
                   for i in range(len(served))]
        for c in clients:
            c.start()
            self.addCleanup(c.join)
        for _ in range(5):
            server.kill()
            server.start()
            before = list(served)
            wait_until(lambda: all(n > b for n, b in zip(served, before)),
                       "all of them are served again")
        end.set()
        for c in clients:
            c.join()
        self.wait_idle(d)


if __name__ == "__main__":
    mercury.main()
