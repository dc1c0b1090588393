"""What testssl.sh says of a TLS listener with the options as they are."""

import json
import os

import mercury
from certs import Certificates
from test_tls import section, tls_listener


HARMLESS = {"OK", "INFO", "LOW", "WARN", "DEBUG"}


class Testssl(mercury.TestCase):
    timeout = 600  # testssl.sh takes half a minute of a core that is free

    def test_no_finding_is_above_low(self):
        if mercury.SANITIZED:
            self.skipTest("slow, and what it asks does not depend on that")
        testssl = mercury.need_tool(self, "testssl")
        certs = Certificates(os.path.join(self.scratch(), "tls"))
        cert, key = certs.make("server", cn="localhost", days="90", more=(
            "extendedKeyUsage=serverAuth\n"
            "crlDistributionPoints=URI:http://localhost/ca.crl\n"))
        d = self.started(tls_listener("pos", section(cert, key), workers=1))
        found = os.path.join(self.scratch(), "found.json")
        mercury.run([testssl, "--color", "0", "-q", "--warnings", "off",
                     "--fast", "-p", "-s", "-f", "-P", "-S", "-U",
                     "--add-ca", certs.ca, "--jsonfile", found,
                     f"localhost:{d.port('pos')}"], timeout=560)
        with open(found, encoding="utf-8") as f:
            rows = json.load(f)
        looked_at = {row["id"] for row in rows}
        for wanted in "TLS1_3", "heartbleed", "cipher_order", "PFS":
            self.assertIn(wanted, looked_at)
        self.assertEqual([(row["severity"], row["id"], row["finding"])
                          for row in rows
                          if row["severity"] not in HARMLESS], [])


if __name__ == "__main__":
    mercury.main()
