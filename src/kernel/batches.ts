/**
 * Group commit: while one batch is being fsynced, all that comes gathers for the next. One fsync
 * thus serves whoever waits, and each is told only after its own; an `Error` among the results is
 * told to its item alone.
 * @param bytesOf so that one batch is bounded by what it holds, not only by how many
 * @param gather where several items come one after the other: the first one waits for this
 */
export function inBatches<Item, Result>(
  write: (items: readonly Item[]) => Promise<readonly (Result | Error)[]>,
  bounds: { readonly itemsMax: number; readonly bytesMax: number },
  bytesOf: (item: Item) => number,
  gather?: () => Promise<unknown>,
): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let running = false;

  const take = (): Waiting<Item, Result>[] => {
    let bytes = 0;
    let count = 0;
    for (const { item } of waiting) {
      bytes += bytesOf(item);
      if (count > 0 && (bytes > bounds.bytesMax || count === bounds.itemsMax)) break;
      count += 1;
    }
    return waiting.splice(0, count);
  };
  const run = async (): Promise<void> => {
    running = true;
    await gather?.();
    while (waiting.length > 0) {
      const batch = take();
      try {
        const results = await write(batch.map(({ item }) => item));
        for (const [index, { resolve, reject }] of batch.entries()) {
          const result = results[index] as Result | Error;
          if (result instanceof Error) reject(result);
          else resolve(result);
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    running = false;
  };
  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!running) void run();
    });
}

interface Waiting<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}
