"""The preview's addresses: a whole server of their own."""

from django.urls import path

from broadsheet.web.assets import asset
from broadsheet.web.preview import views

urlpatterns = [
    path("", views.campaigns, name="campaigns"),
    path("static/<asset:name>", asset, name="asset"),
    path("changes.json", views.changes, name="changes"),
    path("i/<str:name>", views.image, name="image"),
    path("<str:slug>/", views.mail, name="draft"),
    path("<str:slug>/mail", views.frame, name="frame"),
    path("<str:slug>/mail.eml", views.download, name="download"),
    path("<str:slug>/readers.json", views.readers, name="readers"),
    path("<str:slug>/proof", views.proof, name="proof"),
]
