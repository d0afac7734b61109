"""An AWS emulator for tests: moto, with a ledger, a request checker and faults. See README.md."""
