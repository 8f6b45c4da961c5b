"""Template tags of the front end: `{% asset "run.ts" %}`, `{% icon "play" %}`, `{% state_badge run.state %}` and more.

A library of the template engine's builtins (settings), so no template loads it. What the tags print never holds a style
attribute or inline script: the Content-Security-Policy allows neither.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django import template
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.template.context import Context
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from config.browser_texts import TEXTS
from orchestrator.core.states import LOOKS, Look, State

register = template.Library()

MANIFEST = Path(settings.BASE_DIR) / "static" / "dist" / "manifest.json"
ICONS = Path(settings.BASE_DIR) / "frontend" / "src" / "icons.json"

# Rooms name what they mean; which drawing that is stands here alone.
ICON_OF = {
    "home": "house",
    "apps": "layout-grid",
    "requests": "clipboard-list",
    "approvals": "inbox",
    "flows": "workflow",
    "executions": "history",
    "members": "user",
    "groups": "users",
    "access": "shield",
    "audit": "scroll-text",
    "notices": "bell",
    "tenants": "building-2",
    "triggers": "zap",
    "namespaces": "folder",
    "secrets": "key-round",
    "dashboards": "chart-line",
    "settings": "settings",
}
TONE_ICONS = {
    "success": "circle-check",
    "failed": "circle-x",
    "warning": "triangle-alert",
    "waiting": "hand",
    "running": "info",
    "info": "info",
    "queued": "info",
}
# Django's message levels as tones.
MESSAGE_TONES = {"debug": "queued", "info": "running", "success": "success", "warning": "warning", "error": "failed"}


class AssetsMissing(ImproperlyConfigured):
    """The front end is not built."""

    def __init__(self) -> None:
        super().__init__("static/dist/manifest.json is missing; run `manage.py build_frontend` first")


@cache
def _read(path: Path, _changed: float) -> Any:  # noqa: ANN401 - JSON
    return json.loads(path.read_text(encoding="utf-8"))


def manifest() -> Mapping[str, Mapping[str, Any]]:
    """Return what the build wrote, read again when it changed; empty when absent and ASSETS_REQUIRED is off."""
    try:
        changed = MANIFEST.stat().st_mtime
    except FileNotFoundError:
        if settings.ASSETS_REQUIRED:
            raise AssetsMissing from None
        return {}
    entries: Mapping[str, Mapping[str, Any]] = _read(MANIFEST, changed)
    return entries


def _dist(file: str) -> str:
    return static(f"dist/{file}")


@register.simple_tag
def asset(name: str) -> SafeString:
    """Print the tags that load a bundle with its style sheet and the chunks it needs; nothing when nothing is built."""
    entries = manifest()
    if not entries:
        return mark_safe("")
    try:
        entry = entries[name]
    except KeyError:
        raise ImproperlyConfigured(f"{name!r} is no entry of the front end; build.mjs lists them") from None
    if name.endswith(".css"):
        return format_html('<link rel="stylesheet" href="{}">', _dist(entry["file"]))
    tags = [format_html('<link rel="modulepreload" href="{}">', _dist(file)) for file in entry["preload"]]
    if "css" in entry:
        tags.insert(0, format_html('<link rel="stylesheet" href="{}">', _dist(entry["css"])))
    tags.append(format_html('<script type="module" src="{}"></script>', _dist(entry["file"])))
    return format_html_join("\n", "{}", ((tag,) for tag in tags))


@register.simple_tag
def icons_url() -> str:
    """Return the address of the icon sprite, for `<html data-icons>`; empty when nothing is built."""
    entry = manifest().get("icons.svg")
    return _dist(entry["file"]) if entry else ""


def known_icons() -> Sequence[str]:
    """Return the names of the sprite: from the build, else from its source."""
    entry = manifest().get("icons.svg")
    if entry:
        names: Sequence[str] = entry["names"]
        return names
    try:
        found: Sequence[str] = _read(ICONS, ICONS.stat().st_mtime)
    except FileNotFoundError:
        return ()
    return found


def _svg(name: str, css: str) -> SafeString:
    return format_html(
        '<svg class="icon{}" aria-hidden="true"><use href="{}#i-{}"></use></svg>',
        f" {css}" if css else "",
        icons_url(),
        name,
    )


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """Draw an icon of frontend/src/icons.json or a name of ICON_OF; screen readers skip it, words stand beside it.

    An unknown name is an error in DEBUG and in tests; in production nothing is drawn.
    """
    drawn = ICON_OF.get(name, name)
    if drawn not in known_icons():
        if settings.DEBUG or not settings.ASSETS_REQUIRED:
            raise template.TemplateSyntaxError(f"no icon {name!r}; frontend/src/icons.json lists them")
        return mark_safe("")
    return _svg(drawn, css)


@register.simple_tag
def icon_name(name: str) -> str:
    """Return the drawing behind a name of ICON_OF, for scripts that draw it again."""
    return ICON_OF.get(name, name)


@register.simple_tag
def app_icon(name: str | None) -> SafeString:
    """Draw the icon an author chose for an app; one we do not have becomes the grid."""
    drawn = ICON_OF.get(name or "", name or "")
    return _svg(drawn if drawn in known_icons() else "layout-grid", "")


@register.simple_tag
def tone_icon(tone: str) -> SafeString:
    """Draw the icon that goes with a tone, for notices and toasts."""
    return icon(TONE_ICONS.get(tone, "info"))


def look_of(state: str) -> Look:
    """Return word, tone and icon of a state; an unknown one is shown by its own name."""
    try:
        return LOOKS[State(state)]
    except ValueError:
        return Look(state or "–", "queued", "circle-dashed")


@register.filter
def tone(state: str) -> str:
    """`{{ run.state|tone }}`: the value for `data-state`."""
    return look_of(state).tone


@register.filter
def state_label(state: str) -> str:
    """`{{ run.state|state_label }}`: the state in words."""
    return gettext(look_of(state).label)


@register.simple_tag
def state_icon(state: str) -> SafeString:
    """Draw the icon of a state; the one for work under way turns."""
    look = look_of(state)
    return icon(look.icon, "spin" if look.icon == "loader-circle" else "")


@register.simple_tag
def state_badge(state: str, label: str = "", element_id: str = "") -> SafeString:
    """`{% state_badge execution.state %}`: colour, icon and word; `label` replaces the word ("Waiting for Finance")."""
    return mark_safe(  # noqa: S308 - rendered by a template
        render_to_string(
            "components/badge_state.html",
            {"state": state, "tone": look_of(state).tone, "label": label or state_label(state), "id": element_id},
        ).strip()
    )


@register.filter
def message_tone(tags: str) -> str:
    """Turn the tags of a Django message into a tone."""
    return next((MESSAGE_TONES[tag] for tag in tags.split() if tag in MESSAGE_TONES), "running")


@register.simple_tag
def browser_texts() -> SafeString:
    """Print the JSON element that frontend/src/lib/texts.ts reads: language, translations, looks of states."""
    language = get_language() or "en"
    texts = {} if language.startswith("en") else {text: gettext(text) for text in TEXTS}
    looks = {
        state.value: {"label": gettext(look.label), "tone": look.tone, "icon": look.icon}
        for state, look in LOOKS.items()
    }
    body = json.dumps({"language": language, "texts": texts, "looks": looks}, ensure_ascii=False)
    return format_html(
        '<script type="application/json" id="browser-texts">{}</script>',
        mark_safe(body.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")),  # noqa: S308 - escaped
    )


@register.simple_tag(takes_context=True)
def theme(context: Context) -> SafeString:
    """Print ` data-theme="dark"` as the person chose it, nothing when the system decides."""
    request = context.get("request")
    chosen = request.COOKIES.get("portico_theme", "") if request else ""
    return format_html(' data-theme="{}"', chosen) if chosen in {"light", "dark"} else mark_safe("")


@register.simple_block_tag(takes_context=True)
def component(context: Context, content: str, name: str, **values: Any) -> str:  # noqa: ANN401 - what the partial takes
    """`{% component "card" title=name %}…{% endcomponent %}`: a partial with what stands between as its `body`."""
    with context.push(body=content, **values):
        return template.loader.get_template(f"components/{name}.html").render(_flat(context), context.get("request"))


def _flat(context: Context) -> dict[str, Any]:
    flat = context.flatten()
    return {str(name): value for name, value in flat.items() if name not in {"True", "False", "None", "block"}}


@register.simple_tag
def when(moment: datetime | str | None, *, empty: str = "–") -> SafeString:
    """Print a `<time>` that script keeps relative ("3 minutes ago"); without script it is the date in the zone."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment) if moment else None
    if moment is None:
        return format_html("{}", empty)
    if timezone.is_naive(moment):
        moment = moment.replace(tzinfo=UTC)
    local = timezone.localtime(moment)
    text = formats.date_format(local, "SHORT_DATETIME_FORMAT")
    return format_html('<time datetime="{}" data-relative>{}</time>', moment.isoformat(timespec="seconds"), text)


