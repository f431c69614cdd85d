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

/** The inverse of `escapeId`. */
export function unescapeId(text: string): string {
  if (!text.includes('=')) return text;
  const bytes = text.replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
