"""One address for each adapter that has a secret for its webhook."""

from django.urls import path

from broadsheet.web.hooks.views import hook

urlpatterns = [path("hooks/<str:adapter>", hook, name="hook")]
