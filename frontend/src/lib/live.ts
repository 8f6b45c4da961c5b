/**
 * One WebSocket per page that only says "something changed"; what changed is fetched by HTTP, so a lost, doubled or
 * late message does no harm.
 */
export interface Hint {
  version?: number;
  final?: boolean;
  counts?: Record<string, number>;
  lists?: string[];
}
export type Status = "connecting" | "live" | "reconnecting" | "ended" | "signed-out" | "refused" | "gone";

/** Close codes after which it makes no sense to come back. */
const LAST_WORDS: Record<number, Status> = {
  1000: "ended",
  4401: "signed-out",
  4403: "refused",
  4404: "gone",
};

/** Milliseconds before the n-th new try: 0.4 s doubled each time up to 15 s, and up to half as much more or less. */
export const backOff = (tries: number, chance = Math.random()): number =>
  Math.min(15_000, 400 * 2 ** tries) * (0.5 + chance);

export class LiveSocket {
  #socket: WebSocket | undefined;
  #tries = 0;
  #timer = 0;
  #closed = false;
  #status: Status = "connecting";

  constructor(
    private readonly url: string,
    private readonly since: () => number,
    private readonly onHint: (hint: Hint) => void,
    private readonly onStatus: (status: Status) => void = () => {},
  ) {
    addEventListener("online", this.#now);
    addEventListener("pageshow", this.#now);
    // A page that goes into the back-forward cache must let its socket go, else it is not cached.
    addEventListener("pagehide", this.#rest);
    this.#open();
  }

  get status(): Status {
    return this.#status;
  }

  #say(status: Status): void {
    if (status === this.#status) return;
    this.#status = status;
    this.onStatus(status);
  }

  #open(): void {
    clearTimeout(this.#timer);
    const url = new URL(this.url, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.searchParams.set("since", String(this.since()));
    const socket = (this.#socket = new WebSocket(url));
    socket.onopen = () => {
      this.#tries = 0;
      this.#say("live");
    };
    socket.onmessage = (message) => this.onHint(JSON.parse(String(message.data)) as Hint);
    socket.onclose = (event) => {
      if (socket !== this.#socket) return;
      const last = this.#closed ? "ended" : LAST_WORDS[event.code];
      if (last) {
        this.close();
        this.#say(last);
        return;
      }
      this.#say("reconnecting");
      this.#timer = window.setTimeout(() => this.#open(), backOff(this.#tries++));
    };
  }

  #now = (): void => {
    if (!this.#closed && (!this.#socket || this.#socket.readyState === WebSocket.CLOSED)) this.#open();
  };

  #rest = (): void => {
    const socket = this.#socket;
    this.#socket = undefined;
    clearTimeout(this.#timer);
    socket?.close(1000);
  };

  close(): void {
    this.#closed = true;
    this.#rest();
    removeEventListener("online", this.#now);
    removeEventListener("pageshow", this.#now);
    removeEventListener("pagehide", this.#rest);
  }
}
