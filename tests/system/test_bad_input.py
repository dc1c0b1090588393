"""Whatever comes in, there is a clear error, and everybody else goes on."""

import json
import os
import socket

import mercury
from mercury import answers, ask, connect, wait_until

PARSE_ERROR, INVALID_REQUEST = -32700, -32600
NO_METHOD, BAD_PARAMS = -32601, -32602
OURS = -32000

# What add-listener must refuse, and words that must be in the error.
BAD_OPTIONS = [
    ({"port": 70000}, ("port", "70000", "65535")),
    ({"port": -1}, ("port", "-1")),
    ({"port": "nine"}, ("port", "nine")),
    ({"port": 1.5}, ("port",)),
    ({"port": 999999999999}, ("port", "65535")),
    ({"port": None}, ("port",)),
    ({"port": [1]}, ("port",)),
    ({"prot": 9100}, ("prot",)),
    ({"port": 0, "backlogg": 5}, ("backlogg", "backlog")),
    ({"port": 0, "workers": 0}, ("workers",)),
    ({"port": 0, "workers": 5000}, ("workers", "1024")),
    ({"port": 0, "workers": "many"}, ("workers",)),
    ({"port": 0, "backlog": 0}, ("backlog",)),
    ({"port": 0, "nodelay": "perhaps"}, ("nodelay",)),
    ({"port": 0, "keepalive": "60"}, ("keepalive",)),
    ({"port": 0, "drain_timeout": "15"}, ("drain_timeout",)),
    ({"port": 0, "drain_timeout": "15 parsecs"}, ("drain_timeout",)),
    ({"port": 0, "address": "localhost"}, ("address", "localhost")),
    ({"port": 0, "address": "10.0.0"}, ("address",)),
    ({"port": 0, "transport": "tls"}, ("transport", "tls")),
    ({"port": 0, "transport": "unix"}, ("path",)),
    ({"port": 0, "path": "/tmp/x"}, ("port", "path")),
    ({"port": 0, "protocol": "telnet"}, ("protocol", "telnet")),
    ({"port": 0, "protocol": None}, ("protocol",)),
    ({"port": 0, "pool": "a/b"}, ("pool",)),
    ({"path": "/tmp/x", "mode": "0999"}, ("mode",)),
    ({"path": "/tmp/" + "x" * 200}, ("path", "107")),
    ({"path": "/tmp/x", "owner": "no-such-user"}, ("owner", "no-such-user")),
    ({}, ("port",)),
]
BAD_NAMES = ["", "a/b", "a\nb", "a\x1b[31mb", "a\x7fb", "x" * 65,
             "ü" * 33, "a\u0085b"]
GOOD_NAMES = ["x" * 64, "ü" * 32, "pos 1", "a.b:c-d_e", "{}\"'"]


class BadInput(mercury.TestCase):
    """One daemon for each test; a client and a listener that must go on."""

    def setUp(self):
        super().setUp()
        self.d = self.started(mercury.listener("good"))
        self.client = connect(self.d.port("good"))
        self.other = self.d.rpc()
        self.pids = self.d.tree()
        self.addCleanup(self.client.close)
        self.addCleanup(self.other.close)
        self.goes_on()

    def goes_on(self):
        """The listener, its client, other control clients: all as before."""
        self.assertEqual(ask(self.client, b"still"), b"still")
        status = self.other.call("daemon.status")
        self.assertEqual([r["name"] for r in status["listeners"]], ["good"])
        self.assertEqual(self.d.tree(), self.pids)

    def error(self, rpc):
        """The next line must be an error: its code and message."""
        answer = rpc.line()
        self.assertIsNotNone(answer, "hung up without a word")
        self.assertIn("error", answer)
        self.assertEqual(answer["jsonrpc"], "2.0")
        self.assertTrue(answer["error"]["message"])
        return answer["error"]["code"]


