"""HTTP and WebSocket, one application."""

import os
import warnings

# WhiteNoise hands over files as plain iterators: they are small, and reading one at a go is what it means to do
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("HARK_DB_POOL", "1")

from django.core.asgi import get_asgi_application

pages = get_asgi_application()  # before the imports below: they need the apps

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator

from channels_app.consumers import websocket_urlpatterns
from channels_app.hooks.front import Hooks

sockets = AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))
application = ProtocolTypeRouter({"http": Hooks(pages), "websocket": sockets})
