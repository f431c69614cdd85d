import classes from './classes.json' with { type: 'json' };

/**
 * Names of FHIR elements under which something that identifies a person stands, in lower case, for
 * whoever writes fields of objects down: all of A to Q, and free text. Left out is what our own log
 * lines are made of: an opaque id, a place in the log, a title of ours.
 */
const OWN: ReadonlySet<string> = new Set([
  ...['id', 'name', 'source', 'position', 'location', 'network', 'group', 'content', 'text'],
  ...['reason', 'details', 'title', 'description', 'reference', 'url', 'uri', 'age', 'device'],
]);

const IDENTIFYING: ReadonlySet<string> = new Set(
  Object.keys(classes.fields)
    .filter((name) => !OWN.has(name))
    .map((name) => name.toLowerCase()),
);

/** Whether a field of this name holds one of the 18 identifiers, or text that may hold any. */
export function identifies(name: string): boolean {
  return IDENTIFYING.has(name.toLowerCase());
}
