import { z } from 'zod';
import type { JsonObject } from '../../../kernel/json.ts';

/** Whom a practitioner cares for, as far as the caller may read: derived whenever it is read. */
export const panelSchema = z.strictObject({
  members: z.array(
    z.strictObject({
      /** Member id. */
      member: z.string(),
      name: z.string(),
      birthDate: z.string().optional(),
      profile: z.string(),
    }),
  ),
  says: z.string(),
});

export interface PanelMember {
  readonly member: string;
  readonly name: string;
  readonly birthDate: string | undefined;
  /** URI of the profile. */
  readonly profile: string;
}

/** In the order of names. @param more members that the caller may read beyond those shown */
export function panelData(members: readonly PanelMember[], more: number): JsonObject {
  const rows = members
    .toSorted((a, b) =>
      a.name === b.name ? (a.member < b.member ? -1 : 1) : a.name < b.name ? -1 : 1,
    )
    .map(({ birthDate, ...row }) => ({ ...row, ...(birthDate !== undefined && { birthDate }) }));
  const says =
    more > 0 ? `${more} more members are not shown; find them by name with search.` : SAYS;
  return { members: rows, says };
}

/** The same sentence whether or not there are others. */
const SAYS = 'Members of this panel whose profile you may read.';
