"""Tags of the portal's pages: Markdown, numbers as people read them, charts as the shared component takes them."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.safestring import SafeString, mark_safe

from apps_portal.core.blocks import LEVELS
from apps_portal.core.chart import Chart, chart_of
from apps_portal.core.page import Block, is_chosen
from apps_portal.core.values import Presented
from apps_portal.markdown import html_of
from apps_portal.pages import RunPage
from orchestrator.changes import Line
from orchestrator.models import Artifact

register = template.Library()


@register.simple_tag(takes_context=True)
def draw(context: Context, block: Block) -> SafeString:
    """`{% draw block as drawn %}`: a block's HTML; nothing where there is nothing to see, so that no gap is left."""
    with context.push(block=block):
        assert context.template is not None
        html = context.template.engine.get_template(block.template).render(context)
    return mark_safe(html if html.strip() else "")  # noqa: S308 - rendered by a template


@register.filter
def markdown(text: object) -> SafeString:
    """`{{ app.description|markdown }}`: as HTML, cleaned."""
    return html_of("" if text is None else str(text))


@register.filter
def number(value: object) -> str:
    """`{{ 336776|number }}`: grouped as the reader's language does; what is no number stays as it is."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "" if value is None else str(value)
    if isinstance(value, int):
        return str(number_format(value, use_l10n=True, force_grouping=True))
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    decimals = len(text.partition(".")[2])
    return str(number_format(value, decimal_pos=min(decimals, 6), use_l10n=True, force_grouping=True))


@register.filter
def cells(rows: tuple[tuple[object, ...], ...]) -> list[list[object]]:
    """Turn a table's rows into those of components/data_table.html: numbers grouped, sorted by what they are."""
    return [[_cell(value) for value in row] for row in rows]


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "✓" if value else "–"
    if isinstance(value, (int, float)):
        return {"text": number(value), "value": value}
    return value


@register.simple_tag
def chart_data(chart: Chart, block_id: object, title: str = "", finding: str = "") -> dict[str, Any]:
    """`{% chart_data block.chart block.number title as chart %}`: what components/chart.html takes."""
    name = f"chart-{block_id}"
    return {"id": name, "data_id": f"{name}-data", "title": title, "finding": finding, "data": chart.data}


@register.simple_tag
def file_of(run: RunPage, value: object) -> Artifact | None:
    """`{% file_of run value as file %}`: the file that an address names, None when the reader may not have it."""
    uri = str(value)
    return run.files_by_uri.get("portico" + uri.removeprefix("kestra") if uri.startswith("kestra://") else uri)


@register.simple_tag
def file_url(run: RunPage, file: Artifact | None, tenant: str) -> str:
    """`{% file_url run file actor.tenant as url %}`: where a file is downloaded."""
    if file is None:
        return ""
    return reverse("file", kwargs={"tenant": tenant, "number": run.submission.number, "file_id": file.pk})


@register.filter
def file_name(value: object) -> str:
    """`{{ value|file_name }}`: the last part of an address, without what makes it unique."""
    last = str(value).rpartition("/")[2]
    head, dash, rest = last.partition("-")
    return rest if dash and len(head) == 32 else last


@register.filter
def shaped(items: tuple[Presented, ...], shape: str) -> list[Presented]:
    """`{{ results|shaped:"number" }}`: those that are drawn in one way."""
    return [item for item in items if item.shape == shape]


@register.filter
def but_shaped(items: tuple[Presented, ...], shape: str) -> list[Presented]:
    """Return those that are drawn in any other way."""
    return [item for item in items if item.shape != shape]


@register.filter
def segments(run: RunPage) -> list[dict[str, str]]:
    """Turn a run's steps into the segments of components/progress.html."""
    return [{"state": str(step.state or ""), "label": step.label} for step in run.progress.bar]


@register.simple_tag
def shape_template(item: Presented) -> str:
    """Return the template that draws a value."""
    return f"apps_portal/values/{item.shape}.html"


@register.filter
def small_ones(items: tuple[Presented, ...]) -> list[Presented]:
    """Return the results that stand in one list: neither figures nor wide ones."""
    return [item for item in items if not item.wide and item.shape != "number"]


@register.filter
def chosen(items: tuple[Presented, ...], wanted: Mapping[str, object] | None) -> list[Presented]:
    """`{{ run.results|chosen:block.data.filter }}`: those that a block's filter lets through."""
    return [item for item in items if is_chosen(item.id, wanted or None)]


@register.filter
def chosen_lines(lines: tuple[Line, ...], wanted: Mapping[str, object] | None) -> list[Line]:
    """`{{ run.logs|chosen_lines:block.data.filter }}`: by level and task."""
    if not wanted:
        return list(lines)
    most = LEVELS.index(str(wanted.get("logLevel") or LEVELS[-1]))
    tasks = wanted.get("taskIds") or ()
    assert isinstance(tasks, (tuple, list))
    return [
        line
        for line in lines
        if (line.level not in LEVELS or LEVELS.index(line.level) <= most) and (not tasks or line.task_id in tasks)
    ]


@register.filter
def safe_link(url: object) -> str:
    """`{{ url|safe_link }}`: an address that may stand in a link: http, https, mailto or a path here; else nothing."""
    text = str(url or "").strip()
    if text.startswith(("https://", "http://", "mailto:")) or (
        text.startswith("/") and not text.startswith(("//", "/\\"))
    ):
        return text
    return ""


@register.filter
def button_kind(style: object) -> str:
    """Turn a button's style into its class, with the space before it."""
    kinds = {"SUCCESS": " success", "DANGER": " danger", "WARNING": " danger", "INFO": " primary"}
    return kinds.get(str(style), "")


@register.filter
def cancel_kind(style: object) -> str:
    """Turn the style of a cancel button into its class; without one it is the dangerous kind."""
    return {"SUCCESS": "success", "INFO": "primary"}.get(str(style), "danger")


@register.simple_tag
def chart_of_value(item: Presented) -> dict[str, Any]:
    """Return what components/chart.html takes for a result of the form {chart, data, x, y, title}."""
    value = item.value if isinstance(item.value, Mapping) else {}
    chart = chart_of(value.get("data"), str(value.get("chart") or "bar"), str(value.get("x") or ""), value.get("y"))
    return chart_data(chart, item.id or "value", str(value.get("title") or item.label), str(value.get("caption") or ""))


@register.simple_tag
def block_tabs(block: Block) -> list[dict[str, Any]]:
    """Return what components/tabs.html takes for a block with tabs."""
    return [
        {"key": f"{block.number}-{number}", "label": part.title or str(number), "active": number == 1}
        for number, part in enumerate(block.parts, 1)
    ]
