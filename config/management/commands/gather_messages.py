"""`manage.py gather_messages`: bring the catalogues up to date with what the sources say."""

from django.core.management.base import BaseCommand

from config.languages import compile_all, gather


class Command(BaseCommand):
    """Adds new sentences to every .po file, drops those that nobody says any more, and compiles."""

    help = "Bring the catalogues of config/locale up to date with the sources."
    requires_system_checks = ()

    def handle(self, *_args: str, **_options: object) -> None:
        """Say for each language how much is left to translate."""
        for language, missing in gather().items():
            self.stdout.write(f"{language}: {missing} sentences to translate")
        compile_all()
