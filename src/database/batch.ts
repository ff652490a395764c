// Questions that arrive in one turn of the event loop, asked together: one statement for all of them.

/** Answers for keys. The keys of one turn are asked for at its end: what an answer says was true after the question. */
export class Batch<Found> {
  readonly #ask: (keys: string[]) => Promise<Map<string, Found>>;
  #next: { keys: Set<string>; answers: Promise<Map<string, Found>> } | undefined;

  /** @param ask finds what there is for each of the keys. */
  constructor(ask: (keys: string[]) => Promise<Map<string, Found>>) {
    this.#ask = ask;
  }

  async find(key: string): Promise<Found | undefined> {
    this.#next ??= this.#open();
    const { keys, answers } = this.#next;
    keys.add(key);
    return (await answers).get(key);
  }

  #open() {
    const keys = new Set<string>();
    const answers = new Promise<Map<string, Found>>((resolve, reject) => {
      setImmediate(() => {
        this.#next = undefined;
        this.#ask([...keys]).then(resolve, reject);
      });
    });
    return { keys, answers };
  }
}
