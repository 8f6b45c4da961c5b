"""Addresses of the engineers' pages."""

from django.urls import path

from orchestrator.web import editor, executions, flows, start_form

UI = "ui/<str:tenant>"
FLOW = f"{UI}/flows/<str:namespace>/<str:flow_id>"
RUN = f"{UI}/executions/<str:execution_id>"

urlpatterns = [
    path(f"{UI}/flows", flows.flow_list, name="flows"),
    path(f"{UI}/flows/new", editor.new_flow, name="flow-new"),
    path(f"{UI}/flows/check", editor.check, name="flow-check"),
    path(f"{UI}/flows/schema", editor.schema, name="flow-schema"),
    path(FLOW, flows.overview, name="flow"),
    path(f"{FLOW}/edit", editor.edit_flow, name="flow-edit"),
    path(f"{FLOW}/revisions", flows.revisions, name="flow-revisions"),
    path(f"{FLOW}/runs", flows.runs, name="flow-runs"),
    path(f"{FLOW}/run", start_form.run_flow, name="flow-run"),
    path(f"{FLOW}/run/state", start_form.form_state, name="flow-run-state"),
    path(f"{FLOW}/switch", flows.switch, name="flow-switch"),
    path(f"{FLOW}/delete", flows.delete, name="flow-delete"),
    path(f"{UI}/executions", executions.execution_list, name="executions"),
    path(RUN, executions.execution_page, name="execution"),
    path(f"{RUN}/changes", executions.changes_page, name="execution-changes"),
    path(f"{RUN}/runs/<str:task_run_id>", executions.details, name="execution-run"),
    path(f"{RUN}/logs", executions.log_lines, name="execution-logs"),
    path(f"{RUN}/logs.txt", executions.log_file, name="execution-log-file"),
    path(f"{RUN}/file", executions.file, name="file-download"),
    path(f"{RUN}/kill", executions.kill, name="execution-kill"),
    path(f"{RUN}/resume", executions.resume, name="execution-resume"),
]