class Options(BadInput):
    def test_on_the_control_socket(self):
        for options, words in BAD_OPTIONS:
            params = {"name": "bad", "protocol": "echo", **options}
            params = {k: v for k, v in params.items()
                      if not (k == "protocol" and v is None)}
            with self.subTest(params=str(params)):
                with self.assertRaises(mercury.RpcError) as caught:
                    self.other.call("listener.add", **params)
                for word in words:
                    self.assertIn(word, caught.exception.message)
        self.goes_on()

    def test_with_mercuryctl(self):
        for options, words in BAD_OPTIONS:
            pairs = [f"{k}={v}" for k, v in
                     {"protocol": "echo", **options}.items()
                     if v is not None and not isinstance(v, list)]
            if "port" in options and options["port"] is None:
                continue
            if any(v is None or isinstance(v, list)
                   for v in options.values()):
                continue
            with self.subTest(pairs=pairs):
                result = self.d.ctl("add-listener", "bad", *pairs)
                self.assertIn(result.code, (1, 2), result)
                for word in words:
                    self.assertIn(word, result.err)
        self.goes_on()

    def test_in_the_config_file(self):
        for options, words in BAD_OPTIONS:
            if any(v is None or isinstance(v, (list, float))
                   for v in options.values()):
                continue
            options = {"protocol": "echo", **options}
            lines = [f"  {k} = {mercury.text(v)}" for k, v in options.items()]
            body = 'listener "bad" {\n' + "\n".join(lines) + "\n}\n"
            with self.subTest(body=body):
                d = self.daemon(body)
                for args in (("-t",), ("-f",), ()):
                    result = d.run(*args)
                    self.assertEqual(result.code, 78, result)
                    self.assertRegex(result.err, r"mercury\.conf:\d+")
                    for word in words:
                        self.assertIn(word, result.err)

    def test_names(self):
        for name in BAD_NAMES:
            with self.subTest(name=name):
                with self.assertRaises(mercury.RpcError):
                    self.other.call("listener.add", name=name, port=0,
                                    protocol="echo")
                result = self.d.ctl("add-listener", name, "port=0",
                                    "protocol=echo")
                self.assertIn(result.code, (1, 2), result)
                self.assertNotIn("\x1b", result.err, "not escaped")
        self.goes_on()

    def test_odd_but_good_names(self):
        for name in GOOD_NAMES:
            with self.subTest(name=name):
                self.d.add(name)
                self.assertIsNotNone(self.d.listener(name))
                result = self.d.ctl("remove-listener", name)
                self.assertEqual(result.code, 0, result)
        wait_until(lambda: self.d.tree() == self.pids, "all are gone")
        self.goes_on()


class ConfigFile(mercury.TestCase):
    def refused(self, body, line, *words):
        d = self.daemon()
        with open(d.config, "w") as f:
            f.write(body)
        for args in (("-t",), ("-f",)):
            result = d.run(*args)
            self.assertEqual(result.code, 78, result)
            if line:
                self.assertIn(f"mercury.conf:{line}:", result.err)
            for word in words:
                self.assertIn(word, result.err)

    def test_line_numbers(self):
        self.refused('daemon {\n}\nlistener "a" {\n  protocol = "echo"\n'
                     '  port = 70000\n}\n', 5, "port", "70000")
        self.refused('# comment\n\nlisten "a" {\n}\n', 3, "listen")
        self.refused('daemon {\n  usr = "nobody"\n}\n', 2, "usr")
        self.refused('daemon {\n  log = "file"\n}\n', 2, "log")

    def test_every_error_is_told(self):
        self.refused('listener "a" {\n  protocol = "echo"\n  port = 70000\n'
                     '}\nlistener "b" {\n  protocol = "telnet"\n  port = 1\n'
                     '}\n', 3, "70000", "mercury.conf:6", "telnet")

    def test_a_truncated_file(self):
        self.refused('listener "a" {\n  port = 0\n  protocol = "echo"\n', None)
        self.refused('listener "a" {\n  port = ', None)

    def test_a_name_or_option_twice(self):
        one = 'listener "a" {\n  port = 0\n  protocol = "echo"\n}\n'
        self.refused(one + one, None, "a")
        self.refused('listener "a" {\n  port = 0\n  port = 1\n'
                     '  protocol = "echo"\n}\n', 3, "port")

    def test_bad_names(self):
        for name in ("", "a/b", "x" * 65):
            self.refused(f'listener "{name}" {{\n  port = 0\n'
                         '  protocol = "echo"\n}\n', None)

    def test_binary_garbage(self):
        d = self.daemon()
        for data in (os.urandom(4096), b"\0" * 100, b"{" * 100000):
            with open(d.config, "wb") as f:
                f.write(data)
            result = d.run("-t")
            self.assertEqual(result.code, 78, result)

    def test_no_file(self):
        d = self.daemon()
        os.unlink(d.config)
        for args in (("-t",), ("-f",), ()):
            result = d.run(*args)
            self.assertEqual(result.code, 78, result)
            self.assertIn(d.config, result.err)

    def test_a_user_that_does_not_exist(self):
        d = self.daemon(user="no-such-user")
        result = d.run("-t")
        if mercury.ROOT:
            self.assertEqual(result.code, 78, result)
            self.assertIn("no-such-user", result.err)


