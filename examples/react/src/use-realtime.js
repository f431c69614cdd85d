import { useEffect, useState, useSyncExternalStore } from 'react';

/** The state of the connection, and of polling where there is none. */
export function useConnection(realtime) {
  return useSyncExternalStore(
    (listener) => realtime.onState(listener),
    () => realtime.state,
  );
}

/**
 * A section of a twin that stays current: read once, and again at or after each change that is told,
 * and after a gap. `error` is what the last read met; the document before it stays.
 */
export function useSection(realtime, member, section) {
  const uri = `mcp://twins/member/${member}/${section}`;
  const [shown, setShown] = useState({ document: undefined, error: undefined });
  useEffect(() => {
    const ending = new AbortController();
    const { signal } = ending;
    const read = async (minPosition) => {
      try {
        const document = await realtime.read(uri, { minPosition, signal });
        setShown({ document, error: undefined });
      } catch (error) {
        if (!signal.aborted) setShown(({ document }) => ({ document, error }));
      }
    };
    const subscription = realtime.subscribe({
      topics: ['twins'],
      member,
      filters: { field: 'uri', eq: uri },
    });
    subscription.on('*', ({ position }) => read(position));
    subscription.onGap(() => read());
    // First the subscription, then the look: what changes in between is told by one of them.
    subscription.ready.then(
      () => read(),
      (error) => setShown({ document: undefined, error }),
    );
    return () => {
      subscription.unsubscribe();
      ending.abort();
    };
  }, [realtime, member, uri]);
  return shown;
}
