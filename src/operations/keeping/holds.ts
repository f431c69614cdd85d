import type { Hold } from '../../contract/keeping.ts';
import { Fault } from '../../kernel/errors.ts';
import { LEGAL_HOLD } from '../../twin/control.ts';
import { objectOf, stringOf } from '../../twin/fhir/elements.ts';
import type { SourceRecord, View } from '../../twin/ports.ts';

/** Members of a tenant who are under legal hold, by the view of this instance. */
export function holdsOf(view: Pick<View, 'shards'>, tenant: string): Hold[] {
  return view
    .shards()
    .flatMap((shard) => shard.controls(LEGAL_HOLD.type))
    .filter((record) => record.tenant === tenant)
    .map(holdOf);
}

/** Whether anybody at all is held: what all tenants share then stays. */
export function anyHold(view: Pick<View, 'shards'>): boolean {
  return view.shards().some((shard) => shard.controls(LEGAL_HOLD.type).length > 0);
}

function holdOf({ subject, resource, provenance }: SourceRecord): Hold {
  const { reason, since } = objectOf(resource);
  return {
    member: subject.id,
    reason: stringOf(reason) ?? '',
    since: stringOf(since) ?? provenance.recorded,
    by: provenance.actor,
  };
}

export function notHeld(): Fault {
  return new Fault('NOT_FOUND', { detail: 'There is no legal hold on such a member.' });
}
