import { casesIn, goneRecords } from '../../twin/break-glass.ts';
import type { Intake, View } from '../../twin/ports.ts';
import type { Dated } from '../keeping/retain.ts';

/**
 * Cases of a tenant that have been reviewed, for `retain`: each goes with its end and its review.
 * One without a review stays, however old.
 */
export function casesKept(
  view: Pick<View, 'shards'>,
  intake: Pick<Intake, 'submitRecord'>,
  tenant: string,
): Dated {
  const reviewed = () =>
    casesIn(view).filter((one) => one.tenant === tenant && one.review !== undefined);
  return {
    list: async () =>
      reviewed().map(({ id, opened }) => ({ name: id, createdAtMs: Date.parse(opened) })),
    async remove(names) {
      const going = new Set(names);
      for (const one of reviewed().filter(({ id }) => going.has(id))) {
        for (const record of goneRecords(one)) await intake.submitRecord(record);
      }
    },
  };
}
