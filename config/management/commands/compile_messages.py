"""`manage.py compile_messages`: write the .mo files that are read at run time."""

from django.core.management.base import BaseCommand

from config.languages import compile_all


class Command(BaseCommand):
    """Compiles every .po file that is newer than its .mo; needs no gettext tools, as Django's compilemessages does."""

    help = "Compile the catalogues of config/locale."
    requires_system_checks = ()

    def handle(self, *_args: str, **_options: object) -> None:
        """Compile quietly."""
        compile_all()
