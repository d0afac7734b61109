"""python -m emulator --port N --ledger FILE [--check] [--violations FILE] [--faults FILE]"""
import argparse
import logging
import os
import sys

from werkzeug.serving import make_server


def arguments():
    parser = argparse.ArgumentParser(prog="emulator", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="0 = any free one; the ready line names it")
    parser.add_argument("--ledger", required=True, help="one JSON line is appended per request")
    parser.add_argument("--check", action="store_true", help="judge every request by AWS's service models")
    parser.add_argument("--violations", help="where violations go; default: the ledger's name + .violations")
    parser.add_argument("--faults", help="the fault plan, read again when it changes")
    return parser.parse_args()


def main():
    args = arguments()
    os.environ.setdefault("MOTO_PORT", str(args.port))
    from moto.moto_server.werkzeug_app import MotoRequestHandler

    from . import moto_app
    from .app import Emulator

    class Handler(MotoRequestHandler):
        # Headers and body are two writes: without this every answer on a kept connection waits 40 ms.
        disable_nagle_algorithm = True
        protocol_version = "HTTP/1.1"

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    violations = open(args.violations or args.ledger + ".violations", "a", encoding="utf-8") if args.check else None
    with open(args.ledger, "a", encoding="utf-8") as ledger:
        app = Emulator(moto_app.make(), ledger, violations, args.faults)
        server = make_server("127.0.0.1", args.port, app, threaded=True, request_handler=Handler)
        print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.exit(0)


if __name__ == "__main__":
    main()
