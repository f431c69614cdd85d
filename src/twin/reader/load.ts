import type { Variant } from '../../contract/documents.ts';
import { formatUri, type TwinUri } from '../../contract/uris.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { sourceDocument } from '../etag.ts';
import type { StoredSource, Subject, View } from '../ports.ts';
import { sourceEtag } from '../source-etags.ts';

/** A document as the view has it, before the envelope. */
export interface Loaded {
  readonly uri: string;
  readonly section: string;
  readonly title: string;
  readonly etag: string;
  readonly recorded: string;
  readonly data: JsonObject;
  readonly notices: readonly string[];
  readonly subject: Subject;
}

/** Loads what was granted; `undefined` where there is nothing in this variant. */
export function load(
  view: View,
  etagKey: Uint8Array,
  uri: TwinUri,
  variant: Variant,
): Loaded | undefined {
  const subject = subjectOfUri(uri);
  if (subject === undefined) return undefined;
  const shard = view.for(view.partitionOf(subject));
  if (uri.kind !== 'source') return shard.document(formatUri(uri), variant);
  const source = shard.source(subject, uri.type, uri.id);
  if (source === undefined || source.section !== uri.section) return undefined;
  return loadSource(etagKey, uri, source, variant);
}

function loadSource(
  etagKey: Uint8Array,
  uri: TwinUri & { kind: 'source' },
  source: StoredSource,
  variant: Variant,
): Loaded | undefined {
  if (source.resource === null || variant === 'minimal') return undefined;
  if (source.sensitive && variant === 'general') return undefined;
  const { title, data, notices } = sourceDocument(source, variant);
  const name = formatUri(uri);
  return {
    uri: name,
    section: uri.section,
    title,
    etag: sourceEtag(etagKey, name, variant, { data, notices }),
    recorded: source.provenance.recorded,
    data,
    notices,
    subject: source.subject,
  };
}

export function subjectOfUri(uri: TwinUri): Subject | undefined {
  switch (uri.kind) {
    case 'section':
    case 'source':
    case 'access-log':
      return { kind: 'member', id: uri.member };
    case 'practitioner':
      return { kind: 'practitioner', id: uri.practitioner };
    case 'session':
      return { kind: 'session', id: uri.session };
    case 'changes':
      return undefined;
  }
}
