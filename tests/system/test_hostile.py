"""Children that say what they may not say, or what makes no sense: they are
ended, and nobody else notices."""

import os
import subprocess

import mercury
import supervising
import web
from mercury import answers, ask, connect, kill, listener, wait_until

FILLINGS = ("zeros", "ones")  # of what is said


def kinds_of(role):
    """What a role may say at all; the rest is refused before it is read."""
    out = subprocess.run([mercury.binary("tests/system/stand_in"), "--kinds",
                          role], capture_output=True, text=True, check=True)
    return out.stdout.split()


def status_of(port):
    """Of the readiness check; None where nobody answers yet."""
    try:
        return web.ask(port, "/readyz").status
    except OSError:
        return None


class Hostile(mercury.TestCase):
    def started_with(self, played, listeners=""):
        """A daemon in which one role does as told, and that serves."""
        self.d = self.daemon(listener("keep", workers=2) + listeners)
        self.moods = supervising.Moods(self.d, played)
        return self.d

    def begin(self):
        self.d.start()
        self.port = self.d.port("keep")
        self.pids = self.d.workers("keep")
        self.client = connect(self.port)
        self.addCleanup(self.client.close)

    def still_serves(self):
        self.assertEqual(ask(self.client, b"still?"), b"still?")
        self.assertTrue(answers(self.port))
        self.assertEqual(self.d.workers("keep"), self.pids)

    def wait_logged(self, text):
        wait_until(lambda: text in self.d.log(), text)


class Pool(Hostile):
    def test_each_message(self):
        """Alone, twice once it is ready, and all of them."""
        kinds = kinds_of("pool")
        self.assertIn("TRIED", kinds)
        said = [f"{filling} {what}" for filling in FILLINGS
                for what in kinds + ["READY,READY", "READY," + ",".join(kinds)]
                + [f"READY,{kind},{kind}" for kind in kinds]
                + ["PLAN_END"]]
        d = self.started_with("mercury-pool", "".join(
            listener(f"h{i}", required=False, max_restarts=0,
                     drain_timeout="100ms")
            for i in range(len(said))))
        self.moods.set(*(f"h{i}/0 {what}" for i, what in enumerate(said)))
        self.begin()
        for text in ("sent a message that it may not send",
                     "sent a message that makes no sense now",
                     "message that this process may not send"):
            self.wait_logged(text)
        self.still_serves()
        self.assertEqual({row["name"] for row in d.status()["listeners"]
                          if row["state"] == "listening"}, {"keep"})


class Roles(Hostile):
    """The others, who are one each."""

    def sweep(self, role, *more, but=(), section=""):
        """They say all that they may, as they start and when they are
        ready, and more."""
        self.started_with(f"mercury-{role}", section)
        self.begin()
        mood = os.path.join(self.moods.dir, "mood")
        kinds = [k for k in kinds_of(role) if k not in but and k != "READY"]
        for filling in FILLINGS:
            for what in (kinds, ["READY"] + kinds, kinds + kinds, *more):
                self.moods.set(
                    f"{role} {filling} once,{','.join(what)},exit")
                kill(self.process(role))
                wait_until(lambda: not os.path.exists(mood), "another one")
                self.process(role)
                self.assertEqual(
                    [r["state"] for r in self.answer("daemon.status")
                     ["listeners"]], ["listening"])
                self.still_serves()
        return self.process(role)

    def process(self, role):
        """Once it is itself."""
        def is_itself(pid):
            try:
                exe = os.readlink(f"/proc/{pid}/exe")
            except FileNotFoundError:
                return False
            except PermissionError:  # it keeps secrets, as no stand-in does
                return True
            return exe == f"{self.moods.dir}/real/mercury-{role}"

        def found():
            return [p for p in mercury.descendants(self.d.pid)
                    if mercury.comm(p) == f"mercury-{role}" and is_itself(p)]
        return wait_until(found, f"mercury-{role} runs")[0]

    def answer(self, method):
        """Once those that it takes are themselves again."""
        def asked():
            try:
                return self.d.call(method)
            except (OSError, mercury.RpcError):
                return None
        return wait_until(asked, f"{method} is answered")

    def test_control(self):
        """But for what it has every right to ask for, of all listeners."""
        self.sweep("control", but=("REQ_DRAIN", "REQ_RESTART",
                                   "REQ_SHUTDOWN"))

    def test_store(self):
        self.sweep("store", ["READY", "STORE_TROUBLE*1000"])
        self.answer("events.query")

    def test_gateway(self):
        port = mercury.free_port()
        self.sweep("gateway", ["READY", "REQ_STATUS*200", "REQ_TREE*200",
                               "REQ_HISTORY*200"],
                   section=mercury.gateway(port))
        self.assertEqual(wait_until(lambda: status_of(port), "it answers"), 200)


class Config(Hostile):
    def test_each_message(self):
        """A reload is refused, or it finds nothing to do."""
        d = self.started_with("mercury-config")
        self.begin()
        kinds = kinds_of("config")
        self.assertIn("HOLDER", kinds)
        for filling in FILLINGS:
            for what in kinds + [",".join(kinds)]:
                with self.subTest(filling=filling, what=what):
                    self.moods.set(f"config {filling} once,{what},exit")
                    with self.assertRaises(mercury.RpcError) as e:
                        d.call("daemon.reload")
                    self.assertTrue(e.exception.message)
                    self.still_serves()
        self.moods.set()
        d.call("daemon.reload")
        self.still_serves()


if __name__ == "__main__":
    mercury.main()
