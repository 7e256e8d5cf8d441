"""The WSGI application that `manage.py serve` serves; any other server of WSGI can."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devinsync_site.settings")

application = get_wsgi_application()
