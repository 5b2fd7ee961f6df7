"""Addresses of the subscribers' pages. The words in them are signed; see :mod:`broadsheet.notices.links`."""

from django.urls import path

from broadsheet.web.public import (
    approving,
    archive,
    counted,
    front,
    leaving,
    my_data,
    preferences,
    subscribing,
    viewing,
)

urlpatterns = [
    path("", front.home, name="home"),
    path("robots.txt", front.robots, name="robots"),
    path("subscribe.json", subscribing.subscribe_json, name="subscribe_json"),
    path("subscribe/<str:list_name>", subscribing.subscribe, name="subscribe"),
    path("subscribe/<str:list_name>/form", subscribing.form_to_paste, name="form_to_paste"),
    path("archive/<str:list_name>", archive.archive, name="archive"),
    path("archive/<str:list_name>/feed.atom", archive.atom, name="atom"),
    path("archive/<str:list_name>/feed.json", archive.json_feed, name="json_feed"),
    path("archive/<str:list_name>/<int:number>", archive.past_edition, name="past_edition"),
    path("c/<str:token>", subscribing.confirm, name="confirm"),
    path("u/<str:token>", leaving.unsubscribe, name="unsubscribe"),
    path("v/<str:token>", viewing.view_in_browser, name="view"),
    path("p/<str:token>", preferences.preferences, name="preferences"),
    path("d/<str:token>", my_data.download, name="download"),
    path("e/<str:token>", my_data.erase, name="erase"),
    path("a/<str:token>", approving.approve, name="approve"),
    *(path(f"{purpose}/<str:token>", counted.counted, {"purpose": purpose}) for purpose in counted.WAYS),
]
