/** The lines of a run: merged by what they are, so the same answer applied twice changes nothing. */
export interface LogLine {
  /** Task run, attempt and the line's number in it: together the line's name. `n` ascends within an attempt. */
  run: string;
  attempt: number;
  n: number;
  at: string | number;
  level: string;
  task: string;
  text: string;
}
export interface Filter {
  level: number;
  task: string;
  text: string;
}

const LEVELS = ["trace", "debug", "info", "warn", "error"];

/** 0 (trace) to 4 (error); an unknown level counts as info. */
export function rank(level: string): number {
  const name = level.toLowerCase() === "warning" ? "warn" : level.toLowerCase();
  const at = LEVELS.indexOf(name);
  return at < 0 ? 2 : at;
}

export class LogLines {
  readonly all: LogLine[] = [];
  shown: number[] = [];
  filter: Filter = { level: 0, task: "", text: "" };
  #last = new Map<string, number>();

  /** Takes what is new, in order of time; returns how many lines that were. */
  add(lines: LogLine[]): number {
    const fresh = lines
      .map((line) => ({ ...line, at: typeof line.at === "number" ? line.at : Date.parse(line.at) }))
      .filter((line) => {
        const stream = `${line.run}/${line.attempt}`;
        if (line.n <= (this.#last.get(stream) ?? -1)) return false;
        this.#last.set(stream, line.n);
        return true;
      });
    if (!fresh.length) return 0;
    fresh.sort((a, b) => a.at - b.at);
    const start = this.#after(fresh[0]!.at);
    if (start === this.all.length) {
      for (const line of fresh) {
        this.all.push(line);
        if (this.matches(line)) this.shown.push(this.all.length - 1);
      }
    } else {
      const tail = [...this.all.splice(start), ...fresh] as typeof fresh;
      tail.sort((a, b) => a.at - b.at);
      for (const line of tail) this.all.push(line); // no spread: 200,000 arguments overflow the stack
      this.refilter();
    }
    return fresh.length;
  }

  /** The first position whose line is later than `at`. */
  #after(at: number): number {
    let low = 0;
    let high = this.all.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.all[middle]!.at as number) <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  refilter(): void {
    this.shown = [];
    this.all.forEach((line, i) => this.matches(line) && this.shown.push(i));
  }

  matches(line: LogLine): boolean {
    const { level, task, text } = this.filter;
    return (
      (!level || rank(line.level) >= level) &&
      (!task || line.task === task || line.run === task) &&
      (!text || line.text.toLowerCase().includes(text))
    );
  }
}