@register.filter
def took(seconds: float | str | None) -> str:
    """A length of time as people read it: 7.6 s, 2 m 4 s, 1 h 12 m; the same as `duration` in spans.ts."""
    if not isinstance(seconds, int | float):
        return "–"
    if seconds < 0.95:
        return f"{max(0, round(seconds * 1000))} ms"
    if seconds < 59.95:
        return f"{formats.number_format(round(seconds, 1), 1)} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} m {whole % 60} s"
    minutes = whole // 60
    if minutes < 1440:
        return f"{minutes // 60} h {minutes % 60} m"
    return f"{minutes // 1440} d {minutes // 60 % 24} h"


@register.filter
def size(count: int | str | None) -> str:
    """A number of bytes as people read it; the same as `bytes` in spans.ts."""
    if not isinstance(count, int):  # a template hands in "" for what is not there
        return ""
    if count < 1000:
        return f"{count} B"
    value, units = count / 1000, ["TB", "GB", "MB", "kB"]
    unit = units.pop()
    while value >= 999.5 and units:
        value, unit = value / 1000, units.pop()
    tenths = 1 if value < 9.95 else 0
    return f"{formats.number_format(round(value, tenths), tenths)} {unit}"


@register.filter
def initials(name: str) -> str:
    """ "Maria Kovač" -> "MK"."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


WIDGETS = {
    "STRING": "text",
    "INT": "number",
    "FLOAT": "number",
    "BOOL": "switch",
    "BOOLEAN": "switch",
    "SELECT": "select",
    "ENUM": "select",
    "MULTISELECT": "checkboxes",
    "DATE": "date",
    "TIME": "time",
    "DATETIME": "datetime",
    "DURATION": "duration",
    "FILE": "file",
    "JSON": "code",
    "YAML": "code",
    "URI": "url",
    "EMAIL": "email",
    "SECRET": "secret",
    "ARRAY": "list",
}
GROUPED = frozenset({"radio", "checkboxes", "list"})
FEW_OPTIONS = 12


def _part(field: Any, name: str, default: Any = None) -> Any:  # noqa: ANN401 - a mapping or an object
    value = field.get(name, default) if isinstance(field, Mapping) else getattr(field, name, default)
    return default if value is None else value


@register.filter
def widget(field: Any) -> str:  # noqa: ANN401 - see templates/components/fields/README.md
    """Return which partial of components/fields draws a field: its `widget`, else by type and number of options."""
    named = str(_part(field, "widget", "") or WIDGETS.get(str(_part(field, "type", "STRING")), "text"))
    if named == "select" and (_part(field, "options_url", "") or len(_part(field, "options", ())) > FEW_OPTIONS):
        return "combo"
    return named


@register.filter
def field_template(field: Any) -> str:  # noqa: ANN401
    """Return the template of a field's widget, for `{% include field|field_template %}`."""
    return f"components/fields/{widget(field)}.html"


