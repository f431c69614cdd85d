import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

/** Stands for `node:test` where only the names are wanted: nothing runs, and no hook either. */
const RECORDER = `data:text/javascript,${encodeURIComponent(`
  const names = (globalThis.testNames ??= []);
  export const test = (name) => void names.push(name);
  test.skip = test.todo = test.only = test;
  export const it = test, before = () => {}, after = before, beforeEach = before, afterEach = before;
  export default test;
`)}`;

/** The names of the tests of a file, as the file makes them, without running any. */
export async function testNames(path: string): Promise<string[]> {
  const recorded = globalThis as typeof globalThis & { testNames?: string[] };
  recorded.testNames ??= [];
  const known = recorded.testNames.length;
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'node:test'
        ? { url: RECORDER, format: 'module', shortCircuit: true }
        : next(specifier, context),
  });
  try {
    await import(pathToFileURL(path).href);
  } finally {
    hooks.deregister();
  }
  return recorded.testNames.slice(known);
}