class ControlSocket(BadInput):
    def test_not_json(self):
        for line in (b"hello\n", b"{\n", b"\xff\xfe\x00\x01\n", b"[1,2\n",
                     b'{"a":1}{"b":2}\n', b"{'a':1}\n", b'"\x00"\n',
                     b"[99999999999999999999]\n", b"[1e999]\n"):
            with self.subTest(line=line), self.d.rpc() as rpc:
                rpc.send(line)
                self.assertEqual(self.error(rpc), PARSE_ERROR)
        self.goes_on()

    def test_not_a_request(self):
        for request in (1, "x", None, True, {}, {"jsonrpc": "2.0", "id": 1},
                        {"jsonrpc": "1.0", "id": 1, "method": "daemon.status"},
                        {"jsonrpc": "2.0", "id": 1, "method": 5},
                        {"jsonrpc": "2.0", "id": {}, "method": "x"}):
            with self.subTest(request=request), self.d.rpc() as rpc:
                rpc.send(json.dumps(request).encode() + b"\n")
                self.assertEqual(self.error(rpc), INVALID_REQUEST)
        self.goes_on()

    def test_unknown_method_and_params(self):
        with self.assertRaises(mercury.RpcError) as caught:
            self.other.call("daemon.explode")
        self.assertEqual(caught.exception.code, NO_METHOD)
        self.other.send(b'{"jsonrpc":"2.0","id":7,"method":"listener.remove",'
                        b'"params":"a"}\n')
        answer = self.other.line()
        self.assertEqual(answer["id"], 7)
        self.assertIn(answer["error"]["code"], (INVALID_REQUEST, BAD_PARAMS))
        for params in ({}, {"name": 5}, {"name": "good", "what": 1},
                       {"name": "good", "deadline": "soon"}):
            with self.assertRaises(mercury.RpcError, msg=str(params)):
                self.other.call("listener.remove", **params)
        self.goes_on()

    def test_a_key_twice(self):
        with self.d.rpc() as rpc:
            rpc.send(b'{"jsonrpc":"2.0","id":1,"method":"daemon.status",'
                     b'"method":"daemon.shutdown"}\n')
            self.assertEqual(self.error(rpc), PARSE_ERROR)
        self.goes_on()

    def test_nested_10000_deep(self):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            with self.d.rpc() as rpc:
                deep = opening * 10000 + "1" + closing * 10000
                rpc.send(b'{"jsonrpc":"2.0","id":1,"method":"daemon.status",'
                         b'"params":' + deep.encode() + b"}\n")
                self.assertIn(self.error(rpc),
                              (PARSE_ERROR, INVALID_REQUEST))
        self.goes_on()

    def test_10_megabytes(self):
        with self.d.rpc() as rpc:
            rpc.send(b'{"jsonrpc":"2.0","id":1,"method":"daemon.status",'
                     b'"params":{"x":"' + b"x" * (10 << 20) + b'"}}\n')
            self.assertEqual(self.error(rpc), INVALID_REQUEST)
            self.assertEqual(rpc.call("daemon.status")["state"], "running",
                             "the next line was found")
        with self.d.rpc() as rpc:  # it never ends: an error, then the end
            try:
                rpc.send(b"x" * (1 << 20))
                rpc.send(b"x")
                self.assertEqual(self.error(rpc), INVALID_REQUEST)
                rpc.send(b"x" * (80 << 20))
                self.assertIsNone(rpc.line())
            except (BrokenPipeError, ConnectionResetError):
                pass
        control = self.d.child("mercury-control")
        if not mercury.SANITIZED:
            self.assertLess(mercury.anonymous_bytes(control), 16 << 20)
        self.goes_on()

    def test_two_requests_in_one_packet(self):
        request = '{"jsonrpc":"2.0","id":%d,"method":"daemon.status"}\n'
        with self.d.rpc() as rpc:
            rpc.send("".join(request % i for i in range(1, 101)).encode())
            ids = {rpc.line()["id"] for _ in range(100)}
            self.assertEqual(ids, set(range(1, 101)))

    def test_one_request_in_1000_packets(self):
        request = (b'{"jsonrpc":"2.0","id":1,"method":"daemon.status"'
                   + b" " * 950 + b"}\n")
        with self.d.rpc() as rpc:
            for byte in request:
                rpc.send(bytes([byte]))
            self.assertEqual(rpc.line()["result"]["state"], "running")

    def test_binary_garbage(self):
        for _ in range(20):
            with self.d.rpc() as rpc:
                try:
                    rpc.send(os.urandom(10000))
                    rpc.socket.shutdown(socket.SHUT_WR)
                    while rpc.line() is not None:
                        pass
                except (BrokenPipeError, ConnectionResetError):
                    pass
        self.goes_on()

    def test_clients_that_say_nothing(self):
        silent = []
        try:
            for _ in range(200):
                try:
                    silent.append(connect(self.d.control))
                except (BlockingIOError, ConnectionRefusedError):
                    break
            self.goes_on()
        finally:
            for s in silent:
                s.close()
        wait_until(lambda: self.d.ctl("status").code == 0, "room again")

    def test_a_client_that_leaves_in_the_middle(self):
        for request in (b'{"jsonrpc":"2.0"', b""):
            with self.d.rpc() as rpc:
                rpc.send(request)
        with self.d.rpc() as rpc:
            rpc.send(b'{"jsonrpc":"2.0","id":1,"method":"listener.add",'
                     b'"params":{"name":"x","port":0,"protocol":"echo",'
                     b'"workers":1}}\n')
        # It was asked for, so it is there; nobody heard the answer.
        wait_until(lambda: self.d.listener("x"), "the listener")
        self.assertEqual(self.d.ctl("remove-listener", "x").code, 0)
        wait_until(lambda: self.d.tree() == self.pids, "it is gone")
        self.goes_on()

    def test_a_client_that_never_reads(self):
        control = self.d.child("mercury-control")
        with self.d.rpc() as rpc:
            rpc.socket.settimeout(1)
            request = b'{"jsonrpc":"2.0","id":1,"method":"daemon.status"}\n'
            try:
                for _ in range(200):
                    rpc.send(request * 1000)
                dropped = False
            except (BrokenPipeError, ConnectionResetError):
                dropped = True
            except TimeoutError:
                dropped = False  # it is just not read from any more
            self.goes_on()
            if not dropped and not mercury.SANITIZED:
                self.assertLess(mercury.anonymous_bytes(control), 16 << 20)
        self.goes_on()

    def test_notifications_get_no_answer(self):
        self.other.send(b'{"jsonrpc":"2.0","method":"daemon.status"}\n')
        self.other.call("daemon.status")  # its own answer comes first


