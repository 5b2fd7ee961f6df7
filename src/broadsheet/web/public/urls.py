"""Addresses of the subscribers' pages. The words in them are signed; see :class:`broadsheet.stamping.LinkSigner`."""

from django.urls import path

from broadsheet.web.public import counted, views

urlpatterns = [
    path("", views.home, name="home"),
    path("u/<str:token>", views.unsubscribe, name="unsubscribe"),
    path("v/<str:token>", views.view_in_browser, name="view"),
    path("a/<str:token>", views.approve, name="approve"),
    path("p/<str:token>", views.preferences, name="preferences"),
    path("c/<str:token>", counted.clicked),
    path("k/<str:token>", counted.clicked_by_reader),
    path("o/<str:token>", counted.opened),
    path("w/<str:token>", counted.opened_by_reader),
    path("t/<str:token>", counted.trapped),
    path("r/<str:token>", counted.trapped_by_reader),
]
