def pytest_addoption(parser):
    parser.addoption("--update", action="store_true", help="rewrite the expected output; review the difference")