@register.filter
def grouped(field: Any) -> bool:  # noqa: ANN401
    """Say whether a field is a group of controls, named by a legend and not by a label."""
    return widget(field) in GROUPED


@register.simple_tag
def field_attrs(field: Any, **more: Any) -> SafeString:  # noqa: ANN401
    """Print what every control has: id, name, description, error, required, disabled, placeholder, its own `attrs`."""
    described = [
        f"{_part(field, 'id')}-{name}" for name in ("help", "error") if _part(field, name, "") not in {"", None}
    ]
    pairs: dict[str, Any] = {
        "id": _part(field, "id"),
        "name": _part(field, "name"),
        "aria-describedby": " ".join(described) or None,
        "aria-invalid": "true" if _part(field, "error", "") else None,
        "aria-required": "true" if _part(field, "required", default=False) else None,
        "disabled": bool(_part(field, "disabled", default=False) or _part(field, "hidden", default=False)),
        "placeholder": _part(field, "placeholder", "") or None,
        **{
            name: value
            for name, value in dict(_part(field, "attrs", {})).items()
            if not name.lower().startswith(("on", "hx-on", "style"))
        },
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    shown = [(name, value) for name, value in pairs.items() if value is not None and value is not False]
    return format_html_join(
        " ",
        "{}{}",
        ((name, "" if value is True else format_html('="{}"', value)) for name, value in shown),
    )


@register.inclusion_tag("components/sparkline.html")
def sparkline(values: Iterable[float], label: str) -> dict[str, Any]:
    """Draw a small line of values; `label` says in words what it shows ("Runs in the last 14 days: 3 to 18")."""
    points = [float(value) for value in values]
    low, high = (min(points), max(points)) if points else (0.0, 1.0)
    spread = (high - low) or 1.0
    step = 100 / max(1, len(points) - 1)
    placed = [(round(i * step, 2), round(26 - (value - low) / spread * 24, 2)) for i, value in enumerate(points)]
    line = " ".join(f"{x},{y}" for x, y in placed)
    return {"label": label, "line": line, "area": f"0,28 {line} 100,28" if line else "", "end": placed[-1:]}


@register.filter
def cell_text(cell: Any) -> str:  # noqa: ANN401 - a value or {text, value, url}
    """Write a cell of a data table as people read it: numbers in groups, nothing for None."""
    shown = cell.get("text", cell.get("value")) if isinstance(cell, Mapping) else cell
    if isinstance(shown, bool):
        return gettext("yes") if shown else gettext("no")
    if isinstance(shown, int | float | Decimal):
        return str(formats.number_format(shown, use_l10n=True, force_grouping=True))
    return "" if shown is None else str(shown)


@register.simple_tag
def cell_value(cell: Any) -> SafeString:  # noqa: ANN401
    """Print what a cell sorts by and what goes into CSV, where it is not what is shown."""
    value = cell.get("value") if isinstance(cell, Mapping) else cell
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return mark_safe("")
    return format_html(' data-value="{}"', str(value))


@register.filter
def at(values: Sequence[Any], position: int) -> Any:  # noqa: ANN401 - an element
    """`{{ columns|at:forloop.counter0 }}`: one element, nothing when there is none."""
    return values[position] if 0 <= position < len(values) else ""


@register.filter
def chart_rows(data: Mapping[str, Any]) -> list[list[Any]]:
    """Turn a chart's JSON into the rows of its table: label, then one value per series."""
    series = [list(line["values"]) for line in data.get("series", [])]
    return [
        [label, *(values[i] if i < len(values) else "" for values in series)]
        for i, label in enumerate(data.get("labels", []))
    ]
