"""The application of logging in at providers."""

from django.apps import AppConfig


class SingleSignOnConfig(AppConfig):
    name = "single_sign_on"
    verbose_name = "Single sign-on"

    def ready(self) -> None:
        from single_sign_on import answers, audited, leaving

        audited.register()
        leaving.connect()
        answers.register()
