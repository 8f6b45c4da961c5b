/**
 * <file-drop>: wraps `<input type=file name=N>` and `<input type=hidden name=N>`.
 *
 * A chosen or dropped file is checked (size, type) and sent at once to the form's `data-upload-url`; the answer's id goes
 * into the hidden field, the file input is emptied. Without script, or without an upload address, the file goes with the form.
 */
import { announce, csrf, h, icon, one } from "../lib/dom";
import { accepted } from "../lib/files";
import { bytes } from "../lib/spans";
import { t } from "../lib/texts";

interface Staged {
  id: string;
  name: string;
  size: number;
}

export class FileDrop extends HTMLElement {
  #request: XMLHttpRequest | undefined;
  #status = h("div", { class: "file-drop__status", role: "status" });

  connectedCallback(): void {
    if (this.#status.isConnected) return;
    this.append(this.#status);
    this.#input.addEventListener("change", () => {
      const file = this.#input.files?.[0];
      if (file) this.#take(file);
    });
    this.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.toggleAttribute("data-over", !this.#input.disabled);
    });
    this.addEventListener("dragleave", () => this.removeAttribute("data-over"));
    this.addEventListener("drop", (event) => {
      event.preventDefault();
      this.removeAttribute("data-over");
      const file = event.dataTransfer?.files[0];
      if (!file || this.#input.disabled) return;
      if (this.#uploadUrl) this.#take(file);
      else if (this.#check(file)) this.#input.files = event.dataTransfer.files;
    });
    this.addEventListener("click", (event) => {
      if ((event.target as Element).closest("[data-remove]")) this.#forget();
    });
  }

  disconnectedCallback(): void {
    this.#request?.abort();
  }

  get #input(): HTMLInputElement {
    return one<HTMLInputElement>("input[type=file]", this)!;
  }
  get #hidden(): HTMLInputElement {
    return one<HTMLInputElement>("input[type=hidden]", this)!;
  }
  get #uploadUrl(): string {
    return this.closest("form")?.dataset["uploadUrl"] ?? "";
  }

  #check(file: File): boolean {
    const most = Number(this.dataset["maxSize"] ?? 0);
    const problem =
      most && file.size > most
        ? t("{name} has {size}; at most {most} are allowed.", {
            name: file.name,
            size: bytes(file.size),
            most: bytes(most),
          })
        : !accepted(this.#input.accept, file.name, file.type)
          ? t("{name} is not one of: {types}", { name: file.name, types: this.#input.accept })
          : "";
    if (!problem) return true;
    // The person meant to replace what was there: sending the old file would surprise.
    this.#input.value = "";
    this.#hidden.value = "";
    one("[data-kept]", this)?.remove();
    this.#say(problem, "failed");
    return false;
  }

  #take(file: File): void {
    if (!this.#check(file) || !this.#uploadUrl) return;
    this.#request?.abort();
    const request = (this.#request = new XMLHttpRequest());
    const bar = h("progress", {
      max: 100,
      value: 0,
      "aria-label": t("Uploading {name}", { name: file.name }),
    });
    const share = h("span", { class: "num" }, "0 %");
    const stop = h(
      "button",
      { class: "btn ghost sm", type: "button", onclick: () => request.abort() },
      t("Cancel"),
    );
    this.dataset["busy"] = "";
    this.dataset["state"] = "running";
    this.#status.replaceChildren(icon("upload"), h("span", {}, file.name), bar, share, stop);
    request.upload.onprogress = (event) => {
      if (!event.lengthComputable) return;
      bar.value = Math.round((event.loaded / event.total) * 100);
      share.textContent = `${bar.value} %`;
    };
    request.onload = () => this.#ended(request, file);
    request.onerror = () => this.#say(t("The upload broke off. Choose the file again."), "failed");
    request.onabort = () => this.#say(t("The upload was cancelled."), "queued");
    request.onloadend = () => {
      this.removeAttribute("data-busy");
      this.#input.value = "";
      this.dispatchEvent(
        new CustomEvent("upload-ended", { bubbles: true, detail: this.dataset["state"] === "success" }),
      );
    };
    request.open("POST", this.#uploadUrl);
    request.setRequestHeader("X-CSRFToken", csrf());
    request.setRequestHeader("Accept", "application/json");
    const body = new FormData();
    body.set("field", this.#input.name);
    body.set("file", file);
    request.send(body);
  }

  #ended(request: XMLHttpRequest, file: File): void {
    let answer: Partial<Staged> & { message?: string; detail?: string } = {};
    try {
      answer = JSON.parse(request.responseText) as typeof answer;
    } catch {
      // an error page: said below
    }
    if (request.status >= 300 || !answer.id) {
      const fallback =
        request.status === 413 ? t("This is too large.") : t("The server did not take the file.");
      this.#say(answer.message ?? answer.detail ?? fallback, "failed");
      return;
    }
    this.#hidden.value = answer.id;
    this.dataset["state"] = "success";
    const name = answer.name ?? file.name;
    this.#status.replaceChildren(
      icon("circle-check"),
      h("span", {}, name),
      h("small", {}, bytes(answer.size ?? file.size)),
      h("button", { class: "btn ghost sm", type: "button", "data-remove": true }, t("Remove")),
    );
    one("[data-kept]", this)?.remove();
    announce(t("{name} is uploaded", { name }));
    this.#hidden.dispatchEvent(new Event("change", { bubbles: true }));
  }

  #forget(): void {
    this.#hidden.value = "";
    this.removeAttribute("data-state");
    one("[data-kept]", this)?.remove();
    this.#status.replaceChildren();
    this.#input.focus();
    this.#hidden.dispatchEvent(new Event("change", { bubbles: true }));
  }

  #say(text: string, tone: string): void {
    this.dataset["state"] = tone;
    this.#status.replaceChildren(icon(tone === "failed" ? "circle-x" : "info"), h("span", {}, text));
  }
}
customElements.define("file-drop", FileDrop);
