/** SpiceDB's alphabet of object ids, without `=`, which is our escape. */
const PLAIN = /^[A-Za-z0-9/_|+-]*$/;
const PLAIN_BYTE = /[A-Za-z0-9/_|+-]/;

/**
 * An id in SpiceDB's alphabet: every other byte of its UTF-8 form, and `=` itself, becomes `=HH`
 * (contract "Identity"). So `*`, SpiceDB's wildcard, can never be meant by an id.
 */
export function escapeId(id: string): string {
  if (PLAIN.test(id)) return id;
  let text = '';
  for (const byte of Buffer.from(id, 'utf8')) {
    const char = String.fromCharCode(byte);
    text += PLAIN_BYTE.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

/** The inverse of `escapeId`; text outside SpiceDB's alphabet stays as it is. */
export function unescapeId(text: string): string {
  return text.replaceAll(/(?:=[0-9A-F]{2})+/g, (run) =>
    Buffer.from(run.replaceAll('=', ''), 'hex').toString('utf8'),
  );
}
