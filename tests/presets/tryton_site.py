"""Tryton as a program: makes its database, serves it on loopback, and says where.

Run with the folder of the database, and the administrator's password on its standard input.
"""

import os
import subprocess
import sys
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

from typing_extensions import override


class _Quiet(WSGIRequestHandler):
    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until killed."""
    folder = Path(sys.argv[1])
    config, password = folder / "trytond.conf", folder / "password"
    config.write_text(f"[database]\nuri = sqlite:///\npath = {folder}\n", encoding="utf-8")
    password.write_text(sys.stdin.readline(), encoding="utf-8")
    (folder / "crm.sqlite").touch()
    os.environ |= {"TRYTOND_CONFIG": str(config), "TRYTONPASSFILE": str(password)}
    admin = Path(sys.executable).with_name("trytond-admin")
    made = [str(admin), "-c", str(config), "-d", "crm", "--all", "--email", "admin@crm.example"]
    subprocess.run(made, check=True)

    from trytond.application import app
    from trytond.pool import Pool

    Pool.start()
    Pool("crm").init()
    with make_server("127.0.0.1", 0, app, handler_class=_Quiet) as server:
        sys.stdout.write(f"{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
