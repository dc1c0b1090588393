"""The sections proxy, exec and module of a listener, and its user."""

import json
import os
import pwd
import unittest

import certs
import mercury
from mercury import connect, receive_all, wait_until
from programs import program

ID = "/usr/bin/id"
ENV = "/usr/bin/env"
GAMES = pwd.getpwnam("games")


def section(name, body, protocol, **options):
    """A listener of the config file with one section."""
    own = mercury.listener(name, protocol=protocol, **options)
    return own.rstrip("}\n") + f"\n  {protocol} {{\n{body}\n  }}\n}}\n"


def said(where):
    """What a program says to somebody who says nothing."""
    with connect(where) as s:
        return receive_all(s).decode()


class Check(mercury.TestCase):
    """mercuryd -t tells what is wrong, and where."""

    def refused(self, text, line, *words):
        d = self.daemon()
        with open(d.config) as f:
            line += f.read().count("\n")
        with open(d.config, "a") as f:
            f.write(text)
        result = d.run("-t")
        self.assertEqual(result.code, 78, result)
        self.assertIn(f"mercury.conf:{line}:", result.err)
        for word in words:
            self.assertIn(word, result.err)

    def proxy(self, body):
        return f'listener "a" {{ port = 1 protocol = proxy\n{body}\n}}\n'

    def test_upstreams(self):
        for upstream, words in (
                ("10.0.0.5", ("10.0.0.5", "no port", "10.0.0.5:8583")),
                ("fd00::1:80", ("brackets", "[fd00::5]:8583")),
                ("a:1 wieght=2", ("wieght=2", 'did you mean "weight="')),
                ("/run/a", ("unix:", "before"))):
            with self.subTest(upstream=upstream):
                self.refused(self.proxy(
                    f'proxy {{\n upstreams = {{"b:1",\n "{upstream}"}} }}'),
                    4, "proxy.upstreams: ", *words)

    def test_keys(self):
        self.refused(self.proxy('proxy { upstreams = "a:1"\n chek = off }'),
                     3, '"chek"', 'did you mean "check"')
        self.refused(self.proxy('proxy { upstreams = "a:1"\n'
                                ' check = expect }'),
                     3, "proxy.check_expect", "missing")
        self.refused(self.proxy('proxy { upstreams = "a:1"\n'
                                ' tls {\n verify = optional } }'),
                     4, "proxy.tls.verify", "required or none")
        self.refused(self.proxy(""), 1, "proxy.upstreams", "missing")
        self.refused('listener "a" { port = 1 protocol = echo\n'
                     ' exec { command = "/bin/cat" } }\n',
                     2, "exec", 'protocol = "exec" only')

    def test_files(self):
        self.refused('listener "a" { port = 1 protocol = exec\n'
                     ' exec {\n command = "/no/such -x" } }\n', 3,
                     "exec.command: /no/such -x: No such file",
                     "a word of its own")
        self.refused('listener "a" { port = 1 protocol = exec\n'
                     ' exec {\n command = "/etc/passwd" } }\n', 3,
                     "exec.command: /etc/passwd: can't be executed")
        self.refused('listener "a" { port = 1 protocol = module\n'
                     ' module { path = "/no.so" } }\n', 2,
                     "module.path: /no.so: No such file")

    def test_certificates_of_upstreams(self):
        made = certs.Certificates(self.scratch())
        text = ('proxy { upstreams = "localhost:1"\n tls {\n'
                ' ca = "%s"\n } }')
        self.refused(self.proxy(text % made.path("no.pem")), 4,
                     "proxy.tls.ca: ", "no.pem", "can't open")
        d = self.daemon(self.proxy(text % made.ca))
        result = d.run("-t")
        self.assertEqual(result.code, 0, result)

    def test_all_of_proxy_is_taken(self):
        d = self.daemon(self.proxy(
            "proxy {\n"
            ' upstreams = {"10.0.0.5:1 weight=2", "unix:/run/a backup"}\n'
            " balance = source weight = 3 connect_timeout = 1s retries = 0\n"
            " max_connections = 10 queue = 0 queue_timeout = 1s\n"
            ' check = expect check_send = "PING\\r\\n"\n'
            ' check_expect = "\\\\x00" check_interval = 500ms\n'
            " check_timeout = 100ms check_rise = 1 check_fall = 1\n"
            " send_proxy = v2 splice = off resolve_every = 1m\n"
            ' resolvers = {"127.0.0.1", "[::1]:5353"}\n'
            ' tls { verify = none alpn = "x" } }'))
        result = d.run("-t")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(result.err.strip(), "")


