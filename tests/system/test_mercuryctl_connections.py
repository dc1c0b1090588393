"""mercuryctl connections and kick alone, with this test in the place of the
daemon: pages, what is shown of them, and what is missing."""

import json
import os
import pty
import signal
import subprocess

import mercury
from test_mercuryctl import WithFakeDaemon, error, terminal_environment


def conn(number, **more):
    return {"id": f"b13cfa44-{number}", "slot": 0, "generation": 1,
            "pid": 4242, "peer": "10.0.0.1:5555", "peer_pid": None,
            "state": "open", "since": "2026-01-01T00:00:00.000Z",
            "age_ms": 185000, "idle_ms": 850, "bytes_in": 5, "bytes_out": 6,
            "unsent": 0, "rtt_us": 1260, **more}


def page(connections, following=None, missing=()):
    return {"connections": connections, "next": following,
            "missing": list(missing)}


class Connections(WithFakeDaemon):
    def test_params(self):
        self.fake(lambda method, params: page([]))
        for words, params in (
                ([], {"name": "pos"}),
                (["--limit", "1000"], {"name": "pos"}),
                (["--limit", "5000"], {"name": "pos"}),
                (["--limit", "5", "--peer", "10.0.0.0/8", "--idle", "10m"],
                 {"name": "pos", "limit": 5, "peer": "10.0.0.0/8",
                  "min_idle": "10m"})):
            result = self.ctl("connections", "pos", *words)
            self.assertEqual(result.code, 0, result)
            self.assertEqual(result.out, "no connections\n")
            self.assertEqual(self.d.requests[-1]["method"], "connection.list")
            self.assertEqual(self.d.requests[-1]["params"], params)

    def test_usage_errors_send_nothing(self):
        self.fake(lambda method, params: page([]))
        for words in (["connections"], ["connections", "a", "b"],
                      ["connections", "a", "--limit", "0"],
                      ["connections", "a", "--limit", "x"],
                      ["connections", "a", "--idle", "10"],
                      ["connections", "a", "--save"],
                      ["connections", b"\xff"], ["kick"], ["kick", "a"],
                      ["kick", "a", "b", "c"], ["kick", "a", b"\xff"],
                      ["kick", "a", "b", "--peer", "c"]):
            self.assertEqual(self.ctl(*words).code, 2, words)
        self.assertEqual(self.d.requests, [])

    def test_a_table(self):
        self.fake(lambda method, params: page([
            conn(1, proxy={"address": "10.0.0.9:7"},
                 tls={"version": "TLSv1.3", "name": "pos-17"}),
            conn(17, state="waiting", peer=None, peer_pid=77,
                 slot=3, rtt_us=None)]))
        self.assertEqual(
            self.ctl("connections", "pos").out,
            "ID           PEER           STATE    SINCE   IDLE   IN  OUT"
            "  UNSENT    RTT  SLOT  VIA         TLS      NAME\n"
            "b13cfa44-1   10.0.0.1:5555  open     3m05s  850ms  5 B  6 B"
            "     0 B  1.3ms     0  10.0.0.9:7  TLSv1.3  pos-17\n"
            "b13cfa44-17  pid 77         waiting  3m05s  850ms  5 B  6 B"
            "     0 B      -     3  -           -        -\n")

    def test_pages(self):
        def answer(method, params):
            after = int(params.get("after", "0"))
            if after == 2:  # a page may be empty
                return page([], "3")
            return page([conn(after * 2 + 1), conn(after * 2 + 2)],
                        str(after + 1) if after < 4 else None)
        self.fake(answer)
        result = self.ctl("connections", "pos", "--peer", "::1")
        self.assertEqual(result.code, 0, result)
        lines = result.out.splitlines()
        want = [1, 2, 3, 4, 7, 8, 9, 10]
        self.assertTrue(lines[0].startswith("ID "))
        self.assertEqual([line.split()[0] for line in lines[1:]],
                         [f"b13cfa44-{n}" for n in want])
        self.assertEqual([r["params"] for r in self.d.requests], [
            {"name": "pos", "peer": "::1"},
            *({"name": "pos", "peer": "::1", "after": str(n)}
              for n in range(1, 5))])
        result = self.ctl("--json", "connections", "pos")
        self.assertEqual([json.loads(l) for l in result.out.splitlines()],
                         [conn(n) for n in want])

    def test_the_limit_counts_over_pages(self):
        def answer(method, params):
            after = int(params.get("after", "0"))
            count = min(params.get("limit", 1000), 1000)
            return page([conn(n) for n in range(after, after + count)],
                        str(after + count))
        self.fake(answer)
        result = self.ctl("connections", "pos", "--limit", "2500")
        self.assertEqual(len(result.out.splitlines()), 2501)
        self.assertEqual([r["params"].get("limit") for r in self.d.requests],
                         [None, None, 500])
        self.d.requests.clear()
        result = self.ctl("connections", "pos", "--limit", "1000", "--json")
        self.assertEqual(len(result.out.splitlines()), 1000)
        self.assertEqual(len(self.d.requests), 1)

    def test_nothing_as_json(self):
        self.fake(lambda method, params: page([]))
        result = self.ctl("connections", "pos", "--json")
        self.assertEqual((result.code, result.out), (0, ""))

    def test_who_is_missing_is_told(self):
        self.fake(lambda method, params: page([conn(2)], None, [1, 3])
                  if "after" in params else page([conn(1)], "x", [0, 1]))
        for words in ([], ["--json"]):
            result = self.ctl("connections", "pos", *words)
            self.assertEqual(result.code, 0, result)
            self.assertEqual(result.out.count("b13cfa44-"), 2)
            self.assertEqual(result.err.splitlines(), [
                f"mercuryctl: the worker in slot {n} does not answer: "
                "its connections are missing" for n in (0, 1, 3)])

    def test_an_error_behind_the_first_page(self):
        self.fake(lambda method, params: error("it has gone", "not_found")
                  .replace(b'"id": 1', b'"id": 2')
                  if "after" in params else page([conn(1)], "x"))
        result = self.ctl("connections", "pos")
        self.assertEqual((result.code, result.err),
                         (1, "mercuryctl: it has gone\n"))
        self.assertEqual(len(result.out.splitlines()), 2)

    def test_a_terminal_is_not_told_to_obey(self):
        self.fake(lambda method, params: page([conn(
            1, peer="\x1b[2J", state="a\nb")]))
        result = self.ctl("connections", "pos")
        self.assertNotIn("\x1b", result.out)
        self.assertEqual(result.out.count("\n"), 2)

    def test_colour(self):
        self.fake(lambda method, params: page([conn(1, state="waiting")]))
        master, slave = pty.openpty()
        env = terminal_environment()
        subprocess.run(self.argv("connections", "pos"), stdout=slave, env=env,
                       check=True)
        os.close(slave)
        self.assertIn(b"\x1b[33mwaiting\x1b[0m", os.read(master, 65536))
        os.close(master)

    def test_the_first_page_is_seen_before_the_second_is_there(self):
        self.fake(lambda method, params: None if params.get("after") else
                  page([conn(1)], "more"))
        for words in ([], ["--json"]):
            with subprocess.Popen(self.argv("connections", "pos", *words),
                                  stdout=subprocess.PIPE) as ctl:
                if not words:
                    self.assertIn(b"STATE", ctl.stdout.readline())
                self.assertIn(b"b13cfa44-1", ctl.stdout.readline())
                self.assertIsNone(ctl.poll())
                ctl.kill()

    def test_who_has_seen_enough_ends_it_quietly(self):
        self.fake(lambda method, params: page(
            [conn(n) for n in range(1000)], "more"))
        for restore in (True, False):  # with SIGPIPE, or EPIPE
            with subprocess.Popen(self.argv("connections", "pos"),
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE,
                                  restore_signals=restore) as ctl:
                ctl.stdout.readline()
                ctl.stdout.close()
                self.assertEqual(ctl.stderr.read(), b"")
            self.assertIn(ctl.returncode, (0, -signal.SIGPIPE))

    def test_a_full_disk_is_told(self):
        self.fake(lambda method, params: page([conn(1)]))
        with open("/dev/full", "wb") as full:
            result = subprocess.run(
                self.argv("connections", "pos"), stdout=full, check=False,
                stderr=subprocess.PIPE, timeout=mercury.DEADLINE)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"No space left", result.stderr)


class Kick(WithFakeDaemon):
    def test_kick(self):
        self.fake(lambda method, params: {"id": params["id"],
                                          "kicked": True})
        result = self.ctl("kick", "pos", "b13cfa44-17")
        self.assertEqual((result.code, result.out),
                         (0, "kicked b13cfa44-17\n"))
        self.assertEqual(self.d.requests[-1]["method"], "connection.kick")
        self.assertEqual(self.d.requests[-1]["params"],
                         {"name": "pos", "id": "b13cfa44-17"})
        result = self.ctl("kick", "pos", "b13cfa44-17", "--json")
        self.assertEqual(result.json(), {"id": "b13cfa44-17", "kicked": True})

    def test_nobody(self):
        self.fake(lambda method, params: error("no such", "not_found"))
        result = self.ctl("kick", "pos", "b13cfa44-17")
        self.assertEqual((result.code, result.out, result.err),
                         (1, "", "mercuryctl: no such\n"))



if __name__ == "__main__":
    mercury.main()