class Mercuryctl(BadInput):
    def test_usage(self):
        for args in ([], ["dance"], ["--wrong"], ["add-listener"],
                     ["remove-listener"], ["status", "a", "b"],
                     ["add-listener", "a", "port"],
                     ["--timeout", "soon", "status"],
                     ["shutdown", "--deadline"], ["-s"]):
            with self.subTest(args=args):
                result = mercury.run([mercury.binary("mercuryctl"), *args])
                self.assertEqual(result.code, 2, result)
                self.assertTrue(result.err)
                self.assertEqual(result.out, "")
        self.goes_on()

    def test_no_daemon(self):
        for args in (["status"], ["tree"], ["remove-listener", "a"]):
            result = mercury.run([mercury.binary("mercuryctl"), "-s",
                                  self.d.dir + "/no.sock", *args])
            self.assertEqual(result.code, 3, result)
            self.assertIn("no.sock", result.err)

    def test_timeout(self):
        path = os.path.join(self.d.dir, "deaf.sock")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path)
            s.listen()
            result = mercury.run([mercury.binary("mercuryctl"), "-s", path,
                                  "--timeout", "200ms", "status"])
            self.assertEqual(result.code, 4, result)

    def test_a_daemon_that_talks_nonsense(self):
        path = os.path.join(self.d.dir, "odd.sock")
        for reply in (b"hello\n", b"{}\n", b"[]\n", b'{"id":1}\n', b"",
                      b'{"jsonrpc":"2.0","id":1,"result":5}\n'):
            with self.subTest(reply=reply):
                with socket.socket(socket.AF_UNIX) as s:
                    s.bind(path)
                    s.listen()
                    pid = os.fork()
                    if pid == 0:
                        peer = s.accept()[0]
                        peer.recv(1000)
                        peer.sendall(reply)
                        os._exit(0)
                    result = mercury.run(
                        [mercury.binary("mercuryctl"), "-s", path, "status"])
                    os.waitpid(pid, 0)
                os.unlink(path)
                self.assertGreater(result.code, 0, result)
                self.assertLess(result.code, 5, result)

    def test_socket_from_the_environment(self):
        env = dict(os.environ, MERCURY_SOCKET=self.d.control)
        result = mercury.run(
            [mercury.binary("mercuryctl"), "--json", "status"], env=env)
        self.assertEqual(result.json()["pid"], self.d.pid)

    def test_bad_file(self):
        for data in (b"", b"[]", b"{", b'{"port": 0}', b"\xff" * 10):
            result = self.d.ctl("add-listener", "--file", "-", data=data)
            self.assertIn(result.code, (1, 2), result)
            self.assertTrue(result.err)
        result = self.d.ctl("add-listener", "--file", "/no/such/file")
        self.assertIn(result.code, (1, 2), result)
        self.goes_on()



