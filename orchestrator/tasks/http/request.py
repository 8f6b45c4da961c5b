"""core.http: talk to other systems."""

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import unquote

import httpx

from orchestrator.tasks.contract import Effects, Outcome, RunContext, TaskFailed, TaskType
from orchestrator.tasks.http.transport import Exchange, accepted, answer_to, body_of, headers_of
from orchestrator.tasks.properties import Dynamic, TaskProperties, Text, TextOrNone, as_text

INLINE = 1024 * 1024  # the longest body that becomes an output
DOWNLOAD = 5 * 1024**3
_STORED = ("portico:///", "kestra:///")


class Tls(TaskProperties):
    """How carefully certificates are looked at."""

    insecure_trust_all_certificates: Dynamic[bool] = False


class Timeouts(TaskProperties):
    """How long to wait."""

    connect_timeout: Dynamic[timedelta] | None = None
    read_idle_timeout: Dynamic[timedelta] | None = None


class Proxy(TaskProperties):
    """The proxy to go through."""

    type: TextOrNone = None
    address: TextOrNone = None
    port: Dynamic[int] | None = None
    username: TextOrNone = None
    password: TextOrNone = None


class Auth(TaskProperties):
    """Who asks."""

    type: Dynamic[Literal["BASIC", "BEARER"]] = "BASIC"
    username: TextOrNone = None
    password: TextOrNone = None
    token: TextOrNone = None


class Options(TaskProperties):
    """The finer points of a request; older spellings beside the newer ones."""

    connect_timeout: Dynamic[timedelta] | None = None
    read_timeout: Dynamic[timedelta] | None = None
    read_idle_timeout: Dynamic[timedelta] | None = None
    connection_pool_idle_timeout: Dynamic[timedelta] | None = None
    timeout: Timeouts | None = None
    max_content_length: Dynamic[int] | None = None
    proxy_type: TextOrNone = None
    proxy_address: TextOrNone = None
    proxy_port: Dynamic[int] | None = None
    proxy_username: TextOrNone = None
    proxy_password: TextOrNone = None
    proxy: Proxy | None = None
    default_charset: TextOrNone = None
    follow_redirects: Dynamic[bool] = True
    log_level: TextOrNone = None
    logs: Dynamic[list[Text]] = []
    basic_auth_user: TextOrNone = None
    basic_auth_password: TextOrNone = None
    auth: Auth | None = None
    allow_failed: Dynamic[bool] = False
    allowed_response_codes: Dynamic[list[int]] = []
    ssl: Tls | None = None


class HttpProperties(TaskProperties):
    """What both types send."""

    uri: Text
    method: Text = "GET"
    params: Dynamic[dict[str, Text]] = {}
    body: object = None
    form_data: Dynamic[dict[str, object]] | None = None
    content_type: TextOrNone = None
    headers: Dynamic[dict[str, Text]] = {}
    options: Options = Options()
    ssl_options: Tls | None = None
    allow_failed: Dynamic[bool] = False

    def exchange(self, context: RunContext) -> Exchange:
        """Return what is to be sent."""
        options = self.options
        headers = dict(self.headers)
        given = {name.lower() for name in headers}
        content = None if self.body is None or self.body == "" else as_text(self.body).encode(_charset(options))
        if content is not None and "content-type" not in given:
            headers["Content-Type"] = self.content_type or (
                "text/plain" if isinstance(self.body, str) else "application/json"
            )
        if options.auth and options.auth.type == "BEARER":
            headers["Authorization"] = f"Bearer {options.auth.token or ''}"
        form, files = self._form(context)
        tls = options.ssl or self.ssl_options
        waits = options.timeout or Timeouts()
        read = options.read_timeout or options.read_idle_timeout or waits.read_idle_timeout
        connect = options.connect_timeout or waits.connect_timeout
        return Exchange(
            method=self.method.upper(),
            url=self.uri.strip(),
            headers=headers,
            params=self.params,
            content=content,
            form=form,
            files=files,
            auth=self._auth(),
            follow_redirects=options.follow_redirects,
            connect_seconds=connect.total_seconds() if connect else 10.0,
            read_seconds=read.total_seconds() if read else 60.0,
            verify=not (tls and tls.insecure_trust_all_certificates),
            proxy=self._proxy(),
        )

    def _auth(self) -> tuple[str, str] | None:
        options = self.options
        if options.auth and options.auth.type == "BASIC":
            return options.auth.username or "", options.auth.password or ""
        if options.basic_auth_user is not None:
            return options.basic_auth_user, options.basic_auth_password or ""
        return None

    def _proxy(self) -> str:
        options = self.options
        proxy = options.proxy or Proxy(
            address=options.proxy_address,
            port=options.proxy_port,
            username=options.proxy_username,
            password=options.proxy_password,
        )
        if not proxy.address:
            return ""
        who = f"{proxy.username}:{proxy.password or ''}@" if proxy.username else ""
        return f"http://{who}{proxy.address}:{proxy.port or 3128}"

    def _form(self, context: RunContext) -> tuple[dict[str, str] | None, dict[str, tuple[str, Any, str]] | None]:
        """Split the form's fields into texts and files; a file is `{name, content}` or a stored file's address."""
        if self.form_data is None:
            return None, None
        texts: dict[str, str] = {}
        files: dict[str, tuple[str, Any, str]] = {}
        for key, value in self.form_data.items():
            if isinstance(value, dict) and "content" in value:
                content = as_text(value["content"])
                files[key] = (as_text(value.get("name")) or key, _content(content, context), "application/octet-stream")
            elif isinstance(value, str) and value.startswith(_STORED):
                files[key] = (value.rsplit("/", 1)[-1], _content(value, context), "application/octet-stream")
            else:
                texts[key] = as_text(value)
        multipart = (self.content_type or "").lower().startswith("multipart/")
        if multipart and not files:
            return None, {key: (None, text, "text/plain") for key, text in texts.items()}  # type: ignore[misc]
        return texts, files or None

    def check_code(self, response: httpx.Response) -> None:
        """Raise TaskFailed, with the start of what the other side said, when the status code is not wanted."""
        options = self.options
        allow = self.allow_failed or options.allow_failed
        if accepted(response.status_code, allow_failed=allow, codes=options.allowed_response_codes):
            return
        said = b""
        for part in response.iter_bytes(2048):
            said += part
            if len(said) >= 2048:
                break
        url = response.url.copy_with(username=None, password=None, query=None)
        reason = f"{response.status_code} {response.reason_phrase}".strip()
        raise TaskFailed(
            f"{response.request.method} {url} answered {reason}. {said.decode(errors='replace')[:500]}".strip(),
            {"uri": str(response.url), "code": response.status_code, "headers": headers_of(response)},
        )


