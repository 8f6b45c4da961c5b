"""Addresses below /api/v1/."""

from django.urls import path

from orchestrator.api import executions, flows, logs, streams
from orchestrator.api.webhooks import Webhook

FLOW = "<str:namespace>/<str:flow_id>"
RUN = "<str:tenant>/executions/<str:execution_id>"

urlpatterns = [
    path(f"<str:tenant>/executions/webhook/{FLOW}/<str:key>", Webhook.as_view(), name="webhook"),
    # Flows
    path("<str:tenant>/flows", flows.Flows.as_view()),
    path("<str:tenant>/flows/search", flows.FlowSearch.as_view()),
    path("<str:tenant>/flows/validate", flows.FlowValidation.as_view()),
    path("<str:tenant>/flows/graph", flows.TextGraph.as_view()),
    path("<str:tenant>/flows/distinct-namespaces", flows.FlowNamespaces.as_view()),
    path("<str:tenant>/flows/<str:namespace>", flows.NamespaceFlows.as_view()),
    path(f"<str:tenant>/flows/{FLOW}", flows.OneFlow.as_view()),
    path(f"<str:tenant>/flows/{FLOW}/revisions", flows.Revisions.as_view()),
    path(f"<str:tenant>/flows/{FLOW}/graph", flows.SavedGraph.as_view()),
    # Executions
    path("<str:tenant>/executions", executions.FlowExecutions.as_view()),
    path("<str:tenant>/executions/search", executions.ExecutionSearch.as_view()),
    path(RUN, executions.OneExecution.as_view()),
    path(f"{RUN}/actions/kill", executions.Kill.as_view()),
    path(f"{RUN}/kill", executions.Kill.as_view()),
    path(f"{RUN}/actions/resume", executions.Resume.as_view()),
    path(f"{RUN}/resume", executions.Resume.as_view()),
    path(f"{RUN}/follow", streams.follow_execution, name="execution-follow"),
    path(f"{RUN}/file", streams.file, name="file"),
    path(f"{RUN}/file/metas", streams.file_metas),
    path(f"{RUN}/flow", executions.ExecutionFlow.as_view()),
    path(f"{RUN}/graph", executions.ExecutionGraph.as_view()),
    path(f"<str:tenant>/executions/{FLOW}", executions.NewExecution.as_view()),
    path(f"<str:tenant>/executions/{FLOW}/validate", executions.InputCheck.as_view()),
    # Logs
    path("<str:tenant>/logs/<str:execution_id>", logs.Logs.as_view()),
    path("<str:tenant>/logs/<str:execution_id>/download", logs.download, name="log-download"),
    path("<str:tenant>/logs/<str:execution_id>/follow", streams.follow_logs, name="log-follow"),
]
