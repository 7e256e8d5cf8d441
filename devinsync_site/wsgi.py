"""The WSGI application that `manage.py serve` serves; any other server of WSGI can."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from common.compatibility import require_known_database
from devinsync_site.prefix import below

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devinsync_site.settings")

application = below(get_wsgi_application(), settings.PATH_PREFIX)
# Other servers come by no command that looks at it.
require_known_database()
