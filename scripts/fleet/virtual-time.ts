/** Time that passes only from one event to the next. */

type Event = Readonly<{ atMs: number; seq: number; act: () => void }>;

const isBefore = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.seq < b.seq);

export class VirtualTime {
  #nowMs = 0;
  #seq = 0;
  /** A binary heap: the next event first. */
  readonly #events: Event[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, act: () => void): void {
    const event = { atMs: this.#nowMs + ms, seq: (this.#seq += 1), act };
    const events = this.#events;
    let at = events.push(event) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = events[above];
      if (parent === undefined || !isBefore(event, parent)) break;
      events[at] = parent;
      at = above;
    }
    events[at] = event;
  }

  /** @throws Error when nothing happens any more and it is not done */
  run(isDone: () => boolean): void {
    while (!isDone()) {
      const event = this.#next();
      if (event === undefined) throw new Error(`nothing happens any more after ${this.#nowMs} ms`);
      this.#nowMs = event.atMs;
      event.act();
    }
  }

  #next(): Event | undefined {
    const events = this.#events;
    const first = events[0];
    const last = events.pop();
    if (last === undefined || events.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [one, other] = [events[left], events[left + 1]];
      if (one === undefined) break;
      const isOther = other !== undefined && isBefore(other, one);
      const least = isOther ? other : one;
      if (!isBefore(least, last)) break;
      events[at] = least;
      at = isOther ? left + 1 : left;
    }
    events[at] = last;
    return first;
  }
}
