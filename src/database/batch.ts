// Questions that arrive in one turn of the event loop, asked together: one statement for all of them.

interface Turn<Found> {
  /** How many ask for each key. */
  readonly keys: Map<string, number>;
  readonly answers: Promise<Map<string, Found>>;
}

/** Answers for keys. The keys of one turn are asked for at its end: what an answer says was true after the question. */
export class Batch<Found> {
  readonly #ask: (keys: ReadonlyMap<string, number>) => Promise<Map<string, Found>>;
  #turn: Turn<Found> | undefined;

  /** @param ask finds what there is for each of the keys, given how many ask for it. */
  constructor(ask: (keys: ReadonlyMap<string, number>) => Promise<Map<string, Found>>) {
    this.#ask = ask;
  }

  find(key: string): Promise<Found | undefined> {
    return this.#join(key).answers.then((answers) => answers.get(key));
  }

  /** `place` counts those who ask for the same key in the same turn, from 1. */
  async findWithPlace(key: string): Promise<{ found: Found | undefined; place: number }> {
    const { place, answers } = this.#join(key);
    return { found: (await answers).get(key), place };
  }

  #join(key: string): Pick<Turn<Found>, 'answers'> & { place: number } {
    this.#turn ??= this.#open();
    const { keys, answers } = this.#turn;
    const place = (keys.get(key) ?? 0) + 1;
    keys.set(key, place);
    return { place, answers };
  }

  #open(): Turn<Found> {
    const keys = new Map<string, number>();
    const answers = new Promise<Map<string, Found>>((resolve, reject) => {
      setImmediate(() => {
        this.#turn = undefined;
        this.#ask(keys).then(resolve, reject);
      });
    });
    return { keys, answers };
  }
}