class Running(mercury.TestCase):
    def env(self, d, name, **words):
        keys = {"protocol": "exec", "exec.command": ENV, "workers": 1,
                "address": "127.0.0.1", "port": 0, **words}
        return d.ctl("add-listener", name,
                     *(f"{k}={v}" for k, v in keys.items()))

    def saved(self, d, name):
        with open(os.path.join(d.state, "listeners", name + ".json")) as f:
            return json.load(f)

    def test_dotted_keys(self):
        d = self.started()
        result = self.env(d, "a", **{"exec.environment": "A=1,B=x=y"})
        self.assertEqual(result.code, 0, result)
        self.assertIn("A=1\nB=x=y\n", said(d.port("a")))

    def test_a_file(self):
        d = self.started()
        spec = {"name": "a", "port": 0, "address": "127.0.0.1",
                "protocol": "exec", "workers": 1,
                "exec": {"command": ["/bin/echo", "a, b", ""],
                         "files": 64, "cpu": "10s"}}
        result = d.ctl("add-listener", "--file", "-",
                       data=json.dumps(spec).encode())
        self.assertEqual(result.code, 0, result)
        self.assertEqual(said(d.port("a")), "a, b \n")

    def test_errors_name_the_key(self):
        d = self.started()
        for words, error in (
                ({"exec.command": "env"}, 'exec.command: "env" is no abs'),
                ({"exec.comand": "/x"}, 'did you mean "command"'),
                ({"exec.command": "/no/such"},
                 "exec.command: /no/such: No such file"),
                ({"exec.directory": "/no/such"}, "exec.directory: /no/such"),
                ({"exec.memory": "1x"}, 'exec.memory: "1x" is no size'),
                ({"proxy.upstreams": "a:1"},
                 'proxy: goes with protocol = "proxy" only'),
                ({"protocol": "proxy"}, "goes with protocol"),
                ({"protocol": "module", "module.path": "/no.so",
                  "exec.command": ""}, "exec.")):
            with self.subTest(words=words):
                result = self.env(d, "a", **words)
                self.assertEqual(result.code, 1, result)
                self.assertIn(error, result.err)
        self.assertEqual(d.status()["listeners"], [])

    def test_an_update_changes_what_it_names(self):
        d = self.started()
        self.assertEqual(self.env(
            d, "a", **{"exec.environment": "A=1", "exec.files": 64}).code, 0)
        before = d.workers("a")
        result = d.ctl("update-listener", "a", "exec.environment=A=2")
        self.assertEqual(result.code, 0, result)
        wait_until(lambda: "A=2" in said(d.port("a")), "it has changed")
        self.assertEqual(d.workers("a"), before)
        result = d.ctl("update-listener", "a", "exec.environment=")
        self.assertEqual(result.code, 0, result)
        wait_until(lambda: "A=" not in said(d.port("a")), "it is gone")
        for words, error in (
                (["exec.command="], "exec.command: is missing"),
                (["exec.command=/no/such"], "/no/such: No such file"),
                (["proxy.upstreams=a:1"], "goes with protocol"),
                (["module.path=/x"], "goes with protocol")):
            result = d.ctl("update-listener", "a", *words)
            self.assertEqual(result.code, 1, result)
            self.assertIn(error, result.err)
        self.assertIn("TCPREMOTEIP", said(d.port("a")))

    def test_saved_as_it_was_written(self):
        d = self.started()
        self.assertEqual(self.env(d, "a", **{"exec.environment": "A=1"}).code,
                         0)
        result = d.ctl("update-listener", "a", "exec.cpu=90s", "--save")
        self.assertEqual(result.code, 0, result)
        saved = self.saved(d, "a")
        self.assertEqual(saved["exec"], {
            "command": [ENV], "environment": ["A=1"], "cpu": "90s"})
        self.assertEqual(saved["protocol"], "exec")
        self.assertFalse(saved.keys() - {
            "name", "address", "port", "protocol", "workers", "exec"})
        port = d.port("a")
        d.stop()
        d.start()
        self.assertEqual(d.port("a"), port)
        self.assertIn("A=1", said(port))
        result = d.ctl("reload")
        self.assertEqual(result.code, 0, result)
        self.assertIn("1 unchanged", result.out)

    def test_a_reload_changes_the_section(self):
        port = mercury.free_port()

        def config(body):
            return section("a", f'command = "{ENV}"\n{body}', "exec",
                           port=port)

        d = self.started(config('environment = "A=1"'))
        worker = d.workers("a")
        d.write(config('environment = "A=2"'))
        result = d.ctl("reload")
        self.assertIn("1 updated", result.out)
        wait_until(lambda: "A=2" in said(port), "it has changed")
        self.assertEqual(d.workers("a"), worker)
        d.write(config('comand = "x"'))
        result = d.ctl("reload")
        self.assertEqual(result.code, 1, result)
        self.assertIn('did you mean "command"', result.err)
        self.assertIn("A=2", said(port))

    def test_a_reload_changes_the_protocol(self):
        port = mercury.free_port()
        d = self.started(mercury.listener("a", port=port))
        self.assertTrue(mercury.answers(port))
        d.write(section("a", f'command = {{"{ENV}"}}', "exec", port=port))
        result = d.ctl("reload")
        self.assertEqual(result.code, 0, result)
        self.assertIn("1 restarted", result.out)
        wait_until(lambda: "PROTO=TCP" in said(port), "it is a program")
        d.write(mercury.listener("a", port=port))
        self.assertEqual(d.ctl("reload").code, 0)
        wait_until(lambda: mercury.answers(port), "it echoes again")


