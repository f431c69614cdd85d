import { Fault } from '../../kernel/errors.ts';
import { isObject } from '../../kernel/json.ts';
import { wrong } from './query.ts';

/** What a request says must be so, in its headers (RFC 9110 §13). */
export interface Headers {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

export interface Command {
  readonly json: Uint8Array;
  readonly conditional: boolean;
}

/** Words of FHIR by which an entry of a bundle says what must be so. */
const IN_A_BUNDLE = ['"ifMatch"', '"ifNoneMatch"'];

/**
 * The body as it is to be decided: a precondition in the headers is about the one resource sent, and
 * goes into the entry that FHIR has for it. Whatever may hold a precondition counts as a command.
 * @throws Fault INVALID_ARGUMENT
 */
export function commandOf(json: Uint8Array, { ifMatch, ifNoneMatch }: Headers): Command {
  if (ifMatch === undefined && ifNoneMatch === undefined) {
    const text = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
    return { json, conditional: IN_A_BUNDLE.some((word) => text.includes(word)) };
  }
  const resource = parsed(json);
  if (!isObject(resource) || resource.resourceType === 'Bundle') {
    throw wrong('If-Match', 'is about one resource: in a bundle, say it in request.ifMatch');
  }
  const url = `${String(resource.resourceType)}/${String(resource.id)}`;
  const request = {
    ...{ method: 'PUT', url },
    ...(ifMatch !== undefined && { ifMatch }),
    ...(ifNoneMatch !== undefined && { ifNoneMatch }),
  };
  const entry = [{ resource, request }];
  const bundle = { resourceType: 'Bundle', type: 'transaction', entry };
  return { json: Buffer.from(JSON.stringify(bundle)), conditional: true };
}

function parsed(json: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch {
    // The parser's message quotes the text.
    throw new Fault('INVALID_ARGUMENT', { detail: 'The body is not UTF-8 JSON.' });
  }
}
