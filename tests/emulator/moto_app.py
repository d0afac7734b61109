"""moto's server application, faster and with what moto_fixes.py adds."""
import functools
import os

os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")  # AWS-managed policies can be attached

from moto import backends  # noqa: E402
from moto.core import responses, utils  # noqa: E402
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402

from .moto_fixes import FIXES  # noqa: E402


def cache_lookups():
    """moto lists its package folder and converts method names letter by letter on every request."""
    modules = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules
    cached = functools.lru_cache(maxsize=4096)(utils.camelcase_to_underscores)
    utils.camelcase_to_underscores = cached
    responses.camelcase_to_underscores = cached


def make():
    cache_lookups()
    for fix in FIXES:
        fix()
    app = DomainDispatcherApplication(create_backend_app)
    app.debug = True  # a mistake inside moto is an answer of status 500 with the traceback
    return app
