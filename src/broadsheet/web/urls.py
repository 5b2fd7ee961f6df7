"""The public server's addresses, as `broadsheet serve` answers them. The local inbox is not among them."""

from django.urls import include, path

from broadsheet.web.assets import asset
from broadsheet.web.images import image

urlpatterns = [
    path("static/<asset:name>", asset, name="asset"),
    path("i/<str:name>", image, name="image"),
    path("console/", include("broadsheet.web.console.urls")),
    path("", include("broadsheet.web.hooks.urls")),
    path("", include("broadsheet.web.public.urls")),
]
