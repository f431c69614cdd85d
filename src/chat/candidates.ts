import type { WhomQuestion } from '../contract/documents.ts';
import { asFault } from '../kernel/errors.ts';
import { isObject } from '../kernel/json.ts';
import type { Caller, Reader } from '../twin/reader/index.ts';
import { inertText } from '../twin/render/text.ts';

type Candidate = WhomQuestion['candidates'][number];

const NAME_CHARS_MAX = 120;
const UNREADABLE = ['NOT_FOUND', 'INSUFFICIENT_SCOPE', 'PURPOSE_REFUSED'];

/**
 * Those of the members whom the caller may read, by name and birth date, for a person to choose
 * among; nobody where fewer than two are left, which is no choice.
 */
export async function candidatesAmong(
  reader: Reader,
  caller: Caller,
  members: readonly string[],
): Promise<Candidate[]> {
  const found = await Promise.all(members.map((member) => candidate(reader, caller, member)));
  const readable = found.filter((one) => one !== undefined);
  return readable.length < 2 ? [] : readable;
}

async function candidate(
  reader: Reader,
  caller: Caller,
  member: string,
): Promise<Candidate | undefined> {
  try {
    const uri = `mcp://twins/member/${member}/profile`;
    const { document } = await reader.read(caller, uri, { action: 'chat' });
    const { identity } = document.data;
    const { title, birthDate } = isObject(identity) ? identity : {};
    const words = [title, birthDate].filter((word) => typeof word === 'string' && word !== '');
    return { member, name: inertText(words.join(', '), NAME_CHARS_MAX) || member };
  } catch (error) {
    if (!UNREADABLE.includes(asFault(error).code)) throw error;
    return undefined;
  }
}