def _content(text: str, context: RunContext) -> Any:  # noqa: ANN401  (bytes or a file)
    return context.storage.open(text) if text.startswith(_STORED) else text.encode()


def _charset(options: Options) -> str:
    return options.default_charset or "utf-8"


class RequestProperties(HttpProperties):
    """A request whose answer becomes outputs."""

    encrypt_body: Dynamic[bool] = False


class Request(TaskType[RequestProperties]):
    """Send a request; the answer's code, headers and body are outputs."""

    type = "core.http.Request"
    title = "Send an HTTP request"
    icon = "globe"
    Properties = RequestProperties

    def run(self, properties: RequestProperties, context: RunContext) -> Outcome:
        """Send it and read the answer, up to 1 MB."""
        if properties.encrypt_body:
            raise TaskFailed("encryptBody is not supported; keep the answer with core.http.Download instead.")
        most = properties.options.max_content_length or 10 * INLINE
        with answer_to(properties.exchange(context), context) as response:
            properties.check_code(response)
            body = b"".join(body_of(response, most, context))
            if len(body) > INLINE:
                raise TaskFailed("The answer is larger than 1 MB; core.http.Download stores it as a file.")
            context.metric("response.length", "counter", float(len(body)), {})
            charset = response.charset_encoding or _charset(properties.options)
            outputs = {
                "uri": str(response.url),
                "code": response.status_code,
                "headers": headers_of(response),
                "body": body.decode(charset, errors="replace") if body else None,
            }
        if properties.form_data is not None:
            outputs["formData"] = {key: as_text(value) for key, value in properties.form_data.items()}
        return Outcome(outputs=outputs)


class DownloadProperties(HttpProperties):
    """A request whose answer becomes a file."""

    fail_on_empty_response: Dynamic[bool] = True
    save_as: TextOrNone = None


class Download(TaskType[DownloadProperties]):
    """Fetch a file into storage."""

    type = "core.http.Download"
    effects = Effects.READ
    title = "Download a file"
    icon = "download"
    Properties = DownloadProperties

    def run(self, properties: DownloadProperties, context: RunContext) -> Outcome:
        """Stream the answer into storage; named by its Content-Disposition, else by its address."""
        most = properties.options.max_content_length or DOWNLOAD
        with answer_to(properties.exchange(context), context) as response:
            properties.check_code(response)
            body = _Body(body_of(response, most, context))
            file = io.BufferedReader(body, 64 * 1024)
            if properties.fail_on_empty_response and not file.peek(1):
                raise TaskFailed("The answer is empty.")
            uri = context.storage.put(properties.save_as or _file_name(response) or context.task_id or "download", file)
            context.metric("response.length", "counter", float(body.length), {})
            return Outcome(
                outputs={
                    "uri": uri,
                    "code": response.status_code,
                    "length": body.length,
                    "headers": headers_of(response),
                },
            )


class _Body(io.RawIOBase):
    """An answer's body as a file to read from."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self.length = 0
        self._parts = parts
        self._begun = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401
        if not self._begun:
            self._begun = next(self._parts, b"")
            self.length += len(self._begun)
        count = min(len(buffer), len(self._begun))
        buffer[:count], self._begun = self._begun[:count], self._begun[count:]
        return count


def _file_name(response: httpx.Response) -> str:
    disposition = response.headers.get("content-disposition", "")
    if found := re.search(r"filename\*=(?:UTF-8|utf-8)''([^;]+)", disposition):
        return unquote(found[1]).strip()
    if found := re.search(r'filename="?([^";]+)"?', disposition):
        return found[1].strip()
    return unquote(response.url.path.rstrip("/").rsplit("/", 1)[-1])
