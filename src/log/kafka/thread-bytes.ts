/** What crosses a thread arrives as `Uint8Array`: the same bytes as the `Buffer` that they were. */
export function withBuffers<
  M extends {
    readonly key: Uint8Array | null;
    readonly value: Uint8Array | null;
    readonly headers?: Readonly<Record<string, string | Uint8Array>>;
  },
>(message: M): M & Buffers<M> {
  const { key, value, headers = {} } = message;
  const entries = Object.entries(headers).map(([name, one]) => [name, bufferOf(one)] as const);
  const buffers = {
    key: bufferOf(key),
    value: bufferOf(value),
    headers: Object.fromEntries(entries),
  };
  return { ...message, ...buffers } as M & Buffers<M>;
}

interface Buffers<M> {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>> &
    (M extends { headers: infer H } ? H : object);
}

function bufferOf<T extends string | Uint8Array | null>(one: T): Buffer | T {
  if (!(one instanceof Uint8Array)) return one;
  return Buffer.from(one.buffer, one.byteOffset, one.byteLength);
}
