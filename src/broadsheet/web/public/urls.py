"""Addresses of the subscribers' pages. The words in them are signed; see :class:`broadsheet.stamping.LinkSigner`."""

from django.urls import path

from broadsheet.web.public import views

urlpatterns = [
    path("", views.home, name="home"),
    path("u/<str:token>", views.unsubscribe, name="unsubscribe"),
    path("v/<str:token>", views.view_in_browser, name="view"),
    path("a/<str:token>", views.approve, name="approve"),
    path("p/<str:token>", views.preferences, name="preferences"),
]