@unittest.skipUnless(mercury.ROOT, "only root can become somebody else")
class User(mercury.TestCase):
    def config(self, user, port):
        options = {"user": user} if user else {}
        return section("a", f'command = {{"{ID}", "-u"}}', "exec", port=port,
                       **options)

    def uid_of(self, pid):
        with open(f"/proc/{pid}/status") as f:
            fields = dict(line.split(":", 1) for line in f)
        uids = {int(uid) for uid in fields["Uid"].split()}
        gids = {int(gid) for gid in fields["Gid"].split()}
        self.assertEqual(len(uids), 1)
        self.assertEqual(fields["Groups"].split(), [])
        return uids.pop(), gids.pop()

    def test_workers_and_programs_are_the_user(self):
        port = mercury.free_port()
        d = self.started(self.config("games", port) +
                         mercury.listener("b"))
        self.assertEqual(said(port).split(), [str(GAMES.pw_uid)])
        self.assertEqual(self.uid_of(d.workers("a")[0]),
                         (GAMES.pw_uid, GAMES.pw_gid))
        self.assertEqual(self.uid_of(d.workers("b")[0])[0], 65534)
        d.kill_worker("a")
        wait_until(lambda: said(port).split() == [str(GAMES.pw_uid)],
                   "and still the user")

    def test_a_reload_changes_the_user(self):
        port = mercury.free_port()
        d = self.started(self.config("", port))
        self.assertEqual(said(port).split(), ["65534"])
        for user, uid in (("games", GAMES.pw_uid), ("", 65534)):
            d.write(self.config(user, port))
            result = d.ctl("reload")
            self.assertEqual(result.code, 0, result)
            self.assertIn("1 restarted", result.out)
            self.assertEqual(said(port).split(), [str(uid)])
            self.assertIn("1 unchanged", d.ctl("reload").out)

    def test_a_pool_has_one(self):
        one = self.config("games", mercury.free_port())
        d = self.started(one)
        d.add("b", pool="a", workers=1, **program(ID, "-u"))
        self.assertEqual(said(d.port("b")).split(), [str(GAMES.pw_uid)])
        for user, error in (("nobody", "pool a can't have"),
                            ("root", "is root"),
                            ("nosuchuser", "no user")):
            d.write(one + mercury.listener("c", pool="a", user=user,
                                           port=mercury.free_port()))
            result = d.ctl("reload")
            self.assertEqual(result.code, 1, result)
            self.assertIn("user: ", result.err)
            self.assertIn(error, result.err)

    def test_only_the_config_file_may_say(self):
        """Not who may use the control socket, be it root: a worker may."""
        port = mercury.free_port()
        d = self.started(self.config("", port))
        for args in (("add-listener", "b", "port=0", "protocol=echo"),
                     ("add-listener", "b", "port=0", "protocol=echo",
                      "--save"),
                     ("update-listener", "a")):
            result = d.ctl(*args, "user=games")
            self.assertEqual(result.code, 1, result)
            self.assertIn("user: can be set in the config file only",
                          result.err)
        self.assertEqual(said(port).split(), ["65534"])

    def test_nor_a_saved_file(self):
        """The folder is the daemon's user's."""
        d = self.started()
        d.add("a", save=True, workers=1, **program(ID, "-u"))
        path = os.path.join(d.state, "listeners", "a.json")
        with open(path, encoding="utf-8") as f:
            saved = json.load(f)
        saved["user"] = "games"
        with open(path, "w", encoding="utf-8") as f:
            json.dump(saved, f)
        d.stop()
        d.start()
        self.assertEqual(d.status()["listeners"], [])
        self.assertIn("user: can be set in the config file only", d.log())


