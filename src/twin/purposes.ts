import { isSection, SECTIONS, type Section } from '../contract/uris.ts';
import type { Principal } from './ports.ts';
import table from './purposes.json' with { type: 'json' };

/** How much of a section a purpose of use needs. */
export type Extent = 'all' | 'minimal';

/** What a purpose of use leaves of what relations and scopes give; it never adds to it. */
export interface Purpose {
  readonly sections: ReadonlyMap<Section, Extent>;
  /** Whether who holds `view_access_log` may read the access log. */
  readonly accessLog: boolean;
  /** For de-identified data alone: no section is shown as it is. */
  readonly deidentified: boolean;
}

/** Without a purpose in the token nothing is narrowed: relations and scopes decide alone. */
const ANY: Purpose = {
  sections: new Map(SECTIONS.map((section) => [section, 'all'])),
  accessLog: true,
  deidentified: false,
};
/** A code that nobody has judged. */
const NONE: Purpose = { sections: new Map(), accessLog: false, deidentified: false };

type Row = {
  readonly codes: readonly string[];
  readonly sections: string | Readonly<Record<string, string>>;
  readonly accessLog?: boolean;
  readonly deidentified?: boolean;
};

/** By v3-PurposeOfUse code (purposes.json). */
export const PURPOSES: ReadonlyMap<string, Purpose> = new Map(
  (table.purposes as readonly Row[]).flatMap((row) =>
    row.codes.map((code) => [code, purposeOf(row)] as const),
  ),
);

/** What the purpose in this principal's token leaves (45 CFR 164.502(b), minimum necessary). */
export function purposeFor({ purpose }: Pick<Principal, 'purpose'>): Purpose {
  return purpose === undefined ? ANY : (PURPOSES.get(purpose) ?? NONE);
}

/** A table that says what nobody understands shows nothing, and does not start. */
function purposeOf({ sections, accessLog = false, deidentified = false }: Row): Purpose {
  if (sections === 'all') return { ...ANY, accessLog, deidentified };
  if (typeof sections === 'string') throw new Error(`purposes.json: sections "${sections}"`);
  const extents = Object.entries(sections).map(([section, extent]): [Section, Extent] => {
    if (isSection(section) && (extent === 'all' || extent === 'minimal')) return [section, extent];
    throw new Error(`purposes.json: "${section}": "${extent}"`);
  });
  return { sections: new Map(extents), accessLog, deidentified };
}
