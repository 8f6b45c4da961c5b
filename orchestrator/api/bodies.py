"""Reading what clients send: YAML texts, and the parts of a multipart form."""

from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework.parsers import BaseParser

from tenants.errors import Invalid, TooLarge

TEXT_LIMIT = 4 * 1024 * 1024  # bytes; one flow may have 1 MB, a body may hold several


class YamlParser(BaseParser):
    """A body that is a text: YAML, sent under any of the names that clients use for it."""

    media_type = "application/x-yaml"

    def parse(  # type: ignore[override]  # a text is what the body is
        self,
        stream: IO[bytes],
        media_type: str | None = None,  # noqa: ARG002 - REST framework's shape
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> str:
        """Return the text; raises TooLarge, and Invalid for bytes that are not UTF-8."""
        body = stream.read(TEXT_LIMIT + 1)
        if len(body) > TEXT_LIMIT:
            raise TooLarge(_("This text is too large."))
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            raise Invalid(message=_("The text is not UTF-8.")) from None


class PlainYamlParser(YamlParser):
    """The same under `text/plain`."""

    media_type = "text/plain"


class TextYamlParser(YamlParser):
    """The same under `text/yaml`."""

    media_type = "text/yaml"


class NewYamlParser(YamlParser):
    """The same under `application/yaml`."""

    media_type = "application/yaml"


YAML_PARSERS: tuple[type[BaseParser], ...] = (YamlParser, NewYamlParser, TextYamlParser, PlainYamlParser)


def text_of(data: object) -> str:
    """Return the YAML text of a request's body; raises Invalid when there is none."""
    if not isinstance(data, str) or not data.strip():
        raise Invalid(message=_("Send the flow's YAML as the body, with Content-Type application/x-yaml."))
    return data