class UpstreamTls(mercury.TestCase):
    """The files of TLS to upstreams, while the daemon runs."""

    def setUp(self):
        super().setUp()
        self.made = certs.Certificates(self.scratch())
        self.cert, self.key = self.made.make("server")
        self.port = mercury.free_port()
        text = mercury.listener("echo", port=self.port, transport="tls")
        self.d = self.started(
            text.rstrip("}\n") + f'\n tls {{ cert = "{self.cert}" '
            f'key = "{self.key}" }} }}\n')

    def add(self, *words):
        return self.d.ctl(
            "add-listener", "p", "port=0", "address=127.0.0.1", "workers=1",
            "protocol=proxy", f"proxy.upstreams=127.0.0.1:{self.port}",
            "proxy.check=off", *words)

    def echoes(self):
        try:
            with connect(self.d.port("p")) as s:
                return mercury.ask(s, b"hello") == b"hello"
        except OSError:
            return False

    def test_added_updated_and_saved(self):
        other = self.made.make_ca("other")
        result = self.add(f"proxy.tls.ca={self.made.path('no.pem')}")
        self.assertEqual(result.code, 1, result)
        self.assertIn("proxy.tls.ca: ", result.err)
        self.assertIn("no.pem", result.err)
        result = self.add(f"proxy.tls.ca={self.made.ca}", "--save")
        self.assertEqual(result.code, 0, result)
        self.assertTrue(self.echoes())
        result = self.d.ctl("update-listener", "p", "proxy.tls.ca=" + other)
        self.assertEqual(result.code, 0, result)
        self.assertFalse(self.echoes(), "of another authority")
        result = self.d.ctl("update-listener", "p", "proxy.tls.verify=none",
                            "proxy.retries=1", "--save")
        self.assertEqual(result.code, 0, result)
        self.assertTrue(self.echoes())
        path = os.path.join(self.d.state, "listeners", "p.json")
        with open(path, encoding="utf-8") as f:
            saved = json.load(f)
        self.assertEqual(saved["proxy"]["tls"], {"ca": other,
                                                 "verify": "none"})
        self.assertEqual(saved["proxy"]["retries"], 1)
        result = self.d.ctl("update-listener", "p", "proxy.tls=")
        self.assertEqual(result.code, 0, result)
        self.assertFalse(self.echoes(), "no TLS: the upstream wants it")

    def test_files_are_read_again(self):
        used = self.made.path("used.pem")
        other = self.made.make_ca("other")

        def use(path):
            with open(path, "rb") as f, open(used + ".new", "wb") as out:
                out.write(f.read())
            os.rename(used + ".new", used)

        use(self.made.ca)
        self.assertEqual(self.add("proxy.tls.ca=" + used).code, 0)
        self.assertTrue(self.echoes())
        use(other)
        self.assertTrue(self.echoes(), "not yet")
        result = self.d.ctl("restart-listener", "p")
        self.assertEqual(result.code, 0, result)
        self.assertFalse(self.echoes())
        use("/dev/null")
        result = self.d.ctl("restart-listener", "p")
        self.assertEqual(result.code, 1, result)
        self.assertIn("p: not restarted: proxy.tls.ca: ", result.err)
        use(self.made.ca)
        result = self.d.ctl("restart-listener", "--all")
        self.assertEqual(result.code, 0, result)
        self.assertTrue(self.echoes())

    def test_the_default_is_the_systems(self):
        result = self.add("proxy.tls.server_name=localhost")
        if not os.path.exists("/etc/ssl/certs/ca-certificates.crt"):
            self.assertEqual(result.code, 1, result)
            self.assertIn("ca-certificates", result.err)
            return
        self.assertEqual(result.code, 0, result)
        self.assertFalse(self.echoes(), "which has not signed it")


class Ordinary(mercury.TestCase):
    """mercuryd is not root."""

    def test_only_who_it_is(self):
        d = self.daemon(as_root=False)
        d.start()
        own = os.stat(d.control).st_uid
        other = "games" if own != GAMES.pw_uid else "nobody"
        result = d.ctl("add-listener", "a", "port=0", "protocol=echo",
                       f"user={other}")
        self.assertEqual(result.code, 1, result)
        self.assertIn("only as root", result.err)
        result = d.ctl("add-listener", "a", "port=0", "protocol=echo",
                       "address=127.0.0.1", f"user={own}")
        self.assertEqual(result.code, 0, result)
        self.assertTrue(mercury.answers(d.port("a")))
        d.write(mercury.listener("b", user=other))
        result = d.run("-t")
        self.assertEqual(result.code, 78, result)
        self.assertIn("user: ", result.err)
        self.assertIn("only as root", result.err)


if __name__ == "__main__":
    mercury.main()
