"""The same told store as the pages' tests."""

from tests.central.web.conftest import empty_site as empty_site
from tests.central.web.conftest import site as site
from tests.central.web.conftest import store as store
