"""The API's routes."""

from django.urls import path

from api.app import api

urlpatterns = [path("", api.urls)]
