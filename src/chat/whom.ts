import type { ChatInput } from '../contract/documents.ts';
import { parseUri } from '../contract/uris.ts';
import { Fault } from '../kernel/errors.ts';
import type { Caller, Reader } from '../twin/reader/index.ts';
import { fold } from '../twin/search/terms.ts';

/** Whom a message is about, or the question that has to be asked first and the few it is between. */
export type Whom =
  | { readonly member: string }
  | { readonly question: string; readonly members: readonly string[] };

const WHICH = 'Which member? Give a member id, a name, a birth date or a plan number.';
const QUERY_CHARS_MAX = 256;
/** More is no choice any more. */
const MEMBERS_MAX = 5;

/**
 * The member that is named beside the message, is meant by it, or is the only one there could be.
 * @throws Fault NOT_FOUND where the named one is not there or not the caller's.
 */
export async function whom(
  reader: Reader,
  caller: Caller,
  { member: named, message }: ChatInput,
): Promise<Whom> {
  try {
    const member = await reader.findMember(caller, named);
    if (member !== undefined) return { member };
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'INVALID_ARGUMENT') throw error;
    return { question: error.message, members: fewOf(error.data.members) };
  }
  return await namedIn(reader, caller, message);
}

/** One person of those whom the caller may read whose name stands in the message. */
async function namedIn(reader: Reader, caller: Caller, message: string): Promise<Whom> {
  const query = message.slice(0, QUERY_CHARS_MAX);
  const types = ['Patient'];
  const { results, omitted } = await reader.search(caller, { query, types, limit: 50 }, 'chat');
  const said = new Set(namesOf(message));
  const counted = results
    .filter(({ kind }) => kind === 'member')
    .map(({ uri, title }) => {
      const names = namesOf(title).filter((word) => said.has(word)).length;
      return { uri: parseUri(uri), title, names };
    })
    .sort((a, b) => b.names - a.names);
  const [best, other] = counted;
  if (best === undefined || best.names === 0) return { question: WHICH, members: [] };
  if (other !== undefined && other.names === best.names) {
    const likely = counted.filter(({ names }) => names === best.names);
    const named = likely.slice(0, MEMBERS_MAX).map(({ title }) => title);
    const members = likely.flatMap(({ uri }) => (uri?.kind === 'section' ? [uri.member] : []));
    // All that were found fit, and more were: then others may fit as well.
    const isCut = omitted > 0 && likely.length === counted.length;
    return {
      question: `Which member: ${named.join(', or ')}?`,
      members: isCut ? [] : fewOf(members),
    };
  }
  return best.uri?.kind === 'section'
    ? { member: best.uri.member }
    : { question: WHICH, members: [] };
}

/** The members of whom one is meant, where they are few enough to choose among. */
function fewOf(members: unknown): readonly string[] {
  if (!Array.isArray(members) || members.length > MEMBERS_MAX) return [];
  return members.filter((member) => typeof member === 'string');
}

function namesOf(text: string): string[] {
  return (
    fold(text)
      .replace(/['’]s\b/g, '')
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}