class Config(mercury.TestCase):
    """What can't start is refused by -t and by a start alike, with its
    line; a file that a machine wrote keeps nobody from starting."""

    def refuse(self, listeners, *words, **settings):
        d = self.daemon(listeners, **settings)
        for args in (["-t"], ["-f"]):
            result = d.run(*args)
            self.assertEqual(result.code, 78, result)
            for word in words:
                self.assertIn(word, result.err)

    def test_a_place_can_be_taken_once(self):
        port = mercury.free_port()
        for first, second in (("127.0.0.1", "127.0.0.1"),
                              ("0.0.0.0", "127.0.0.1"), ("::", "0.0.0.0"),
                              ("::1", "::"), ("127.0.0.1", "::")):
            with self.subTest(first=first, second=second):
                self.refuse(
                    mercury.listener("a", address=first, port=port)
                    + mercury.listener("b", address=second, port=port),
                    'listener "b"', f"{port} is taken by", 'listener "a" at ',
                    "mercury.conf:9 already")
        path = self.scratch() + "/s"
        self.refuse(mercury.listener("a", path=path)
                    + mercury.listener("b", path=path),
                    'listener "b"', f"{path} is taken by", 'listener "a" at ')

    def test_what_can_be_bound_side_by_side_is_accepted(self):
        port = mercury.free_port()
        d = self.started(
            mercury.listener("a", address="127.0.0.1", port=port)
            + mercury.listener("b", address="127.0.0.2", port=port)
            + mercury.listener("c", address="::1", port=port)
            + mercury.listener("d") + mercury.listener("e"))
        self.assertEqual(d.run("-t").code, 0)
        for host in ("127.0.0.1", "127.0.0.2", "::1"):
            self.assertTrue(answers((host, port)))

    def test_a_pool_has_one_size(self):
        self.refuse(mercury.listener("a", pool="p", workers=1)
                    + mercury.listener("b", pool="p", workers=2),
                    'listener "b"', "workers: pool p can't have 2",
                    'listener "a" at ')

    def test_who_sizes_the_pool_need_not_be_the_first(self):
        count = os.cpu_count() + 1
        plain = 'listener "%s" { address = "127.0.0.1" port = 0 ' \
            'protocol = "echo" pool = "p" %s }\n'
        d = self.started(plain % ("a", "")
                         + plain % ("b", f"workers = {count}"))
        self.assertEqual(len(d.workers("a")), count)
        self.assertEqual(d.ctl("reload").code, 0)

    def test_a_control_socket_that_is_too_long_to_bind(self):
        folder = self.scratch()
        path = folder + "/" + "x" * (99 - len(folder))
        self.refuse("", "control_socket: ", "mercury.conf:", "at most 99",
                    control_socket=path)
        d = self.daemon("", control_socket=path[:-1])
        d.control = path[:-1]
        d.pid_file = folder + "/mercuryd.pid"
        d.start()
        self.assertEqual(d.ctl("status").code, 0)

    def test_addresses_that_no_listener_can_have(self):
        for address, word in (("224.0.0.1", "multicast"),
                              ("ff02::1", "multicast"),
                              ("255.255.255.255", "broadcast"),
                              ("fe80::1", "scope")):
            self.refuse(mercury.listener("a", address=address), word,
                        "mercury.conf:")
        d = self.started()
        for address in ("224.0.0.1", "255.255.255.255", "fe80::1"):
            with self.assertRaises(mercury.RpcError) as caught:
                d.add("a", address=address)
            self.assertEqual(caught.exception.reason, "invalid")

    def test_a_saved_file_that_is_damaged_is_left_out(self):
        d = self.started()
        d.add("good", save=True)
        d.add("bad", save=True)
        for name, text in (("bad", "{"), ("ugly", "{}")):
            with open(f"{d.state}/listeners/{name}.json", "w") as f:
                f.write(text)
        result = d.ctl("reload")
        self.assertEqual(result.code, 0, result)
        self.assertTrue(answers(d.port("bad")), "it runs on")
        self.assertEqual(d.stop(), 0)
        result = d.run("-t")
        self.assertEqual(result.code, 0, result)
        for name in ("bad", "ugly"):
            self.assertIn(f"listeners/{name}.json: not used: ", result.err)
        d.start()
        self.assertIn("listeners/bad.json: not used: ", d.log())
        self.assertEqual([l["name"] for l in d.status()["listeners"]],
                         ["good"])
        self.assertTrue(os.path.exists(f"{d.state}/listeners/bad.json"))

    def test_a_saved_listener_yields(self):
        d = self.started()
        port = d.add("saved", save=True)["port"]
        self.assertEqual(d.stop(), 0)
        d.write(mercury.listener("new", port=port))
        d.start()
        self.assertEqual([l["name"] for l in d.status()["listeners"]],
                         ["new"])
        self.assertIn(f'saved.json: not used: port: {port} is taken by '
                      'listener "new" at ', d.log())

    def test_many_errors_are_told_in_whole_lines(self):
        d = self.started()
        d.write("".join(f'listener "{n}" {{ port = x }}\n'
                        for n in range(40)))
        result = d.ctl("reload")
        self.assertEqual(result.code, 1, result)
        lines = result.err.splitlines()
        for line in lines[:-1]:
            self.assertRegex(line, r"^mercuryctl: .*mercury.conf:\d+: port: "
                             r'"x" is no whole number from 0 to 65535$')
        self.assertRegex(lines[-1], r"^mercuryctl: and \d+ more")
        self.assertEqual(len(lines) - 1 + int(lines[-1].split()[2]), 40)
        wait_until(lambda: d.log().count('"x" is no whole number') == 40,
                   "the log has all of them")


if __name__ == "__main__":
    mercury.main()
